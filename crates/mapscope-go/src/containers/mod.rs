//! Containers of libraries: finds the live values whose types a table knows, works out their figures, and says who holds
//! them and how much.
//!
//! What a table says of a type is true of some versions of its library. The binary lists versions; where it does not, a
//! container is shown if every field that the table names is there, and leads to what it should. Nothing else is guessed:
//! what does not fit is no container, and its objects are in the list of types as ever.

mod evaluate;
mod expression;
mod find;
mod layout;
mod table;
mod version;

pub use table::ContainerTable;
pub(crate) use version::Modules;

use mapscope_heap::Dominator;
use mapscope_model::ContainerRow;
use rustc_hash::FxHashSet;

use self::evaluate::Evaluator;
use self::find::{Matches, Place, head};
use self::layout::Layouts;
use self::table::Definition;
use crate::Session;
use crate::owner::Owners;
use crate::types::{TypeId, steps};

/// Bytes of a value that are searched for what it leads to.
const MAX_VALUE: u64 = 4096;
/// Objects that a value leads to; they tell values apart, and a few do.
const MAX_PARTS: usize = 64;

/// The containers of a target.
#[derive(Clone, Debug, Default)]
pub struct Containers {
    /// Most retained bytes first.
    pub rows: Vec<ContainerRow>,
    /// Values of known types that were not looked at, for there are too many.
    pub left_out: u64,
}

/// A container as far as it was looked at.
struct Found {
    place: Place,
    /// The objects that its value leads to.
    parts: Vec<u32>,
    row: ContainerRow,
}

