//! The paths of all objects of a type, put together.
//!
//! In three passes: which objects are on the ways (parents are known from marking), which pointer leads to each of them
//! (in parallel, span by span, so that the target is read in large pieces), and which node of the merged ways each of
//! them belongs to (each after its parent). One column of four bytes for each object of the heap serves the last two.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use mapscope_heap::{BitSet, Parent, Reachability};
use rayon::prelude::*;

use super::trie::{Arrival, OTHER, TOP, Trie};
use super::{PathStep, in_map_step};
use crate::heap::CHUNK;
use crate::hops::{Hop, Hops, Known, StepName, contents, covered, each_word, typed_targets};
use crate::root_names::{Start, mark};
use crate::types::TypeId;
use crate::{RootClass, Session};

/// Objects of a type whose paths have the same root and the same steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedPath {
    /// The kind of their root; `None` when there were too many different paths to tell.
    pub kind: Option<RootClass>,
    /// Its name. Goroutines are not told apart.
    pub root: String,
    /// The steps.
    pub steps: Vec<PathStep>,
    /// Objects.
    pub count: u64,
    /// Bytes of their slots.
    pub bytes: u64,
}

/// The paths of all live objects of some types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedPaths {
    /// Most bytes first.
    pub paths: Vec<MergedPath>,
    /// Live objects of the types.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects of the types that only roots that were left out reach.
    pub left_count: u64,
    /// Their bytes.
    pub left_bytes: u64,
}

impl Session<'_> {
    /// The paths of the live objects whose type's name `wanted` accepts, from roots that are not of a kind in `exclude`.
    /// Each object has one path: that of its owner, or the one it would have if there were no other roots.
    pub fn merged_paths(&self, wanted: impl Fn(&str) -> bool, exclude: &[RootClass]) -> MergedPaths {
        let starts: Vec<Start> = self.stages.starts.iter().filter(|s| !exclude.contains(&s.kind)).copied().collect();
        let own = (!exclude.is_empty()).then(|| mark(&self.stages.heap.graph, &starts, &self.stages.roots.passages));
        let reach = own.as_ref().unwrap_or(self.stages.reach);
        let types = self.stages.context.types;
        let wanted: Vec<bool> = (0..types.len() as u32).map(|id| wanted(&types.get(TypeId(id)).name)).collect();
        let merge = Merge::new(self, reach, &starts, &wanted);
        merge.find_hops();
        merge.finish()
    }
}

struct Merge<'m, 's> {
    session: &'m Session<'s>,
    reach: &'m Reachability,
    starts: &'m [Start],
    hops: Hops<'s>,
    /// Objects of the types.
    targets: BitSet,
    /// Objects that point to one of `ways`, and were the first to.
    parents: BitSet,
    /// Targets and all objects that lead to them.
    ways: BitSet,
    /// First the hop that leads to an object, then its node.
    column: Vec<AtomicU32>,
    totals: MergedPaths,
}

impl<'m, 's> Merge<'m, 's> {
    fn new(session: &'m Session<'s>, reach: &'m Reachability, starts: &'m [Start], wanted: &[bool]) -> Self {
        let graph = &session.stages.heap.graph;
        let [mut targets, mut parents, mut ways] = [(); 3].map(|()| BitSet::new(graph.len()));
        let mut totals = MergedPaths::default();
        for block in graph.blocks.blocks() {
            for object in block.objects() {
                if wanted.get(graph.type_of(object) as usize) != Some(&true) || !session.stages.reach.is_live(object) {
                    continue;
                }
                totals.count += 1;
                totals.bytes += block.slot_size;
                if !reach.is_live(object) {
                    totals.left_count += 1;
                    totals.left_bytes += block.slot_size;
                    continue;
                }
                targets.insert(object as usize);
                let mut at = object;
                while ways.insert(at as usize)
                    && let Some(Parent::Object(parent)) = reach.parent(at)
                {
                    parents.insert(parent as usize);
                    at = parent;
                }
            }
        }
        let mut column = Vec::new();
        column.resize_with(graph.len(), AtomicU32::default);
        let hops = Hops::new(session.stages.typing);
        Self { session, reach, starts, hops, targets, parents, ways, column, totals }
    }

