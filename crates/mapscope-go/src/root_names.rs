//! The names of roots: variables, frames, and places that have no name.

use mapscope_heap::{HeapGraph, Reachability};

use crate::code::{CALL, calls_function_value};
use crate::heap::SpanTable;
use crate::roots::{Frame, Passages, Root, RootKind, Roots};
use crate::types::{Step, TypeId, TypeTable, steps};
use crate::typing::{Names, Origin, Region, Typing};

/// A region inside a region inside a region: names follow so many.
const MAX_NESTING: usize = 16;
/// Neighbours looked at for the region that covers an address.
const MAX_BACK: usize = 16;

/// Kinds of roots, as people tell them apart, in the order in which they own what they reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RootClass {
    /// Package variables, but those that serve the runtime.
    Global,
    /// Stacks and registers of goroutines.
    Stack,
    /// Finalizers, and what objects with a finalizer point to.
    Finalizer,
    /// Cleanups.
    Cleanup,
    /// What the runtime holds itself: its own variables, timers, lists of pools, weak handles, blocks of tiny objects.
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
    /// The record of the goroutine with this index.
    Goroutine(u32),
    /// A timer that calls the function with this number.
    Timer(u32),
    /// The list of pools, which has the pool at this address.
    Pool(u64),
    /// The object itself is a record of the runtime.
    Record,
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
    /// A word of a pool: what was put back there may still be of use to others, and then is theirs.
    pub(crate) of_pool: bool,
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

/// What of its goroutine a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// A word of a frame, or a register.
    Frame(u32),
    /// The calls that it has deferred: their records are one list, of all frames.
    Deferred,
    /// A variable: frame, and number of its name.
    Variable(u32, u32),
}

/// What a goroutine has deferred, as a part of its name.
pub(crate) const DEFERRED: &str = "deferred call";

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
    /// The root itself, when it is a word.
    pub(crate) fn root<'r>(&self, roots: &'r Roots) -> Option<&'r Root> {
        match self.source {
            Source::Word(index) => roots.words.get(index as usize),
            _ => None,
        }
    }

    /// Whether it is a root for the collector too, and not only for who holds what.
    pub(crate) fn is_the_collectors(&self) -> bool {
        matches!(self.source, Source::Word(_) | Source::Finalized(_))
    }

    /// The goroutine that it belongs to.
    pub(crate) fn goroutine(&self, roots: &Roots) -> Option<u32> {
        match (self.source, self.root(roots).map(|root| root.kind)) {
            (Source::Goroutine(goroutine), _) | (_, Some(RootKind::Stack(goroutine, _))) => Some(goroutine),
            _ => None,
        }
    }

    /// The place in the order of words of stacks; those of one goroutine are side by side.
    pub(crate) const OF_STACKS: u8 = 1;

    /// Roots later in the order own nothing that earlier ones reach.
    pub(crate) fn order(&self) -> u8 {
        match (self.kind, self.source) {
            _ if self.of_pool => 4,
            (RootClass::Global, _) => 0,
            (RootClass::Stack, Source::Word(_)) => Self::OF_STACKS,
            (RootClass::Stack, _) => 2,
            (_, Source::Timer(_)) => 3,
            (_, Source::Pool(_)) => 4,
            (RootClass::Finalizer | RootClass::Cleanup, Source::Word(_)) => 5,
            (_, Source::Finalized(_)) => 6,
            (_, Source::Word(_)) => 7,
            (_, Source::Goroutine(_) | Source::Record) => 8,
        }
    }

    /// Roots of a later rank hold only what none of an earlier one reaches.
    fn rank(&self) -> u8 {
        match self.order() {
            0..=2 => OWN,
            3..=6 => PASSAGES,
            _ => RECORDS,
        }
    }
}

