//! How a person would name what holds an object: `main.sessions.byID`, `goroutine 7 main.worker: seen`.
//!
//! An object's name is that of the root that reached it first, and one step for each pointer on the way. Roots that a
//! person wrote come first: package variables, then local variables, then what the runtime holds by itself.

use std::sync::Arc;

use mapscope_heap::{HeapGraph, Parent, Reachability};
use rustc_hash::FxHashMap;

use crate::heap::SpanTable;
use crate::roots::{Root, RootKind, Roots};
use crate::types::{TypeId, TypeTable, compile, steps, visit};
use crate::typing::{Facts, Names, Offer, Origin, Region, Typing};

/// Labels kept at the start and at the end of a name that is longer than both together.
const HEAD: usize = 6;
const TAIL: usize = 6;
/// A region inside a region inside a region: names follow so many.
const MAX_NESTING: usize = 16;
/// Neighbours looked at for the region that covers an address.
const MAX_BACK: usize = 16;
/// From so many pointers on, those of an object are indexed instead of searched.
const MANY: usize = 32;
/// Bytes of one object searched for a pointer.
const MAX_SEARCH: u64 = 256 << 20;

/// A name that can grow without end: its middle is left out.
#[derive(Clone, Debug, Default)]
struct Name {
    head: Vec<Arc<str>>,
    tail: std::collections::VecDeque<Arc<str>>,
    elided: bool,
}

impl Name {
    fn push(&mut self, label: Arc<str>) {
        if label.is_empty() {
            return;
        }
        if self.head.len() <= HEAD {
            self.head.push(label);
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
            self.elided = true;
        }
        self.tail.push_back(label);
    }

    fn text(&self) -> String {
        let mut text: String = self.head.iter().map(|l| &**l).collect();
        if self.elided {
            text.push('…');
        }
        text.extend(self.tail.iter().map(|l| &**l));
        text
    }
}

/// Labels of the pointers of a type: (offset in one period, label), and the period.
struct Labels {
    period: u64,
    by_offset: Vec<(u64, Arc<str>)>,
    /// All labels are the same.
    uniform: bool,
}

/// Names objects. Each object on the way to a named one is named once.
pub(crate) struct Owners<'o> {
    typing: &'o Typing<'o>,
    graph: &'o HeapGraph,
    reach: &'o Reachability,
    names: &'o Names,
    roots: &'o Roots,
    /// Index into `roots` of each root of `reach`; none for what a finalizer keeps.
    order: &'o [Option<u32>],
    regions: &'o [Region],
    known: FxHashMap<u32, Arc<Name>>,
    labels: FxHashMap<TypeId, Arc<Labels>>,
    children: FxHashMap<u32, FxHashMap<u32, u64>>,
}

/// Roots in the order in which they should own what they reach, one list for each phase: (object, index of the root).
pub(crate) fn order_roots(
    roots: &Roots,
    spans: &SpanTable,
    types: &TypeTable<'_>,
    regions: &[Region],
    names: &Names,
) -> [Vec<(u32, Option<u32>)>; 3] {
    let mut phases: [Vec<(u32, Option<u32>)>; 3] = Default::default();
    for (index, root) in roots.words.iter().enumerate() {
        let Some((object, ..)) = spans.object(root.value) else { continue };
        phases[phase(root, types, regions, names)].push((object, Some(index as u32)));
    }
    phases
}

fn phase(root: &Root, types: &TypeTable<'_>, regions: &[Region], names: &Names) -> usize {
    match root.kind {
        RootKind::Stack(..) => 1,
        // Without names nothing tells the runtime's variables from the program's.
        RootKind::Static if types.debug_info().is_none() => 0,
        RootKind::Static => {
            let mut at = root.address;
            for _ in 0..MAX_NESTING {
                match covering(types, regions, at).map(|r| r.origin) {
                    Some(Origin::Global(name)) if !names.get(name).starts_with("runtime.") => return 0,
                    Some(Origin::Pointer(from)) if from != 0 => at = from,
                    _ => return 2,
                }
            }
            2
        }
        _ => 2,
    }
}