    /// Finds the pointer that leads to each object on the ways.
    fn find_hops(&self) {
        let typing = self.session.stages.typing;
        let spans = &typing.heap.spans;
        let blocks = spans.blocks.blocks();
        blocks.par_iter().zip(&spans.spans).with_min_len(64).for_each_init(
            || Known::new(typing),
            |known, (block, span)| {
                let range = block.objects();
                if self.parents.count_range(range.start as usize, range.end as usize) == 0 {
                    return;
                }
                // Small objects are read a span at a time.
                let mut scratch = Vec::new();
                let whole = (span.bytes <= CHUNK)
                    .then(|| typing.context.memory.bytes(span.start, span.bytes as usize, &mut scratch).ok())
                    .flatten();
                for object in range.filter(|o| self.parents.contains(*o as usize)) {
                    self.hops_of(object, whole.map(|bytes| (span.start, bytes)), known);
                }
            },
        );
    }

    /// Finds the pointers of one object that lead to objects on the ways. `span`: address and bytes around it.
    fn hops_of(&self, object: u32, span: Option<(u64, &[u8])>, known: &mut Known<'_>) {
        let typing = self.session.stages.typing;
        let ty = TypeId(typing.heap.graph.type_of(object));
        let Some((address, room)) = contents(typing, object) else { return };
        let plan = known.facts.plan(ty);
        let len = covered(&mut known.facts, ty, &plan, room);
        // A large row in pieces of whole values.
        let step = (CHUNK / plan.size.max(1)).max(1) * plan.size.max(1);
        let (mut at, mut scratch) = (0, Vec::new());
        while at < len {
            let (from, piece) = (address + at, step.min(len - at) as usize);
            let inside = span.and_then(|(start, bytes)| {
                let offset = (from - start) as usize;
                bytes.get(offset..offset.checked_add(piece)?)
            });
            let bytes = match inside {
                Some(bytes) => Some(bytes),
                None => typing.context.memory.bytes(from, piece, &mut scratch).ok(),
            };
            let mut found = Vec::new();
            if let Some(bytes) = bytes {
                let mut sink = |offset: u64, target: u32| {
                    if self.is_missing(object, target) {
                        found.push((at + offset, target));
                    }
                    false
                };
                typed_targets(typing, &plan, bytes, &mut known.facts, &mut sink);
            }
            for (offset, target) in found {
                self.set(object, target, self.hops.at(ty, offset, known));
            }
            at += step;
        }
        let mut edges = typing.heap.graph.edges(object).iter();
        if edges.any(|target| self.is_missing(object, *target)) {
            let mut found = Vec::new();
            each_word(typing, object, |offset, target| {
                if self.is_missing(object, target) {
                    found.push((offset, target));
                }
                false
            });
            for (offset, target) in found {
                self.set(object, target, self.hops.at(ty, offset, known));
            }
        }
    }

    /// Whether the hop from `parent` to `child` is on a way and not yet found.
    fn is_missing(&self, parent: u32, child: u32) -> bool {
        self.ways.contains(child as usize)
            && self.reach.parent(child) == Some(Parent::Object(parent))
            && self.column[child as usize].load(Relaxed) == 0
    }

    /// The first pointer counts. Only the worker that looks at its parent writes an object's place in the column.
    fn set(&self, parent: u32, child: u32, hop: u32) {
        if self.is_missing(parent, child) {
            self.column[child as usize].store(hop, Relaxed);
        }
    }

    /// Puts the ways together.
    fn finish(mut self) -> MergedPaths {
        let graph = &self.session.stages.heap.graph;
        let mut walk = Walk {
            trie: Trie::new(),
            // Only what is repeated writes to it, so most of its pages are never there.
            repeats: vec![0; graph.len()],
            kinds: Vec::new(),
            known: Known::new(self.session.stages.typing),
            hops: Vec::new(),
        };
        for object in self.reach.order().iter().copied().filter(|o| self.ways.contains(*o as usize)) {
            let node = self.take(object, &mut walk);
            self.column[object as usize].store(node, Relaxed);
        }
        for block in graph.blocks.blocks() {
            let leaf = |o: &u32| self.targets.contains(*o as usize) && !graph.points(*o);
            for object in block.objects().filter(leaf) {
                self.take(object, &mut walk);
            }
        }
        let mut totals = std::mem::take(&mut self.totals);
        totals.paths = self.paths(&walk);
        totals
    }

