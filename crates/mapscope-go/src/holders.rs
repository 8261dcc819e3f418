//! Who holds objects from outside the heap: variables, goroutines, and what the runtime keeps.

use rustc_hash::FxHashMap;

use crate::owner::Owners;
use crate::roots::{RootKind, Roots};

/// What a holder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HolderKind {
    /// A package-level variable, or a word of data that no variable is known for.
    Variable,
    /// A goroutine: its stack, registers and deferred calls.
    Goroutine,
    /// Finalizers: their functions, and what the objects that have one point to.
    Finalizer,
    /// Cleanups.
    Cleanup,
    /// Other lists of the runtime.
    Runtime,
}

impl HolderKind {
    /// `variable`, `goroutine`, `finalizer`, `cleanup` or `runtime`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Goroutine => "goroutine",
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
    /// The same for all holders of one kind of work: goroutines that began with the same function share it.
    pub group: String,
    /// Index of the goroutine.
    pub(crate) goroutine: Option<u32>,
}

/// All holders, and which of them each root belongs to.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    pub(crate) all: Vec<Holder>,
    /// By index of the root in the reachability.
    pub(crate) of_root: Vec<u32>,
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// Number of the variable's name.
    Variable(u32),
    /// A word that no variable covers.
    Word(u64),
    Goroutine(u32),
    Kind(HolderKind),
}

impl Holders {
    /// Groups the roots: `order` has the index of each, or none for what a finalizer keeps.
    pub(crate) fn new(roots: &Roots, order: &[Option<u32>], owners: &Owners<'_>) -> Self {
        let mut numbers: FxHashMap<Key, u32> = FxHashMap::default();
        let mut holders = Self::default();
        for root in order {
            let root = root.and_then(|index| roots.words.get(index as usize));
            let key = match root.map(|r| (r.kind, r.address)) {
                None | Some((RootKind::Finalizer, _)) => Key::Kind(HolderKind::Finalizer),
                Some((RootKind::Cleanup, _)) => Key::Kind(HolderKind::Cleanup),
                Some((RootKind::Runtime, _)) => Key::Kind(HolderKind::Runtime),
                Some((RootKind::Stack(goroutine, _), _)) => Key::Goroutine(goroutine),
                Some((RootKind::Static, word)) => owners.variable(word).map_or(Key::Word(word), Key::Variable),
            };
            let all = &mut holders.all;
            let number = *numbers.entry(key).or_insert_with_key(|key| {
                all.push(holder(key, owners));
                all.len() as u32 - 1
            });
            holders.of_root.push(number);
        }
        holders
    }

    /// The number of the group of each holder, and the groups' names.
    pub(crate) fn groups(&self) -> (Vec<u32>, Vec<&str>) {
        let mut numbers: FxHashMap<&str, u32> = FxHashMap::default();
        let mut names = Vec::new();
        let of_holder = self.all.iter().map(|holder| {
            *numbers.entry(&holder.group).or_insert_with(|| {
                names.push(&*holder.group);
                names.len() as u32 - 1
            })
        });
        (of_holder.collect(), names)
    }
}

fn holder(key: &Key, owners: &Owners<'_>) -> Holder {
    let (kind, name, group, goroutine) = match key {
        Key::Variable(name) => (HolderKind::Variable, owners.variable_name(*name).to_owned(), None, None),
        Key::Word(word) => (HolderKind::Variable, owners.unnamed(*word), None, None),
        Key::Goroutine(index) => {
            let (name, entry) = owners.goroutine(*index);
            (HolderKind::Goroutine, name, Some(format!("goroutine {entry}")), Some(*index))
        }
        Key::Kind(kind) => (*kind, kind.name().to_owned(), None, None),
    };
    Holder { kind, group: group.unwrap_or_else(|| name.clone()), name, goroutine }
}
