//! The names of roots: variables, frames, and places that have no name.

use mapscope_heap::{HeapGraph, Reachability};

use crate::heap::SpanTable;
use crate::roots::{Root, RootKind, Roots};
use crate::types::{Step, TypeTable, steps};
use crate::typing::{Names, Origin, Region, Typing};

/// A region inside a region inside a region: names follow so many.
const MAX_NESTING: usize = 16;
/// Neighbours looked at for the region that covers an address.
const MAX_BACK: usize = 16;

/// Kinds of roots, as people tell them apart, in the order in which they own what they reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RootClass {
    /// Package variables, but those of the package `runtime`.
    Global,
    /// Stacks and registers of goroutines.
    Stack,
    /// Finalizers, and what objects with a finalizer point to.
    Finalizer,
    /// Cleanups.
    Cleanup,
    /// What the runtime holds itself: its own variables, weak handles, blocks of tiny objects.
    Runtime,
}

impl RootClass {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Global, Self::Stack, Self::Finalizer, Self::Cleanup, Self::Runtime];

    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Stack => "stack",
            Self::Finalizer => "finalizer",
            Self::Cleanup => "cleanup",
            Self::Runtime => "runtime",
        }
    }
}

/// Where a root of a search comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The word with this index in [`Roots::words`].
    Word(u32),
    /// This object has a finalizer, so what it points to is kept.
    Finalized(u32),
}

/// A root of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The object.
    pub(crate) object: u32,
    pub(crate) source: Source,
    pub(crate) kind: RootClass,
}

/// A root's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RootName {
    /// The variable, the frame, or the place.
    pub(crate) base: String,
    /// From there to the word that holds the pointer.
    pub(crate) steps: Vec<Step>,
}

impl RootName {
    fn bare(base: impl Into<String>) -> Self {
        Self { base: base.into(), steps: Vec::new() }
    }

    /// As one name: `main.reg.items`.
    pub(crate) fn joined(&self) -> String {
        self.steps.iter().fold(self.base.clone(), |name, step| name + &step.to_string())
    }
}

/// Names roots.
#[derive(Clone, Copy)]
pub(crate) struct RootNames<'o> {
    pub(crate) typing: &'o Typing<'o>,
    pub(crate) names: &'o Names,
    pub(crate) regions: &'o [Region],
    /// Goroutines are told apart by their number.
    pub(crate) numbered: bool,
}

impl Start {
    /// The root itself; none for what a finalizer keeps.
    pub(crate) fn root<'r>(&self, roots: &'r Roots) -> Option<&'r Root> {
        match self.source {
            Source::Word(index) => roots.words.get(index as usize),
            Source::Finalized(_) => None,
        }
    }

    /// Roots of a later phase own nothing that those of an earlier one reach.
    fn phase(&self) -> u8 {
        match (self.kind, self.source) {
            (RootClass::Global, _) => 0,
            (RootClass::Stack, _) => 1,
            (_, Source::Word(_)) => 2,
            (_, Source::Finalized(_)) => 3,
        }
    }
}

/// All roots in the order in which they should own what they reach.
pub(crate) fn starts(
    roots: &Roots,
    graph: &HeapGraph,
    spans: &SpanTable,
    types: &TypeTable<'_>,
    regions: &[Region],
    names: &Names,
) -> Vec<Start> {
    let mut starts = Vec::new();
    for (index, root) in roots.words.iter().enumerate() {
        let Some((object, ..)) = spans.object(root.value) else { continue };
        let kind = kind(root, types, regions, names);
        starts.push(Start { object, source: Source::Word(index as u32), kind });
    }
    for object in &roots.finalized {
        let source = Source::Finalized(*object);
        let kept = graph.edges(*object).iter();
        starts.extend(kept.map(|o| Start { object: *o, source, kind: RootClass::Finalizer }));
    }
    starts.sort_by_key(Start::phase);
    starts
}

/// Marks what `starts`, which are in order, reach.
pub(crate) fn mark(graph: &HeapGraph, starts: &[Start]) -> Reachability {
    let mut reach = Reachability::new(graph);
    for phase in starts.chunk_by(|a, b| a.phase() == b.phase()) {
        reach.extend(graph, phase.iter().map(|s| s.object));
    }
    reach
}