    /// Counts an object if it is of the type; returns its node.
    fn take(&self, object: u32, walk: &mut Walk<'_>) -> u32 {
        let is_target = self.targets.contains(object as usize);
        let bytes = if is_target { self.session.stages.heap.graph.blocks.size(object) } else { 0 };
        let end = |trie: &mut Trie, node: u32| {
            trie.nodes[node as usize].count += u64::from(is_target);
            trie.nodes[node as usize].bytes += bytes;
        };
        let (from, repeats, hop) = match self.reach.parent(object) {
            Some(Parent::Object(parent)) => {
                let hop = walk.hop(self.column[object as usize].load(Relaxed), &self.hops);
                (self.column[parent as usize].load(Relaxed), walk.repeats[parent as usize], hop)
            }
            Some(Parent::Root(root)) => {
                let (node, hop) = self.root(root as usize, walk);
                (node, 0, std::rc::Rc::new(hop))
            }
            None => return OTHER,
        };
        let (node, repeats, before) = walk.go(from, repeats, &hop.steps);
        if repeats > 0 {
            walk.repeats[object as usize] = repeats;
        }
        if is_target {
            let at = if hop.to_element && self.session.is_row(object) {
                before
            } else if hop.in_map {
                let step = self.hops.number(in_map_step());
                walk.go(node, 0, &[step]).0
            } else {
                node
            };
            end(&mut walk.trie, at);
        }
        node
    }

    /// The node of a root, and the hop from there to its object.
    fn root(&self, index: usize, walk: &mut Walk<'_>) -> (u32, Hop) {
        let Some(start) = self.starts.get(index) else { return (OTHER, Hop::default()) };
        let beginning = self.session.beginning(start, &self.hops, &mut walk.known, false);
        // What no step is called: roots of two kinds are not the same root.
        let of = format!("({})", start.kind.name());
        let name = self.hops.number(StepName { label: beginning.base, of });
        let node = match walk.trie.enter(TOP, name) {
            Arrival::Below(node) | Arrival::Back(node) => node,
            Arrival::Same => TOP,
        };
        if walk.kinds.len() <= node as usize {
            walk.kinds.resize(node as usize + 1, None);
        }
        if node != OTHER {
            walk.kinds[node as usize] = Some(start.kind);
        }
        let steps = beginning.steps.into_iter().map(|s| self.hops.number(s)).collect();
        (node, Hop { steps, in_map: false, to_element: beginning.to_element })
    }

    fn paths(&self, walk: &Walk<'_>) -> Vec<MergedPath> {
        let nodes = &walk.trie.nodes;
        let ends = nodes.iter().enumerate().filter(|(_, n)| n.count > 0);
        let mut paths: Vec<MergedPath> = ends
            .map(|(index, node)| {
                let way = walk.trie.way(index as u32);
                let root = way.first().copied().unwrap_or(OTHER);
                let steps = way.iter().skip(1).filter_map(|n| nodes.get(*n as usize));
                let other = root == OTHER;
                MergedPath {
                    kind: walk.kinds.get(root as usize).copied().flatten(),
                    root: if other {
                        "(other ways)".to_owned()
                    } else {
                        self.hops.step(nodes[root as usize].step).label
                    },
                    steps: steps
                        .map(|n| {
                            let StepName { label, of } = self.hops.step(n.step);
                            let times = u64::from(n.times);
                            PathStep { label, of, object: None, times, times_from: 1, span: 1, returns: n.returns }
                        })
                        .collect(),
                    count: node.count,
                    bytes: node.bytes,
                }
            })
            .collect();
        let text = |p: &MergedPath| super::path_text(&p.root, &p.steps);
        paths.sort_by_cached_key(|p| (std::cmp::Reverse((p.bytes, p.count)), text(p)));
        paths
    }
}

struct Walk<'w> {
    trie: Trie,
    /// How often the step that leads to an object was just repeated.
    repeats: Vec<u32>,
    /// Kinds of the nodes of roots.
    kinds: Vec<Option<RootClass>>,
    known: Known<'w>,
    /// Hops looked up already.
    hops: Vec<Option<std::rc::Rc<Hop>>>,
}

impl Walk<'_> {
    fn hop(&mut self, number: u32, hops: &Hops<'_>) -> std::rc::Rc<Hop> {
        let index = number as usize;
        if self.hops.len() <= index {
            self.hops.resize(index + 1, None);
        }
        self.hops[index].get_or_insert_with(|| std::rc::Rc::new(hops.hop(number))).clone()
    }

    /// From `node`, whose step was repeated so often, through `steps`: the node at the end, its repeats, and the node
    /// before the last step.
    fn go(&mut self, node: u32, repeats: u32, steps: &[u32]) -> (u32, u32, u32) {
        let (mut at, mut repeats, mut before) = (node, repeats, node);
        for step in steps {
            before = at;
            match self.trie.enter(at, *step) {
                Arrival::Same => {
                    repeats += 1;
                    let times = &mut self.trie.nodes[at as usize].times;
                    *times = (*times).max(repeats + 1);
                }
                Arrival::Below(next) | Arrival::Back(next) => (at, repeats) = (next, 0),
            }
        }
        (at, repeats, before)
    }
}
