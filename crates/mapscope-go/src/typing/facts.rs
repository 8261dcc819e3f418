//! What a worker needs to know of a type, object after object: looked up once, kept by the worker itself.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::types::{Kind, MapPart, Plan, Ref, TypeId, TypeTable, compile, visit};

/// How objects of a type are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Plain,
    /// A row of values of this type.
    Row(TypeId),
    StringData,
    FuncValue,
    /// A closure, known by its code.
    Closure,
    Part(MapPart),
    /// A channel's header.
    Channel,
}

/// The facts of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact {
    pub(crate) size: u64,
    pub(crate) class: Class,
}

impl Fact {
    /// Whether an object of the type is filled with as many values as it has room for.
    pub(crate) fn is_row(self) -> bool {
        use MapPart::{Directory, Groups, OverflowArray};
        matches!(self.class, Class::Row(_) | Class::Part(Groups | Directory | OverflowArray))
    }
}

/// The data word of an interface.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    /// Points to the value.
    Value,
    /// Is the value, a pointer.
    Pointer(Ref),
    /// Is a pointer that leads to nothing known.
    Nothing,
}

/// A plan that one worker holds. Cloning the [`Arc`] for each object would have all workers write one counter.
#[allow(clippy::redundant_allocation)]
type OwnPlan = Rc<Arc<Plan>>;

/// The facts that one worker has come across.
pub(crate) struct Facts<'t> {
    types: &'t TypeTable<'t>,
    known: Vec<Option<Fact>>,
    plans: Vec<Option<OwnPlan>>,
    rows: FxHashMap<TypeId, TypeId>,
    /// What the data word of an interface is, by the type it holds.
    held: FxHashMap<TypeId, Held>,
    /// Types by type word or itab.
    interfaces: FxHashMap<(u64, bool), TypeId>,
}

impl<'t> Facts<'t> {
    pub(crate) fn new(types: &'t TypeTable<'t>) -> Self {
        let (known, plans) = (Vec::new(), Vec::new());
        let (rows, held, interfaces) = Default::default();
        Self { types, known, plans, rows, held, interfaces }
    }

    #[inline]
    pub(crate) fn get(&mut self, id: TypeId) -> Fact {
        match self.known.get(id.0 as usize) {
            Some(Some(fact)) => *fact,
            _ => self.look_up(id),
        }
    }

    fn look_up(&mut self, id: TypeId) -> Fact {
        let ty = self.types.get(id);
        let class = match ty.kind {
            Kind::Row(elem) => Class::Row(elem),
            Kind::StringData => Class::StringData,
            Kind::FuncValue => Class::FuncValue,
            Kind::MapPart(part, _) => Class::Part(part),
            Kind::ChanHeader(_) => Class::Channel,
            Kind::Struct(_) if ty.descriptor == 0 && ty.name.starts_with("func ") => Class::Closure,
            _ => Class::Plain,
        };
        let fact = Fact { size: ty.size, class };
        put(&mut self.known, id, fact);
        fact
    }

    pub(crate) fn plan(&mut self, id: TypeId) -> OwnPlan {
        if let Some(Some(plan)) = self.plans.get(id.0 as usize) {
            return plan.clone();
        }
        let plan = Rc::new(compile(self.types, id));
        put(&mut self.plans, id, plan.clone());
        plan
    }

    /// The row of values of a type.
    pub(crate) fn row(&mut self, elem: TypeId) -> TypeId {
        *self.rows.entry(elem).or_insert_with(|| self.types.row(elem))
    }

    /// The type behind an interface's first word; `None` when `read` cannot say.
    pub(super) fn interface(&mut self, word: u64, empty: bool, read: impl FnOnce() -> Option<u64>) -> Option<TypeId> {
        if let Some(id) = self.interfaces.get(&(word, empty)) {
            return Some(*id);
        }
        let id = self.types.descriptor(read()?);
        self.interfaces.insert((word, empty), id);
        Some(id)
    }

    /// What the data word of an interface that holds a value of type `id` is.
    pub(super) fn held(&mut self, id: TypeId) -> Held {
        if let Some(held) = self.held.get(&id) {
            return *held;
        }
        let mut held = Held::Value;
        if self.types.get(id).direct {
            held = Held::Nothing;
            visit(&self.plan(id), 8, &mut |at, r| {
                // A direct value is one pointer; no interface is.
                if at == 0 && !matches!(r, Ref::Interface { .. }) {
                    held = Held::Pointer(r);
                }
            });
        }
        self.held.insert(id, held);
        held
    }
}

fn put<T>(list: &mut Vec<Option<T>>, id: TypeId, value: T) {
    let at = id.0 as usize;
    if list.len() <= at {
        list.resize_with(at + 1, || None);
    }
    list[at] = Some(value);
}
