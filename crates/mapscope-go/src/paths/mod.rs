//! Who holds an object: shortest ways from each kind of root, and the ways of all objects of a type put together.

mod fold;
mod merged;
mod place;
mod trie;

pub use merged::{MergedPath, MergedPaths};
pub use place::{Garbage, Place};

use mapscope_heap::WaySearch;

use crate::hops::{Hops, Known, StepName, step_names};
use crate::root_names::{RootName, Source, Start};
use crate::types::{Container, Kind, Step, TypeId};
use crate::{RootClass, Session};
use fold::fold;

/// A way from a root to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPath {
    /// The kind of its root.
    pub kind: RootClass,
    /// The variable, the frame, or another root.
    pub root: String,
    /// The object that the root itself points to; `None` when a step leads there.
    pub object: Option<PathObject>,
    /// What leads from the root to the object.
    pub steps: Vec<PathStep>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStep {
    /// `Registry.items`, `map value`, `{seen}`
    pub label: String,
    /// The whole name of the struct type that has the field; empty for other steps.
    pub of: String,
    /// The object that the step leads to, the last one of a step that is repeated; `None` for a place inside an object.
    pub object: Option<PathObject>,
    /// The step, and the `span - 1` steps before it with it, are taken at most so many times in a row.
    pub times: u64,
    /// At least so many times; less than `times` where paths of several lengths were put together.
    pub times_from: u64,
    /// Steps that are repeated together; 1 for a step alone.
    pub span: u64,
    /// Ways through several steps come back to this one, and were put together with those that do not.
    pub returns: bool,
}

/// An object of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathObject {
    /// Its address.
    pub address: u64,
    /// Its type; empty when it is not known.
    pub type_name: String,
    /// Bytes of its slot.
    pub bytes: u64,
    /// Bytes that would be freed with it; 0 when it is not live.
    pub retained: u64,
}

/// The text of a path: `main.sessions -> Registry.items -> map value`.
pub fn path_text(root: &str, steps: &[PathStep]) -> String {
    let mut parts: Vec<String> = vec![root.to_owned()];
    for step in steps {
        parts.push(format!("{}{}", step.label, if step.returns { " ↺" } else { "" }));
        if step.times > 1 {
            let from = parts.len().saturating_sub(step.span as usize).max(1);
            let together = parts.split_off(from).join(" -> ");
            let group = if step.span > 1 { format!("({together})") } else { together };
            let least =
                if step.times_from < step.times { format!("{}–", thousands(step.times_from)) } else { String::new() };
            parts.push(format!("{group} ×{least}{}", thousands(step.times)));
        }
    }
    parts.join(" -> ")
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let mut groups: Vec<&str> = (!first.is_empty()).then_some(first).into_iter().collect();
    groups.extend((0..rest.len() / 3).map(|i| &rest[i * 3..i * 3 + 3]));
    groups.join(",")
}

/// The label of a way that ends inside a map.
const IN_MAP: &str = "map internals";

fn in_map_step() -> StepName {
    StepName { label: IN_MAP.to_owned(), of: String::new() }
}

/// What a root is called, and the first steps.
pub(super) struct Beginning {
    pub(super) base: String,
    pub(super) steps: Vec<StepName>,
    pub(super) to_element: bool,
}