/// What people wrote: variables and goroutines.
const OWN: u8 = 0;
/// What the runtime keeps for people: timers, pools, finalizers, cleanups.
const PASSAGES: u8 = 1;
/// What it keeps for itself.
const RECORDS: u8 = 2;
const RANKS: u8 = 3;

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
        let kind = kind(root, roots, types, regions, names);
        let of_pool = roots.passages.is_pool_word(root);
        starts.push(Start { object, source: Source::Word(index as u32), kind, of_pool });
    }
    let Passages { records, timers, pools, .. } = &roots.passages;
    let runtime = |object, source| Start { object, source, kind: RootClass::Runtime, of_pool: false };
    starts.extend(timers.iter().map(|(object, function)| runtime(*object, Source::Timer(*function))));
    starts.extend(pools.iter().map(|(object, pool)| runtime(*object, Source::Pool(*pool))));
    starts.extend(records.iter().map(|object| runtime(*object, Source::Record)));
    for (index, goroutine) in (0u32..).zip(&roots.goroutines.all) {
        let Some((record, ..)) = spans.object(goroutine.address) else { continue };
        let own = graph.edges(record).iter().filter(|o| !roots.passages.is_record(**o));
        let source = Source::Goroutine(index);
        starts.extend(own.map(|o| Start { object: *o, source, kind: RootClass::Stack, of_pool: false }));
    }
    for object in &roots.finalized {
        let source = Source::Finalized(*object);
        let kept = graph.edges(*object).iter();
        starts.extend(kept.map(|o| Start { object: *o, source, kind: RootClass::Finalizer, of_pool: false }));
    }
    starts.sort_by_key(Start::order);
    starts
}

/// Marks what `starts`, which are in order, reach.
pub(crate) fn mark(graph: &HeapGraph, starts: &[Start], passages: &Passages) -> Reachability {
    let mut reach = Reachability::new(graph);
    reach.shut(passages.records.iter().copied());
    for (rank, same) in (0..RANKS).map(|rank| (rank, starts.iter().filter(move |s| s.rank() == rank))) {
        match rank {
            OWN => {}
            RECORDS => {
                reach.begin_rank();
                reach.open();
            }
            _ => reach.begin_rank(),
        }
        let same: Vec<Start> = same.copied().collect();
        for phase in same.chunk_by(|a, b| a.order() == b.order()) {
            reach.extend(graph, phase.iter().map(|s| s.object));
        }
    }
    reach.end_ranks();
    reach
}

/// Variables that lead to what is not theirs: the runtime's own, the lists of pools, and what packages have for it.
fn serves_runtime(variable: &str) -> bool {
    let packages = ["runtime.", "internal/runtime/", "internal/poll.", "time."];
    packages.iter().any(|package| variable.starts_with(package))
        || matches!(variable, "sync.allPools" | "sync.oldPools")
}