/// The region that covers `address`; named ones are preferred.
fn covering<'r>(types: &TypeTable<'_>, regions: &'r [Region], address: u64) -> Option<&'r Region> {
    let end = regions.partition_point(|r| r.start <= address);
    let covers = |r: &&Region| {
        let offset = address - r.start;
        let size = types.get(r.ty).size.saturating_mul(r.count);
        offset < size && offset >= r.window.0 && offset < r.window.1
    };
    let near = &regions[end.saturating_sub(MAX_BACK)..end];
    let named = |r: &&Region| !matches!(r.origin, Origin::Pointer(_));
    near.iter().rev().filter(covers).find(named).or_else(|| near.iter().rev().find(covers))
}

impl<'o> Owners<'o> {
    pub(crate) fn new(
        typing: &'o Typing<'o>,
        graph: &'o HeapGraph,
        reach: &'o Reachability,
        names: &'o Names,
        roots: &'o Roots,
        order: &'o [Option<u32>],
        regions: &'o [Region],
    ) -> Self {
        let (known, labels, children) = Default::default();
        Self { typing, graph, reach, names, roots, order, regions, known, labels, children }
    }

    /// The name of a live object; empty when it is not live.
    pub(crate) fn of_object(&mut self, object: u32) -> String {
        self.name(object).map_or_else(String::new, |n| n.text())
    }

    /// The name of a value outside the heap that starts at `address` and has the type `ty`.
    pub(crate) fn of_region(&self, address: u64, ty: TypeId) -> String {
        let from = self.regions.partition_point(|r| r.start < address);
        let here = self.regions[from..].iter().take_while(|r| r.start == address);
        let names = here.filter(|r| r.ty == ty).filter_map(|r| match r.origin {
            Origin::Pointer(from) => self.word(from, MAX_NESTING),
            Origin::Guess(g, f) => Some(self.frame(g, f)),
            _ => self.word(address, MAX_NESTING),
        });
        names.min_by_key(String::len).unwrap_or_else(|| self.unnamed(address))
    }

    fn name(&mut self, object: u32) -> Option<Arc<Name>> {
        let mut chain = Vec::new();
        let mut at = object;
        let mut name = loop {
            if let Some(known) = self.known.get(&at) {
                break (**known).clone();
            }
            chain.push(at);
            match self.reach.parent(at)? {
                Parent::Object(parent) => at = parent,
                Parent::Root(root) => {
                    let mut name = Name::default();
                    name.push(self.root(root).into());
                    break name;
                }
            }
        };
        while let Some(next) = chain.pop() {
            if let Some(Parent::Object(parent)) = self.reach.parent(next) {
                name.push(self.hop(parent, next));
            }
            self.known.insert(next, Arc::new(name.clone()));
        }
        self.known.get(&object).cloned()
    }

    fn root(&self, index: u32) -> String {
        let root = self.order.get(index as usize).copied().flatten().and_then(|i| self.roots.words.get(i as usize));
        let Some(root) = root else { return "finalizer".to_owned() };
        match root.kind {
            RootKind::Static => self.word(root.address, MAX_NESTING).unwrap_or_else(|| self.unnamed(root.address)),
            RootKind::Stack(g, f) => self.word(root.address, MAX_NESTING).unwrap_or_else(|| self.frame(g, f)),
            RootKind::Finalizer => "finalizer".to_owned(),
            RootKind::Cleanup => "cleanup".to_owned(),
            RootKind::Runtime => "runtime".to_owned(),
        }
    }

    /// The name of the word at `address`: that of the variable it is part of, and the steps to it.
    fn word(&self, address: u64, nesting: usize) -> Option<String> {
        if nesting == 0 || address == 0 {
            return None;
        }
        let types = self.typing.context.types;
        let region = covering(types, self.regions, address)?;
        let value_size = types.get(region.ty).size.max(1);
        let offset = address - region.start;
        let mut name = match region.origin {
            Origin::Global(n) => self.names.get(n).to_owned(),
            Origin::Local(g, f, n) => format!("{}: {}", self.frame(g, f), self.names.get(n)),
            Origin::Pointer(from) => self.word(from, nesting - 1)?,
            Origin::Guess(g, f) => self.frame(g, f),
        };
        for step in steps(types, region.ty, offset % value_size) {
            name.push_str(&step.to_string());
        }
        Some(name)
    }

