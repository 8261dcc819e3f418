//! Who holds objects from outside the heap: variables, goroutines, and what the runtime keeps.

use std::cmp::Reverse;

use mapscope_heap::HolderTree;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::owner::Owners;
use crate::root_names::{Part, Source, Start};
use crate::roots::{RootKind, Roots};

/// What a holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HolderKind {
    /// A package-level variable, or a word of data that no variable is known for.
    Variable,
    /// A goroutine: its stack, registers and deferred calls.
    Goroutine,
    /// A part of a goroutine: a variable, a frame, or what it has deferred.
    Local,
    /// Timers that call one function.
    Timer,
    /// A pool that only the runtime's list of pools leads to.
    Pool,
    /// Finalizers: their functions, and what the objects that have one point to.
    Finalizer,
    /// Cleanups.
    Cleanup,
    /// Other lists of the runtime.
    Runtime,
}

impl HolderKind {
    /// `variable`, `goroutine`, `local`, `timer`, `pool`, `finalizer`, `cleanup` or `runtime`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Goroutine => "goroutine",
            Self::Local => "local",
            Self::Timer => "timer",
            Self::Pool => "pool",
            Self::Finalizer => "finalizer",
            Self::Cleanup => "cleanup",
            Self::Runtime => "runtime",
        }
    }
}

/// Something outside the heap that holds objects: all of its roots together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// How a person would name it: `main.sessions`, `goroutine 7 main.worker`, `finalizer`.
    pub name: String,
    /// Index of the goroutine.
    pub(crate) goroutine: Option<u32>,
}

/// All holders, and which of them each root belongs to.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    /// Those that are no parts of others. They have the first numbers.
    pub(crate) all: Vec<Holder>,
    /// By index of the root in the reachability.
    pub(crate) of_root: Vec<u32>,
    /// The goroutine that each part belongs to; for others their own numbers.
    pub(crate) above: Vec<u32>,
    /// The group of each holder: goroutines that began with the same function are in one, and so are variables of one
    /// name in such goroutines.
    pub(crate) groups: Vec<u32>,
    pub(crate) group_names: Vec<String>,
    /// Kind of the holders of each group, and how many there are.
    pub(crate) group_kinds: Vec<(HolderKind, u64)>,
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// Number of the variable's name.
    Variable(u32),
    /// A word that no variable covers.
    Word(u64),
    Goroutine(u32),
    /// Number of the function.
    Timer(u32),
    /// Address of the pool.
    Pool(u64),
    Kind(HolderKind),
}

impl Holders {
    /// Groups the roots of the reachability, which are `starts`.
    pub(crate) fn new(roots: &Roots, starts: &[Start], owners: &Owners<'_>) -> Self {
        let mut numbers: FxHashMap<Key, u32> = FxHashMap::default();
        let (mut holders, mut groups) = (Self::default(), Groups::default());
        for start in starts {
            let key = key(start, roots, owners);
            let number = *numbers.entry(key).or_insert_with_key(|key| {
                let (holder, group) = holder(key, owners);
                holders.groups.push(groups.number(group, holder.kind));
                holders.all.push(holder);
                holders.all.len() as u32 - 1
            });
            holders.of_root.push(number);
        }
        holders.above = (0..holders.all.len() as u32).collect();
        holders.add_parts(roots, starts, owners, &mut groups);
        (holders.group_names, holders.group_kinds) = (groups.names, groups.kinds);
        holders
    }