impl Session<'_> {
    /// A shortest path from each kind of root that reaches the object at `address` (anywhere in it), but for `exclude`.
    pub fn paths_to(&self, address: u64, exclude: &[RootClass]) -> Vec<FoundPath> {
        let stages = &self.stages;
        let Some((target, ..)) = stages.heap.spans.object(address) else { return Vec::new() };
        if !stages.reach.is_live(target) {
            return Vec::new();
        }
        let hops = Hops::new(stages.typing);
        let mut search = WaySearch::new(&stages.heap.graph);
        let mut found = Vec::new();
        for kind in RootClass::ALL.into_iter().filter(|k| !exclude.contains(k)) {
            let starts: Vec<&Start> = stages.starts.iter().filter(|s| s.kind == kind).collect();
            let objects: Vec<u32> = starts.iter().map(|s| s.object).collect();
            // Nobody but the runtime holds what its records lead to.
            let own = matches!(kind, RootClass::Global | RootClass::Stack);
            let open = |object| !(own && stages.roots.passages.is_record(object));
            if let Some(way) = search.shortest(&objects, target, open) {
                found.push(self.found(starts[way.root], &way.objects, &hops));
            }
        }
        found
    }

    fn found(&self, start: &Start, objects: &[u32], hops: &Hops<'_>) -> FoundPath {
        let mut known = Known::new(self.stages.typing);
        let beginning = self.beginning(start, hops, &mut known, true);
        let last = objects.len().saturating_sub(1);
        let mut object = None;
        let mut steps: Vec<(StepName, Option<u32>)> = Vec::new();
        let mut push = |names: Vec<StepName>, to_element, in_map, child, is_last| {
            let mut names = names;
            if is_last && to_element && self.is_row(child) {
                names.pop();
            }
            if in_map && is_last {
                names.push(in_map_step());
            }
            if names.is_empty() {
                // A way through a map goes by its header; through a pointer's own object it goes to the end.
                let place = steps.last_mut().map_or(&mut object, |s| &mut s.1);
                if !in_map {
                    *place = Some(child);
                }
                return;
            }
            let inner = names.len() - 1;
            steps.extend(names.into_iter().enumerate().map(|(i, n)| (n, (i == inner).then_some(child))));
        };
        for (index, child) in objects.iter().enumerate() {
            let is_last = index == last;
            match index.checked_sub(1).and_then(|i| objects.get(i)) {
                None => push(beginning.steps.clone(), beginning.to_element, false, *child, is_last),
                Some(parent) => {
                    let hop = hops.hop(hops.between(*parent, *child, &mut known));
                    let names = hop.steps.iter().map(|s| hops.step(*s)).collect();
                    push(names, hop.to_element, hop.in_map, *child, is_last);
                }
            }
        }
        FoundPath {
            kind: start.kind,
            root: beginning.base,
            object: object.map(|o| self.path_object(o)),
            steps: folded_steps(self, &steps),
        }
    }

    /// What leads from a root to its object.
    pub(super) fn beginning(&self, start: &Start, hops: &Hops<'_>, known: &mut Known<'_>, numbered: bool) -> Beginning {
        let none = Beginning { base: String::new(), steps: Vec::new(), to_element: false };
        let names = self.stages.root_names(numbered);
        match start.source {
            Source::Word(_) | Source::Timer(_) | Source::Pool(_) | Source::Record => {
                let RootName { base, steps } = names.of_source(self.stages.roots, start.source, "");
                let to_element = matches!(steps.last(), Some(Step::Element(Container::Slice | Container::Channel)));
                Beginning { base, steps: step_names(&steps), to_element }
            }
            Source::Goroutine(index) => {
                let Some(goroutine) = self.stages.roots.goroutines.all.get(index as usize) else { return none };
                let Some((record, ..)) = self.stages.heap.spans.object(goroutine.address) else { return none };
                let hop = hops.hop(hops.between(record, start.object, known));
                let base = names.of_source(self.stages.roots, start.source, "").base;
                let steps = hop.steps.iter().map(|s| hops.step(*s)).collect();
                Beginning { base, steps, to_element: hop.to_element }
            }
            Source::Finalized(object) => {
                let hop = hops.hop(hops.between(object, start.object, known));
                let base = format!("finalizer of {}", named(&self.type_name(object)));
                let steps = hop.steps.iter().map(|s| hops.step(*s)).collect();
                Beginning { base, steps, to_element: hop.to_element }
            }
        }
    }

    pub(super) fn is_row(&self, object: u32) -> bool {
        let ty = TypeId(self.stages.heap.graph.type_of(object));
        matches!(self.stages.context.types.get(ty).kind, Kind::Row(_))
    }

    pub(crate) fn path_object(&self, object: u32) -> PathObject {
        let block = self.stages.heap.graph.blocks.block_of(object);
        PathObject {
            address: block.address(object),
            type_name: self.type_name(object),
            bytes: block.slot_size,
            retained: self.dominators().retained(object),
        }
    }
}

/// Steps with what they lead to, as they are shown.
pub(crate) fn folded_steps(session: &Session<'_>, steps: &[(StepName, Option<u32>)]) -> Vec<PathStep> {
    let shown = fold(steps).into_iter().filter_map(|f| {
        let (name, object) = steps.get(f.index)?;
        Some(PathStep {
            label: name.label.clone(),
            of: name.of.clone(),
            object: object.map(|o| session.path_object(o)),
            times: f.times,
            times_from: f.times,
            span: f.span,
            returns: false,
        })
    });
    shown.collect()
}

/// A type's name in a sentence.
pub(super) fn named(type_name: &str) -> &str {
    if type_name.is_empty() { "an object of unknown type" } else { type_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_steps_are_written_once() {
        let step = |label: &str, times, span| PathStep {
            label: label.into(),
            of: String::new(),
            object: None,
            times,
            times_from: times,
            span,
            returns: false,
        };
        let steps = [step("L.head", 1, 1), step("Node.next", 9999, 1), step("A.b", 1, 1), step("B.a", 1_000, 2)];
        assert_eq!(path_text("main.list", &steps), "main.list -> L.head -> Node.next ×9,999 -> (A.b -> B.a) ×1,000");
        assert_eq!(path_text("main.list", &[]), "main.list");
        assert_eq!([0, 12, 123, 1234, 123_456].map(thousands).join(" "), "0 12 123 1,234 123,456");
    }
}
