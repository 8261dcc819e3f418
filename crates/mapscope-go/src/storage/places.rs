//! Where headers of slices and strings are, as a person names it: `main.Session.buf`, one number for each place.
//!
//! All places are named before the walk, from the types that live objects have, so that the walk itself needs no table
//! but an array: the number of a reference in its type leads to the number of its place.

use rustc_hash::{FxHashMap, FxHashSet};

use super::columns::PLACE_MASK;
use crate::session::Stages;
use crate::types::{Kind, MapPart, Ref, TypeId, TypeTable, compile, leaves, steps};
use crate::typing::{Origin, Region};

/// Places that are told apart; headers in any further one are not counted.
const MAX_PLACES: usize = 1 << 20;

/// References that are named, in one type and in all: naming one goes through the fields before it, and only constructed
/// types come near it.
const MAX_OF_TYPE: usize = 512;
const MAX_NAMED: usize = 1 << 20;

/// A place that holds no header, or one that is not told apart.
const NOWHERE: u32 = u32::MAX;

/// A reference of a type that is a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    place: u32,
    /// Bytes of one element: 1 for a string.
    pub(super) elem_size: u64,
}

impl Leaf {
    /// The number of its place; `None` for a reference that is no header.
    #[inline]
    pub(super) fn place(self) -> Option<u32> {
        (self.place != NOWHERE).then_some(self.place)
    }
}

/// How a place is named, in the order in which places are preferred when several hold the same array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Global,
    Local,
    Field,
}

/// A field, an element or a variable that holds headers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    form: Form,
    pub(super) name: String,
    /// Type of what it holds.
    pub(super) type_name: String,
}

/// All places; the smaller number is the better name.
#[derive(Default)]
pub(super) struct Places {
    pub(super) all: Vec<Place>,
    /// By type, then by number of the reference.
    by_type: FxHashMap<TypeId, Vec<Leaf>>,
    /// By variable and type, then by number of the reference.
    by_variable: FxHashMap<(Variable, TypeId), Vec<Leaf>>,
    /// References named so far.
    named: usize,
    /// There were more than are told apart.
    pub(super) capped: bool,
}

/// What a named region is part of: a name, and for a local variable its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variable {
    name: u32,
    /// Address of the function; 0 for a global.
    function: u64,
}

impl Places {
    /// Names every place that objects of these types and these regions hold headers in.
    pub(super) fn new(stages: &Stages<'_>, types: &FxHashSet<TypeId>, regions: &[Region]) -> Self {
        let mut places = Self::default();
        let mut numbers: FxHashMap<Place, u32> = FxHashMap::default();
        let table = stages.context.types;
        for id in types {
            let list = places.list(table, *id, &mut numbers, &Form::Field, &base_of(table, *id));
            places.by_type.insert(*id, list);
        }
        for region in regions {
            let Some(variable) = variable(stages, region) else {
                if !places.by_type.contains_key(&region.ty) {
                    let list = places.list(table, region.ty, &mut numbers, &Form::Field, &base_of(table, region.ty));
                    places.by_type.insert(region.ty, list);
                }
                continue;
            };
            if !places.by_variable.contains_key(&(variable, region.ty)) {
                let name = stages.names.get(variable.name);
                let (form, base) = if variable.function == 0 {
                    (Form::Global, name.to_owned())
                } else {
                    (Form::Local, format!("{}: {name}", function_name(stages, variable.function)))
                };
                let list = places.list(table, region.ty, &mut numbers, &form, &base);
                places.by_variable.insert((variable, region.ty), list);
            }
        }
        places.order(numbers);
        places
    }