    /// The tree of holders for the dominators.
    pub(crate) fn tree(&self) -> HolderTree<'_> {
        HolderTree { of_root: &self.of_root, above: &self.above, groups: &self.groups }
    }

    /// Gives what stacks hold to the variables of the goroutines. What several words of a stack lead to is that of the
    /// best: a variable before a word without a name, and of variables that of the outermost frame, which lives longest.
    fn add_parts(&mut self, roots: &Roots, starts: &[Start], owners: &Owners<'_>, groups: &mut Groups) {
        let of_words = starts.partition_point(|s| s.order() < Start::OF_STACKS);
        let of_records = starts.partition_point(|s| s.order() <= Start::OF_STACKS);
        let (words, mut records) = (&starts[of_words..of_records], of_records);
        let mut first = of_words;
        for stack in words.chunk_by(|a, b| a.goroutine(roots) == b.goroutine(roots)) {
            let goroutine = stack[0].goroutine(roots);
            let mut indices: Vec<usize> = (first..first + stack.len()).collect();
            first += stack.len();
            // Of goroutines without words of a stack, if there were any, nothing is to be said.
            while let Some(other) =
                starts.get(records).and_then(|s| s.goroutine(roots)).filter(|g| Some(*g) <= goroutine)
            {
                if Some(other) == goroutine {
                    indices.push(records);
                }
                records += 1;
            }
            if self.above.len() - self.all.len() > MAX_PARTS {
                return;
            }
            if let Some(goroutine) = goroutine {
                self.add_parts_of(goroutine, &indices, (roots, starts), owners, groups);
            }
        }
    }

    fn add_parts_of(
        &mut self,
        goroutine: u32,
        indices: &[usize],
        (roots, starts): (&Roots, &[Start]),
        owners: &Owners<'_>,
        groups: &mut Groups,
    ) {
        let root = |index: &usize| starts[*index].root(roots);
        let deferred: FxHashSet<u32> = indices.iter().filter_map(|index| owners.deferred(root(index)?)).collect();
        let rank = |index: &usize| match root(index).map(|root| (root, root.kind)) {
            Some((root, RootKind::Stack(_, frame))) => {
                Rank::of(owners.part_of(root, frame, deferred.contains(&starts[*index].object)))
            }
            _ => Rank::default(),
        };
        let mut words: Vec<(u32, Reverse<Rank>, usize)> =
            indices.iter().map(|index| (starts[*index].object, Reverse(rank(index)), *index)).collect();
        words.sort_unstable();
        let mut parts: FxHashMap<Part, u32> = FxHashMap::default();
        for same in words.chunk_by(|a, b| a.0 == b.0) {
            let (_, Reverse(Rank { part: Some(part), .. }), first) = same[0] else { continue };
            let whole = self.of_root[first];
            let number = *parts.entry(part).or_insert_with(|| {
                self.groups.push(groups.number(owners.part(goroutine, part), HolderKind::Local));
                self.above.push(whole);
                self.above.len() as u32 - 1
            });
            for word in same {
                self.of_root[word.2] = number;
            }
        }
    }
}

/// Parts that are told apart; goroutines beyond are holders as a whole.
const MAX_PARTS: usize = 1 << 20;

/// How well a word of a stack says who holds something.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    named: bool,
    frame: u32,
    /// Nothing for what the goroutine's own record holds.
    part: Option<Part>,
}

impl Rank {
    fn of(part: Part) -> Self {
        let (named, frame) = match part {
            Part::Variable(frame, _) => (true, frame),
            Part::Frame(frame) => (false, frame),
            Part::Deferred => (true, u32::MAX),
        };
        Self { named, frame, part: Some(part) }
    }
}

/// The holder of a root.
fn key(start: &Start, roots: &Roots, owners: &Owners<'_>) -> Key {
    match (start.source, start.root(roots).map(|r| (r.kind, r.address))) {
        (Source::Goroutine(goroutine), _) | (_, Some((RootKind::Stack(goroutine, _), _))) => Key::Goroutine(goroutine),
        (Source::Timer(function), _) => Key::Timer(function),
        (Source::Pool(pool), _) => Key::Pool(pool),
        (Source::Record, _) | (_, Some((RootKind::Runtime, _))) => Key::Kind(HolderKind::Runtime),
        (_, Some((RootKind::Cleanup, _))) => Key::Kind(HolderKind::Cleanup),
        (_, Some((RootKind::Static, word))) => owners.variable(word).map_or(Key::Word(word), Key::Variable),
        (_, None | Some((RootKind::Finalizer, _))) => Key::Kind(HolderKind::Finalizer),
    }
}

/// Names that are told apart by number.
#[derive(Debug, Default)]
struct Groups {
    numbers: FxHashMap<(String, HolderKind), u32>,
    names: Vec<String>,
    kinds: Vec<(HolderKind, u64)>,
}

impl Groups {
    /// The number of the group, which has one holder more now.
    fn number(&mut self, name: String, kind: HolderKind) -> u32 {
        let (names, kinds) = (&mut self.names, &mut self.kinds);
        let number = *self.numbers.entry((name, kind)).or_insert_with_key(|(name, kind)| {
            names.push(name.clone());
            kinds.push((*kind, 0));
            names.len() as u32 - 1
        });
        kinds[number as usize].1 += 1;
        number
    }
}

/// A holder, and the name of its group.
fn holder(key: &Key, owners: &Owners<'_>) -> (Holder, String) {
    let alone = |kind, name: String| (Holder { kind, name: name.clone(), goroutine: None }, name);
    match key {
        Key::Variable(name) => alone(HolderKind::Variable, owners.variable_name(*name).to_owned()),
        Key::Word(word) => alone(HolderKind::Variable, owners.unnamed(*word)),
        Key::Goroutine(index) => {
            let (name, entry) = owners.goroutine(*index);
            let holder = Holder { kind: HolderKind::Goroutine, name, goroutine: Some(*index) };
            (holder, format!("goroutine {entry}"))
        }
        Key::Timer(function) => alone(HolderKind::Timer, owners.source(Source::Timer(*function))),
        Key::Pool(pool) => alone(HolderKind::Pool, owners.source(Source::Pool(*pool))),
        Key::Kind(kind) => alone(*kind, kind.name().to_owned()),
    }
}
