//! Who holds objects from outside the heap: variables, goroutines, and what the runtime keeps.

use rustc_hash::FxHashMap;

use crate::owner::Owners;
use crate::root_names::Start;
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
    /// Index of the goroutine.
    pub(crate) goroutine: Option<u32>,
}

/// All holders, and which of them each root belongs to.
#[derive(Debug, Default)]
pub(crate) struct Holders {
    pub(crate) all: Vec<Holder>,
    /// By index of the root in the reachability.
    pub(crate) of_root: Vec<u32>,
    /// The group of each holder: goroutines that began with the same function are in one.
    pub(crate) groups: Vec<u32>,
    pub(crate) group_names: Vec<String>,
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
    /// Groups the roots of the reachability, which are `starts`.
    pub(crate) fn new(roots: &Roots, starts: &[Start], owners: &Owners<'_>) -> Self {
        let mut numbers: FxHashMap<Key, u32> = FxHashMap::default();
        let (mut holders, mut groups) = (Self::default(), Groups::default());
        for start in starts {
            let key = match start.root(roots).map(|r| (r.kind, r.address)) {
                None | Some((RootKind::Finalizer, _)) => Key::Kind(HolderKind::Finalizer),
                Some((RootKind::Cleanup, _)) => Key::Kind(HolderKind::Cleanup),
                Some((RootKind::Runtime, _)) => Key::Kind(HolderKind::Runtime),
                Some((RootKind::Stack(goroutine, _), _)) => Key::Goroutine(goroutine),
                Some((RootKind::Static, word)) => owners.variable(word).map_or(Key::Word(word), Key::Variable),
            };
            let number = *numbers.entry(key).or_insert_with_key(|key| {
                let (holder, group) = holder(key, owners);
                holders.groups.push(groups.number(group));
                holders.all.push(holder);
                holders.all.len() as u32 - 1
            });
            holders.of_root.push(number);
        }
        holders.group_names = groups.names;
        holders
    }
}

/// Names that are told apart by number.
#[derive(Debug, Default)]
struct Groups {
    numbers: FxHashMap<String, u32>,
    names: Vec<String>,
}

impl Groups {
    fn number(&mut self, name: String) -> u32 {
        let names = &mut self.names;
        *self.numbers.entry(name).or_insert_with_key(|name| {
            names.push(name.clone());
            names.len() as u32 - 1
        })
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
        Key::Kind(kind) => alone(*kind, kind.name().to_owned()),
    }
}