    /// `goroutine 7 main.worker`
    fn frame(&self, goroutine: u32, frame: u32) -> String {
        let Some(goroutine) = self.typing.goroutines().all.get(goroutine as usize) else { return String::new() };
        let name =
            goroutine.frames.get(frame as usize).map(|f| self.typing.context.functions[f.table].name(&f.function));
        format!("goroutine {} {}", goroutine.id, name.unwrap_or("(unknown)"))
    }

    /// A place that no variable covers.
    fn unnamed(&self, address: u64) -> String {
        if let Some(g) = self.typing.goroutines().at(address) {
            let frames = &self.typing.goroutines().all[g as usize].frames;
            let frame = frames.iter().position(|f| address < f.fp).unwrap_or(0);
            return self.frame(g, frame as u32);
        }
        for module in self.typing.context.modules {
            for (name, range) in [("data", &module.data), ("bss", &module.bss)] {
                if range.contains(&address) {
                    return format!("{name}+{:#x}", address - range.start);
                }
            }
        }
        format!("{address:#x}")
    }

    /// The steps from `parent` to the pointer in it that leads to `child`.
    fn hop(&mut self, parent: u32, child: u32) -> Arc<str> {
        let types = self.typing.context.types;
        let ty = TypeId(self.graph.type_of(parent));
        let labels = self.labels_of(ty);
        if labels.uniform {
            return labels.by_offset.first().map_or_else(|| "".into(), |l| l.1.clone());
        }
        let offset = if self.graph.edges(parent).len() > MANY {
            if !self.children.contains_key(&parent) {
                let mut index = FxHashMap::default();
                self.pointers(parent, ty, |offset, target| {
                    index.entry(target).or_insert(offset);
                    false
                });
                self.children.insert(parent, index);
            }
            self.children[&parent].get(&child).copied()
        } else {
            let mut found = None;
            self.pointers(parent, ty, |offset, target| {
                if target == child {
                    found = Some(offset);
                }
                found.is_some()
            });
            found
        };
        let Some(offset) = offset else { return "".into() };
        let rest = offset % labels.period.max(1);
        let known = labels.by_offset.iter().find(|(o, _)| *o == rest).map(|(_, l)| l.clone());
        known.unwrap_or_else(|| label(types, ty, offset))
    }

    fn labels_of(&mut self, ty: TypeId) -> Arc<Labels> {
        let types = self.typing.context.types;
        let labels = self.labels.entry(ty).or_insert_with(|| {
            let plan = compile(types, ty);
            let mut by_offset = Vec::new();
            visit(&plan, plan.size.min(1 << 16), &mut |offset, _| by_offset.push((offset, label(types, ty, offset))));
            let uniform = by_offset.windows(2).all(|w| w[0].1 == w[1].1);
            Arc::new(Labels { period: plan.size, by_offset, uniform })
        });
        labels.clone()
    }

    /// Calls `sink` with the offset and target of each typed pointer of an object until it returns true.
    fn pointers(&self, object: u32, ty: TypeId, mut sink: impl FnMut(u64, u32) -> bool) {
        let typing = self.typing;
        let block = self.graph.blocks.block_of(object);
        let Some(index) = self.graph.blocks.block_index(block.start) else { return };
        let spans: &SpanTable = &typing.heap.spans;
        let header = spans.header(&spans.spans[index]);
        let mut facts = Facts::new(typing.context.types);
        let plan = facts.plan(ty);
        let room = block.slot_size - header;
        let len = if facts.get(ty).is_row() { room } else { plan.size.min(room) }.min(MAX_SEARCH);
        let mut scratch = Vec::new();
        let Ok(bytes) = typing.context.memory.bytes(block.address(object) + header, len as usize, &mut scratch) else {
            return;
        };
        let mut done = false;
        visit(&plan, len, &mut |offset, reference| {
            if done {
                return;
            }
            let offer: Option<Offer> = typing.resolve(reference, bytes, offset, 0, &mut facts);
            if let Some((target, ..)) = offer.and_then(|o| spans.object(o.address)) {
                done = sink(offset, target);
            }
        });
    }
}

fn label(types: &TypeTable<'_>, ty: TypeId, offset: u64) -> Arc<str> {
    steps(types, ty, offset).iter().map(ToString::to_string).collect::<String>().into()
}