fn kind(root: &Root, roots: &Roots, types: &TypeTable<'_>, regions: &[Region], names: &Names) -> RootClass {
    match root.kind {
        RootKind::Stack(..) => RootClass::Stack,
        RootKind::Finalizer => RootClass::Finalizer,
        RootKind::Cleanup => RootClass::Cleanup,
        RootKind::Runtime => RootClass::Runtime,
        RootKind::Static if roots.passages.pool_lists.binary_search(&root.address).is_ok() => RootClass::Runtime,
        // Without names nothing tells the runtime's variables from the program's.
        RootKind::Static if !types.has_names(root.address) => RootClass::Global,
        RootKind::Static => match variable(types, regions, root.address) {
            Some(name) if !serves_runtime(names.get(name)) => RootClass::Global,
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
            RootKind::Stack(g, f) => self.word(root.address).unwrap_or_else(|| {
                let deferred = if self.deferred(root).is_some() { [": ", DEFERRED] } else { [""; 2] };
                RootName::bare(self.frame(g, f) + &deferred.concat())
            }),
            RootKind::Finalizer => RootName::bare("finalizer"),
            RootKind::Cleanup => RootName::bare("cleanup"),
            RootKind::Runtime => RootName::bare("runtime"),
        }
    }

    /// The name of a root that is no word, given the label of the pointer to its object where there is one.
    pub(crate) fn of_source(&self, roots: &Roots, source: Source, label: &str) -> RootName {
        RootName::bare(match source {
            Source::Word(index) => {
                return roots.words.get(index as usize).map_or_else(|| RootName::bare(""), |r| self.of(r));
            }
            Source::Goroutine(index) => {
                let (id, entry) = self.goroutine(index);
                let number = if self.numbered { format!("{id} ") } else { String::new() };
                let label = label.trim_start_matches('.');
                format!("goroutine {number}{entry}{}{label}", if label.is_empty() { "" } else { ": " })
            }
            Source::Timer(function) => {
                let name = roots.passages.timer_functions.get(function as usize).map_or("", String::as_str);
                format!("via timer {name}")
            }
            Source::Pool(address) => self.pool(address),
            Source::Record => "runtime".to_owned(),
            Source::Finalized(_) => "finalizer".to_owned(),
        })
    }

    /// An object with a pool: `via pool main.decoder`.
    fn pool(&self, address: u64) -> String {
        let object = self.typing.heap.spans.object(address).map(|(object, ..)| object);
        let ty = object.map(|object| TypeId(self.typing.heap.graph.type_of(object)));
        let name = ty.map_or_else(String::new, |ty| self.typing.context.types.get(ty).name.clone());
        format!("via pool {name}").trim_end().to_owned()
    }

    /// The number of a goroutine, and the function that it began with.
    pub(crate) fn goroutine(&self, index: u32) -> (u64, &str) {
        let Some(goroutine) = self.typing.goroutines().all.get(index as usize) else { return Default::default() };
        let (functions, minor) = (self.typing.context.functions, self.typing.context.minor);
        // What `go f(x)` makes is no function that anyone wrote.
        let frames = goroutine.frames.iter().rev().filter(|f| !f.function.is_wrapper(minor));
        let mut named = frames.map(|f| (f, functions[f.table].name(&f.function)));
        // Every goroutine begins above `goexit`, the first one with `runtime.main`, which calls `main.main`; a coroutine
        // with `corostart`, which calls what `iter.Pull` made of the function that it was given.
        let is_beginning = |name: &str| {
            matches!(name, "runtime.goexit" | "runtime.main" | "runtime.corostart") || name.starts_with("iter.Pull")
        };
        let Some((mut frame, mut name)) = named.find(|(_, name)| !is_beginning(name)) else {
            return (goroutine.id, "(unknown)");
        };
        // `func (s *Server) start(f func()) { go func() { f() }() }` begins all of a program's goroutines: f tells them
        // apart.
        while is_literal(name) && self.calls_function_value(frame) {
            match named.next().filter(|(_, name)| !name.starts_with("runtime.")) {
                Some(called) => (frame, name) = called,
                None => break,
            }
        }
        (goroutine.id, name)
    }

    /// Whether a frame stands in a call of a function value.
    fn calls_function_value(&self, frame: &Frame) -> bool {
        let (memory, mut scratch) = (self.typing.context.memory, Vec::new());
        let Some(from) = frame.continue_at.checked_sub(CALL as u64) else { return false };
        memory.bytes(from, CALL, &mut scratch).is_ok_and(|code| calls_function_value(memory.arch(), code))
    }

    /// The frame and the number of the name of the local variable that a word is part of, or that alone leads to it.
    pub(crate) fn local(&self, word: u64) -> Option<(u32, u32)> {
        let mut at = word;
        for _ in 0..MAX_NESTING {
            match covering(self.typing.context.types, self.regions, at).filter(|_| at != 0)?.origin {
                Origin::Local(_, frame, name) => return Some((frame, name)),
                Origin::Pointer(from) if from != 0 => at = from,
                _ => return None,
            }
        }
        None
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
        let name = self.function(goroutine, frame);
        let Some(goroutine) = self.typing.goroutines().all.get(goroutine as usize) else { return String::new() };
        if self.numbered { format!("goroutine {} {name}", goroutine.id) } else { format!("goroutine {name}") }
    }

    /// The function of a frame.
    pub(crate) fn function(&self, goroutine: u32, frame: u32) -> &str {
        let goroutine = self.typing.goroutines().all.get(goroutine as usize);
        let frame = goroutine.and_then(|g| g.frames.get(frame as usize));
        frame.map_or("(unknown)", |f| self.typing.context.functions[f.table].name(&f.function))
    }

    /// The object that is the record of a deferred call and has this root of a stack: no other is in the heap.
    pub(crate) fn deferred(&self, root: &Root) -> Option<u32> {
        self.typing.heap.spans.object(root.address).map(|(record, ..)| record)
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

/// Whether a function is a literal in another: `main.start.func1`, `main.start.func2.1`, `main.start[...].func1`.
fn is_literal(name: &str) -> bool {
    let outer = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    outer.len() < name.len() && outer.strip_suffix("func").is_some_and(|outer| outer.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::is_literal;

    #[test]
    fn tells_literals_from_functions() {
        for name in ["main.start.func1", "main.(*T).start.func2.1", "main.start[...].func1"] {
            assert!(is_literal(name), "{name}");
        }
        for name in ["main.start", "main.func1x", "main.myfunc1", "main.v2", "gopkg.in/x.func", ""] {
            assert!(!is_literal(name), "{name}");
        }
    }
}