    /// Places of the references of an object of this type.
    pub(super) fn of_type(&self, id: TypeId) -> &[Leaf] {
        self.by_type.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Places of the references of a region.
    pub(super) fn of_region(&self, stages: &Stages<'_>, region: &Region) -> &[Leaf] {
        match variable(stages, region) {
            Some(variable) => self.by_variable.get(&(variable, region.ty)).map_or(&[], Vec::as_slice),
            None => self.of_type(region.ty),
        }
    }

    fn list(
        &mut self,
        types: &TypeTable<'_>,
        id: TypeId,
        numbers: &mut FxHashMap<Place, u32>,
        form: &Form,
        base: &str,
    ) -> Vec<Leaf> {
        let mut of_type = 0;
        let mut one = |(offset, reference): (u64, Ref)| {
            let (type_name, is_slice, elem_size) = match reference {
                Ref::Slice(elem) => (format!("[]{}", types.get(elem).name), true, types.get(elem).size),
                Ref::Pointer(to) if to == types.string_data() => ("string".to_owned(), false, 1),
                _ => return Leaf { place: NOWHERE, elem_size: 0 },
            };
            (of_type, self.named) = (of_type + 1, self.named + 1);
            if of_type > MAX_OF_TYPE || self.named > MAX_NAMED {
                self.capped = true;
                return Leaf { place: NOWHERE, elem_size };
            }
            let mut path = steps(types, id, offset);
            // The last step of a slice leads to its elements.
            if is_slice {
                path.pop();
            }
            let mut name = base.to_owned();
            name.extend(path.iter().map(ToString::to_string));
            let place = Place { form: form.clone(), name, type_name };
            if let Some(known) = numbers.get(&place) {
                return Leaf { place: *known, elem_size };
            }
            if numbers.len() >= MAX_PLACES {
                self.capped = true;
                return Leaf { place: NOWHERE, elem_size };
            }
            let number = numbers.len() as u32;
            numbers.insert(place, number);
            Leaf { place: number, elem_size }
        };
        let list: Vec<Leaf> = leaves(&compile(types, id)).into_iter().map(&mut one).collect();
        if list.iter().all(|leaf| leaf.place == NOWHERE) { Vec::new() } else { list }
    }

    /// Numbers the places by name, so that the number does not depend on the order in which types were met.
    fn order(&mut self, numbers: FxHashMap<Place, u32>) {
        let mut sorted: Vec<(Place, u32)> = numbers.into_iter().collect();
        sorted.sort_unstable();
        let mut rank = vec![NOWHERE; sorted.len()];
        for (new, (_, old)) in sorted.iter().enumerate() {
            rank[*old as usize] = new as u32;
        }
        for list in self.by_type.values_mut().chain(self.by_variable.values_mut()) {
            for leaf in list.iter_mut().filter(|leaf| leaf.place != NOWHERE) {
                leaf.place = rank[leaf.place as usize];
            }
        }
        self.all = sorted.into_iter().map(|s| s.0).collect();
    }
}

const _: () = assert!((MAX_PLACES as u64) < PLACE_MASK, "a place's number fits its part of a word");

/// What comes before the steps inside an object of a type.
fn base_of(types: &TypeTable<'_>, id: TypeId) -> String {
    let ty = types.get(id);
    match &ty.kind {
        Kind::Row(elem) => match types.get(*elem) {
            elem if matches!(elem.kind, Kind::Struct(_)) => elem.name.clone(),
            elem => format!("[]{}[]", elem.name),
        },
        Kind::MapPart(MapPart::Groups, map) => types.get(*map).name.clone(),
        _ => ty.name.clone(),
    }
}

fn variable(stages: &Stages<'_>, region: &Region) -> Option<Variable> {
    match region.origin {
        Origin::Global(name) => Some(Variable { name, function: 0 }),
        Origin::Local(goroutine, frame, name) => {
            let goroutine = stages.roots.goroutines.all.get(goroutine as usize)?;
            Some(Variable { name, function: goroutine.frames.get(frame as usize)?.function.entry })
        }
        Origin::Pointer(_) | Origin::Guess(..) => None,
    }
}

/// The name of the function at `code`; empty when none is there.
pub(super) fn function_name(stages: &Stages<'_>, code: u64) -> String {
    let found = stages.context.functions.iter().find_map(|t| Some((t, t.find(code)?)));
    found.map_or_else(String::new, |(table, function)| table.name(&function).replace("go.shape.", ""))
}
