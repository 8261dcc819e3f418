//! How a person would name what holds an object: `main.sessions.byID`, `goroutine 7 main.worker: seen`.
//!
//! An object's name is that of the root that reached it first, and one step for each pointer on the way. Roots that a
//! person wrote come first: package variables, then local variables, then what the runtime holds by itself.

use std::sync::Arc;

use mapscope_heap::{HeapGraph, Parent, Reachability};
use rustc_hash::FxHashMap;

use crate::hops::{each_pointer, word_of};
use crate::root_names::{DEFERRED, Part, RootNames, Source, Start};
use crate::roots::{Root, Roots};
use crate::types::{TypeId, TypeTable, compile, steps, visit};
use crate::typing::{Names, Origin, Region, Typing};

/// Labels kept at the start and at the end of a name that is longer than both together.
const HEAD: usize = 6;
const TAIL: usize = 6;
/// Bytes of a pointer.
const WORD: u64 = 8;
/// From so many pointers on, those of an object are indexed instead of searched.
const MANY: usize = 32;

/// A name that can grow without end: its middle is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// Bytes of a type whose pointers are labelled at once; those beyond are when they are asked for.
const MAX_LABELLED: u64 = 1 << 16;

/// Labels of the pointers of a type: (offset in one period, label), and the period.
struct Labels {
    period: u64,
    by_offset: Vec<(u64, Arc<str>)>,
    /// All labels are the same.
    uniform: bool,
}

/// What is known of the name of an object.
pub(crate) enum Named {
    /// Its number among the names found so far: objects can have one together.
    Number(u32),
    /// The name of what a root leads to.
    Text(String),
}

/// The pointers of an object, by the object that they lead to: its number, and in which word of the object the pointer is.
type Pointers = Vec<(u32, u32)>;

/// Names objects. Each object on the way to a named one is named once.
pub(crate) struct Owners<'o> {
    typing: &'o Typing<'o>,
    graph: &'o HeapGraph,
    reach: &'o Reachability,
    root_names: RootNames<'o>,
    roots: &'o Roots,
    /// The roots of `reach`.
    starts: &'o [Start],
    regions: &'o [Region],
    /// Names by number, each once.
    found: Vec<Name>,
    /// The number of the name of each object on the way to a named one. There can be millions of named ones: what leads to
    /// nothing else is not among them.
    known: FxHashMap<u32, u32>,
    /// What a name becomes with a label: the entries of a map share one name.
    longer: FxHashMap<(u32, Arc<str>), u32>,
    labels: FxHashMap<TypeId, Arc<Labels>>,
    children: FxHashMap<u32, Pointers>,
}

impl<'o> Owners<'o> {
    pub(crate) fn new(
        typing: &'o Typing<'o>,
        graph: &'o HeapGraph,
        reach: &'o Reachability,
        names: &'o Names,
        roots: &'o Roots,
        starts: &'o [Start],
        regions: &'o [Region],
    ) -> Self {
        let (found, known, longer, labels, children) = Default::default();
        let root_names = RootNames { typing, names, regions, numbered: true };
        Self { typing, graph, reach, root_names, roots, starts, regions, found, known, longer, labels, children }
    }

    /// The name of a live object; empty when it is not live.
    pub(crate) fn of_object(&mut self, object: u32) -> String {
        match self.named(object) {
            Named::Number(name) => self.text(name),
            Named::Text(text) => text,
        }
    }

    /// As [`Owners::of_object`], for many objects, of which few have a name of their own.
    pub(crate) fn named(&mut self, object: u32) -> Named {
        let parent = match self.reach.parent(object) {
            Some(Parent::Object(parent)) => parent,
            Some(Parent::Root(root)) => return Named::Text(self.root(root)),
            None => return Named::Text(String::new()),
        };
        let Some(name) = self.name(parent) else { return Named::Text(String::new()) };
        let label = self.label(parent, object);
        Named::Number(self.longer(name, label))
    }

    /// The name with this number.
    pub(crate) fn text(&self, name: u32) -> String {
        self.found.get(name as usize).map_or_else(String::new, Name::text)
    }

    /// The name of a value outside the heap that starts at `address` and has the type `ty`.
    pub(crate) fn of_region(&self, address: u64, ty: TypeId) -> String {
        let from = self.regions.partition_point(|r| r.start < address);
        let here = self.regions[from..].iter().take_while(|r| r.start == address);
        let names = here.filter(|r| r.ty == ty).filter_map(|r| match r.origin {
            Origin::Pointer(from) => self.root_names.word(from).map(|n| n.joined()),
            Origin::Guess(g, f) => Some(self.root_names.frame(g, f)),
            _ => self.root_names.word(address).map(|n| n.joined()),
        });
        names.min_by_key(String::len).unwrap_or_else(|| self.root_names.unnamed(address).joined())
    }

    /// The name of the word at `address`, in an object or outside the heap; empty for one in an object that is not live.
    pub(crate) fn of_word(&mut self, address: u64) -> String {
        let (types, spans) = (self.typing.context.types, &self.typing.heap.spans);
        let Some((object, offset, span)) = spans.object(address) else {
            let known = self.root_names.word(address);
            return known.unwrap_or_else(|| self.root_names.unnamed(address)).joined();
        };
        let mut name = self.of_object(object);
        let header = spans.header(&spans.spans[span]);
        if !name.is_empty() {
            name += &label(types, TypeId(self.graph.type_of(object)), offset.saturating_sub(header));
        }
        name
    }

    /// The number of the name of the package-level variable that holds the word at `address`.
    pub(crate) fn variable(&self, address: u64) -> Option<u32> {
        self.root_names.variable(address)
    }