fn kind(root: &Root, types: &TypeTable<'_>, regions: &[Region], names: &Names) -> RootClass {
    match root.kind {
        RootKind::Stack(..) => RootClass::Stack,
        RootKind::Finalizer => RootClass::Finalizer,
        RootKind::Cleanup => RootClass::Cleanup,
        RootKind::Runtime => RootClass::Runtime,
        // Without names nothing tells the runtime's variables from the program's.
        RootKind::Static if !types.has_names(root.address) => RootClass::Global,
        RootKind::Static => match variable(types, regions, root.address) {
            Some(name) if !names.get(name).starts_with("runtime.") => RootClass::Global,
            _ => RootClass::Runtime,
        },
    }
}

/// The number of the name of the package-level variable that a word is part of, or that alone leads to it.
fn variable(types: &TypeTable<'_>, regions: &[Region], word: u64) -> Option<u32> {
    let mut at = word;
    for _ in 0..MAX_NESTING {
        match covering(types, regions, at)?.origin {
            Origin::Global(name) => return Some(name),
            Origin::Pointer(from) if from != 0 => at = from,
            _ => return None,
        }
    }
    None
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

impl RootNames<'_> {
    /// The name of a root.
    pub(crate) fn of(&self, root: &Root) -> RootName {
        match root.kind {
            RootKind::Static => self.word(root.address).unwrap_or_else(|| self.unnamed(root.address)),
            RootKind::Stack(g, f) => self.word(root.address).unwrap_or_else(|| RootName::bare(self.frame(g, f))),
            RootKind::Finalizer => RootName::bare("finalizer"),
            RootKind::Cleanup => RootName::bare("cleanup"),
            RootKind::Runtime => RootName::bare("runtime"),
        }
    }

    /// The number of the name of the package-level variable that holds the word at `address`.
    pub(crate) fn variable(&self, address: u64) -> Option<u32> {
        variable(self.typing.context.types, self.regions, address)
    }

    /// The name of the word at `address`: that of the variable it is part of, and the steps to it.
    pub(crate) fn word(&self, address: u64) -> Option<RootName> {
        self.nested(address, MAX_NESTING)
    }

    fn nested(&self, address: u64, nesting: usize) -> Option<RootName> {
        if nesting == 0 || address == 0 {
            return None;
        }
        let types = self.typing.context.types;
        let region = covering(types, self.regions, address)?;
        let value_size = types.get(region.ty).size.max(1);
        let offset = address - region.start;
        let mut name = match region.origin {
            Origin::Global(n) => RootName::bare(self.names.get(n)),
            Origin::Local(g, f, n) => RootName::bare(format!("{}: {}", self.frame(g, f), self.names.get(n))),
            Origin::Pointer(from) => self.nested(from, nesting - 1)?,
            Origin::Guess(g, f) => RootName::bare(self.frame(g, f)),
        };
        name.steps.extend(steps(types, region.ty, offset % value_size));
        Some(name)
    }

    /// `goroutine 7 main.worker`
    pub(crate) fn frame(&self, goroutine: u32, frame: u32) -> String {
        let Some(goroutine) = self.typing.goroutines().all.get(goroutine as usize) else { return String::new() };
        let name =
            goroutine.frames.get(frame as usize).map(|f| self.typing.context.functions[f.table].name(&f.function));
        let name = name.unwrap_or("(unknown)");
        if self.numbered { format!("goroutine {} {name}", goroutine.id) } else { format!("goroutine {name}") }
    }

    /// A place that no variable covers.
    pub(crate) fn unnamed(&self, address: u64) -> RootName {
        if let Some(g) = self.typing.goroutines().at(address) {
            let frames = &self.typing.goroutines().all[g as usize].frames;
            let frame = frames.iter().position(|f| address < f.fp).unwrap_or(0);
            return RootName::bare(self.frame(g, frame as u32));
        }
        for module in self.typing.context.modules {
            for (name, range) in [("data", &module.data), ("bss", &module.bss)] {
                if range.contains(&address) {
                    let offset = address - range.start;
                    let file = module.plugin.iter().flat_map(|file| [file.as_str(), ":"]).collect::<String>();
                    return RootName::bare(format!("{file}{name}+{offset:#x}"));
                }
            }
        }
        RootName::bare(format!("{address:#x}"))
    }
}