impl Session<'_> {
    /// The live containers of types that `table` knows. Needs the session's maps.
    pub fn containers(&self, table: &ContainerTable) -> Containers {
        let matches = find::matches(self.stages.context.types, table);
        // What is no pointer was overwritten in a redacted core, counts too.
        if matches.is_empty() || self.redacted {
            return Containers::default();
        }
        let (places, left_out) = find::places(&self.stages, &matches);
        let mut containers = Containers { rows: Vec::new(), left_out };
        let none = Layouts::default();
        let mut evaluator = Evaluator::new(self, &matches, &none);
        let mut found = Vec::new();
        for place in places {
            let parts = self.parts_of(&place);
            // A value that leads to nothing was never made, or is the unused end of a slice.
            if parts.is_empty() {
                continue;
            }
            let row = self.figures(&mut evaluator, &place, table, &matches);
            containers.left_out += u64::from(row.is_none() && evaluator.is_spent());
            found.extend(row.map(|row| Found { place, parts, row }));
        }
        let inside = std::mem::take(&mut evaluator.inside);
        found.retain(|f| !inside.contains(&(f.place.address, f.place.ty)));
        containers.rows = self.rows(found);
        containers
    }

    /// The figures of the first definition that fits.
    fn figures<'e>(
        &self,
        evaluator: &mut Evaluator<'e, '_>,
        place: &Place,
        table: &'e ContainerTable,
        matches: &Matches,
    ) -> Option<ContainerRow> {
        let package = self.stages.context.types.qualified_name(place.ty)?;
        let version = package.rsplit_once('.').and_then(|(package, _)| self.modules.version_of(package));
        let definitions = matches.get(&place.ty)?.iter().filter_map(|number| table.definitions.get(*number));
        for definition in definitions {
            let fits = definition.versions.as_ref().zip(version).map(|(range, version)| range.holds(version));
            if fits == Some(false) {
                continue;
            }
            evaluator.with(&definition.layout, fits == Some(true));
            if let Some(row) = row(evaluator, place, definition) {
                let type_name = self.container_name(place.ty, definition);
                return Some(ContainerRow { type_name, version: version.map(str::to_owned), ..row });
            }
        }
        None
    }

    /// `xsync.MapOf[uint64,*main.call]`
    fn container_name(&self, ty: TypeId, definition: &Definition) -> String {
        let name = &self.stages.context.types.get(ty).name;
        let (Some(called), Some(head)) = (&definition.name, head(name)) else { return name.clone() };
        format!("{called}{}", &name[head.len()..])
    }

    /// Each container once, with its owner and what it retains.
    fn rows(&self, mut found: Vec<Found>) -> Vec<ContainerRow> {
        // Copies of a small value lead to the same objects: that in an object or a package's variable counts.
        found.sort_by_key(|f| (f.place.local, f.place.address));
        let mut known = FxHashSet::default();
        found.retain(|f| known.insert((f.place.ty, f.parts.clone())));
        let mut owners = self.stages.owners();
        let concluded = &self.stages.typing;
        let mut rows: Vec<ContainerRow> = Vec::new();
        for Found { place, parts, mut row } in found {
            row.owner = self.owner_of(&mut owners, &place);
            row.retained_bytes = self.retained_by(&place, &parts);
            row.heuristic = place.object.is_some_and(|object| concluded.was_concluded(object));
            rows.push(row);
        }
        rows.sort_by(|a, b| b.retained_bytes.cmp(&a.retained_bytes).then_with(|| a.addr.cmp(&b.addr)));
        rows
    }

    fn owner_of(&self, owners: &mut Owners<'_>, place: &Place) -> String {
        if let Some(object) = place.object.filter(|_| place.whole) {
            return owners.of_object(object);
        }
        // The name of its first word goes on into the value.
        let name = owners.of_word(place.address);
        let inner: String = steps(self.stages.context.types, place.ty, 0).iter().map(ToString::to_string).collect();
        name.strip_suffix(inner.as_str()).unwrap_or(&name).to_owned()
    }

    /// Bytes that would be freed with a container. Of a value inside something else, those of the objects that nothing but
    /// that leads to.
    fn retained_by(&self, place: &Place, parts: &[u32]) -> u64 {
        let dominators = self.stages.dominators;
        if let Some(object) = place.object.filter(|_| place.whole) {
            return dominators.retained(object);
        }
        let its = |part: &&u32| match (dominators.of(**part), place.object) {
            (Some(Dominator::Object(above)), Some(object)) => above == object,
            (Some(Dominator::Object(_)), None) | (None, _) => false,
            (Some(_), within) => within.is_none(),
        };
        parts.iter().filter(its).map(|part| dominators.retained(*part)).sum()
    }

    /// The live objects that the words of a value lead to, in the order of the words, each once.
    fn parts_of(&self, place: &Place) -> Vec<u32> {
        let context = self.stages.context;
        let len = context.types.get(place.ty).size.min(MAX_VALUE) / 8 * 8;
        let mut scratch = Vec::new();
        let Ok(bytes) = context.memory.bytes(place.address, len as usize, &mut scratch) else { return Vec::new() };
        let mut parts = Vec::new();
        for word in bytes.chunks_exact(8) {
            let address = u64::from_le_bytes(word.try_into().unwrap_or_default());
            let Some((object, ..)) = context.spans.object(address) else { continue };
            if parts.len() < MAX_PARTS && self.stages.reach.is_live(object) && !parts.contains(&object) {
                parts.push(object);
            }
        }
        parts
    }
}

/// What a definition says of a container; `None` where it does not fit.
fn row(evaluator: &mut Evaluator<'_, '_>, place: &Place, definition: &Definition) -> Option<ContainerRow> {
    let (address, ty) = (place.address, place.ty);
    let maps = match &definition.maps {
        Some(path) => Some(evaluator.maps(address, ty, path)?),
        None => None,
    };
    let of_maps = |figure: fn(&mapscope_model::MapFigures) -> Option<u64>| maps.as_ref().and_then(|m| figure(&m.1));
    let mut sum = |expression: &Option<expression::Expression>| match expression {
        Some(expression) => evaluator.sum(address, ty, expression).map(Some),
        None => Some(None),
    };
    Some(ContainerRow {
        addr: format!("{address:#x}"),
        entries: sum(&definition.entries)?.or_else(|| of_maps(|m| Some(m.entries)))?,
        slots: sum(&definition.slots)?.or_else(|| of_maps(|m| Some(m.slots))),
        tombstones: sum(&definition.tombstones)?.or_else(|| of_maps(|m| m.tombstones)),
        limit: sum(&definition.limit)?,
        storage_bytes: sum(&definition.storage)?,
        maps: maps.as_ref().map(|m| m.0),
        table_bytes: of_maps(|m| Some(m.table_bytes)),
        reclaimable_bytes: of_maps(|m| Some(m.reclaimable_bytes)),
        ..ContainerRow::default()
    })
}