    /// The name with this number.
    pub(crate) fn variable_name(&self, number: u32) -> &str {
        self.root_names.names.get(number)
    }

    /// The name of a place that no variable covers.
    pub(crate) fn unnamed(&self, address: u64) -> String {
        self.root_names.unnamed(address).joined()
    }

    /// `goroutine 7 main.worker`, and the function that it began with.
    pub(crate) fn goroutine(&self, index: u32) -> (String, &str) {
        let (id, entry) = self.root_names.goroutine(index);
        (format!("goroutine {id} {entry}"), entry)
    }

    /// The name of a part of a goroutine: the frame's function, and the variable.
    pub(crate) fn part(&self, goroutine: u32, part: Part) -> String {
        let (frame, of) = match part {
            Part::Variable(frame, name) => (frame, self.root_names.names.get(name)),
            Part::Deferred => return DEFERRED.to_owned() + "s",
            Part::Frame(frame) => return self.root_names.function(goroutine, frame).to_owned(),
        };
        format!("{}: {of}", self.root_names.function(goroutine, frame))
    }

    /// What of its goroutine a root on a stack is; what is not in its frames is in a record of a deferred call.
    pub(crate) fn part_of(&self, root: &Root, frame: u32, is_record: bool) -> Part {
        match self.root_names.local(root.address) {
            Some((frame, name)) => Part::Variable(frame, name),
            None if is_record || self.deferred(root).is_some() => Part::Deferred,
            None => Part::Frame(frame),
        }
    }

    /// The record of a deferred call that has this root of a stack.
    pub(crate) fn deferred(&self, root: &Root) -> Option<u32> {
        self.root_names.deferred(root)
    }

    /// The name of what a root that is no word leads to.
    pub(crate) fn source(&self, source: Source) -> String {
        self.root_names.of_source(self.roots, source, "").joined()
    }

    /// The number of the name of an object that others are named after.
    fn name(&mut self, object: u32) -> Option<u32> {
        let mut chain = Vec::new();
        let mut at = object;
        let mut name = loop {
            if let Some(known) = self.known.get(&at) {
                break *known;
            }
            chain.push(at);
            match self.reach.parent(at)? {
                Parent::Object(parent) => at = parent,
                Parent::Root(root) => {
                    let mut name = Name::default();
                    name.push(self.root(root).into());
                    break self.add(name);
                }
            }
        };
        while let Some(next) = chain.pop() {
            if let Some(Parent::Object(parent)) = self.reach.parent(next) {
                let label = self.label(parent, next);
                name = self.longer(name, label);
            }
            self.known.insert(next, name);
        }
        Some(name)
    }

    fn add(&mut self, name: Name) -> u32 {
        self.found.push(name);
        self.found.len() as u32 - 1
    }

    fn longer(&mut self, name: u32, label: Arc<str>) -> u32 {
        if label.is_empty() {
            return name;
        }
        let key = (name, label);
        if let Some(longer) = self.longer.get(&key) {
            return *longer;
        }
        let shorter = &self.found[name as usize];
        let mut longer = shorter.clone();
        longer.push(Arc::clone(&key.1));
        // So long already that what is left out hides the difference.
        let number = if longer == *shorter { name } else { self.add(longer) };
        self.longer.insert(key, number);
        number
    }

    fn root(&mut self, index: u32) -> String {
        let Some(start) = self.starts.get(index as usize).copied() else { return String::new() };
        let label = match start.source {
            Source::Goroutine(goroutine) => {
                let address = self.roots.goroutines.all.get(goroutine as usize).map_or(0, |g| g.address);
                let record = self.typing.heap.spans.object(address);
                record.map_or_else(|| "".into(), |(record, ..)| self.hop(record, start.object))
            }
            _ => "".into(),
        };
        self.root_names.of_source(self.roots, start.source, &label).joined()
    }

    /// As [`Owners::hop`]; a timer is named by the function that it calls, and the way there is part of that.
    fn label(&mut self, parent: u32, child: u32) -> Arc<str> {
        if let Some(Parent::Root(root)) = self.reach.parent(parent)
            && let Some(Source::Timer(_)) = self.starts.get(root as usize).map(|s| s.source)
        {
            return "".into();
        }
        self.hop(parent, child)
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
            let pointers = self.children.entry(parent).or_insert_with(|| pointers(self.typing, self.graph, parent));
            let first = pointers.partition_point(|p| p.0 < child);
            pointers.get(first).filter(|p| p.0 == child).map(|p| u64::from(p.1) * WORD)
        } else {
            let mut found = None;
            each_pointer(self.typing, parent, |offset, target| {
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
            visit(&plan, plan.size.min(MAX_LABELLED), &mut |offset, reference| {
                let offset = offset + word_of(reference);
                by_offset.push((offset, label(types, ty, offset)));
            });
            let uniform = plan.size <= MAX_LABELLED && by_offset.windows(2).all(|w| w[0].1 == w[1].1);
            Arc::new(Labels { period: plan.size, by_offset, uniform })
        });
        labels.clone()
    }
}

/// The pointers of an object with many, in order.
fn pointers(typing: &Typing<'_>, graph: &HeapGraph, object: u32) -> Pointers {
    let mut pointers = Vec::with_capacity(graph.edges(object).len());
    each_pointer(typing, object, |offset, target| {
        // Pointers are aligned, and no object has so many words that they cannot be counted.
        if let (0, Ok(word)) = (offset % WORD, u32::try_from(offset / WORD)) {
            pointers.push((target, word));
        }
        false
    });
    pointers.sort_unstable();
    pointers
}

fn label(types: &TypeTable<'_>, ty: TypeId, offset: u64) -> Arc<str> {
    steps(types, ty, offset).iter().map(ToString::to_string).collect::<String>().into()
}
