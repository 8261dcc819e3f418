//! Maps as columns: 24 bytes for each, and what many of them have in common once. Rows go in or are found by a reader, and
//! come out one at a time.
//!
//! A program has millions of maps, but few places in its code that make them: owner, type and implementation are a
//! [`MapPlace`], kept once. So are the figures, for small maps can differ in few ways, and large ones are few.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::intern::Interner;
use crate::{MapFigures, MapRow};

/// A map: the same one in a [`MapTable`] and in all tables that were made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MapId(pub u32);

/// What maps with one owner and one type have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapPlace(u32);

/// Maps in an order. A copy, filtered or sorted, shares the columns.
#[derive(Clone, Debug, Default)]
pub struct MapTable {
    columns: Arc<Columns>,
    order: Arc<Vec<MapId>>,
}

/// By number of the map, but for the last three, which the others lead to.
#[derive(Debug, Default)]
struct Columns {
    addresses: Vec<u64>,
    places: Vec<u32>,
    audits: Vec<u32>,
    retained: Sizes,
    /// The addresses ascend, so that they can be searched.
    ascending: bool,
    all_places: Box<[Place]>,
    all_audits: Box<[Audit]>,
    strings: Box<[String]>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Place {
    owner: u32,
    type_name: u32,
    implementation: u32,
    heuristic: bool,
    /// The number that the reader gave the type.
    type_number: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Audit {
    torn: bool,
    reason: Option<String>,
    /// None when it is torn.
    figures: Option<MapFigures>,
}

/// Bytes, of which few are 4 GiB or more.
#[derive(Debug, Default)]
struct Sizes {
    small: Vec<u32>,
    /// Those that are not small, and those that are not known.
    others: HashMap<u32, Option<u64>>,
}

impl Sizes {
    const OTHER: u32 = u32::MAX;

    fn push(&mut self, size: Option<u64>) {
        let small = size.and_then(|size| u32::try_from(size).ok()).filter(|small| *small != Self::OTHER);
        if small.is_none() {
            self.others.insert(self.small.len() as u32, size);
        }
        self.small.push(small.unwrap_or(Self::OTHER));
    }

    fn get(&self, id: MapId) -> Option<u64> {
        match self.small.get(id.0 as usize) {
            Some(&Self::OTHER) => self.others.get(&id.0).copied().flatten(),
            small => small.map(|small| u64::from(*small)),
        }
    }
}

impl MapTable {
    /// Maps.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The maps in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = MapRef<'_>> + Clone {
        self.order.iter().map(|id| self.map(*id))
    }

    /// The maps in order, each as a row of its own.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = MapRow> {
        self.iter().map(MapRef::row)
    }

    /// The map at a place in the order.
    pub fn get(&self, index: usize) -> Option<MapRef<'_>> {
        self.order.get(index).map(|id| self.map(*id))
    }

    /// A map by its number, which is of this table or of one that it was made of.
    pub fn map(&self, id: MapId) -> MapRef<'_> {
        MapRef { columns: &self.columns, id }
    }

    /// The map whose header is at `address`, also where it was filtered out.
    pub fn at(&self, address: u64) -> Option<MapRef<'_>> {
        let addresses = &self.columns.addresses;
        let index = if self.columns.ascending {
            addresses.binary_search(&address).ok()
        } else {
            addresses.iter().position(|a| *a == address)
        };
        index.map(|index| self.map(MapId(index as u32)))
    }

    /// The owners of the maps, each once.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        let mut seen = vec![false; self.columns.strings.len()];
        let owners = self.iter().filter_map(|map| map.place().map(|place| place.owner));
        let new = owners
            .filter(move |owner| seen.get_mut(*owner as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
        new.map(|owner| self.columns.string(owner))
    }

    /// Leaves the maps that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(MapRef<'_>) -> bool) {
        let Self { columns, order } = self;
        Arc::make_mut(order).retain(|id| keep(MapRef { columns, id: *id }));
    }

    /// Sorts the maps by a key; equal ones stay in their order.
    pub fn sort_by_key<'t, K: Ord>(&'t mut self, key: impl Fn(MapRef<'t>) -> K) {
        let Self { columns, order } = self;
        let columns: &'t Columns = columns;
        Arc::make_mut(order).sort_by(|a, b| key(MapRef { columns, id: *a }).cmp(&key(MapRef { columns, id: *b })));
    }

    /// Leaves the first `most` maps.
    pub fn truncate(&mut self, most: usize) {
        if most < self.len() {
            Arc::make_mut(&mut self.order).truncate(most);
        }
    }

    /// Makes rows of all maps, changes them, and makes columns of them again: for a few maps.
    pub fn edit(&mut self, change: impl FnOnce(&mut Vec<MapRow>)) {
        let mut rows = self.rows().collect();
        change(&mut rows);
        *self = rows.into();
    }
}

impl Columns {
    fn string(&self, number: u32) -> &str {
        self.strings.get(number as usize).map_or("", String::as_str)
    }
}

/// A map of a table.
#[derive(Clone, Copy, Debug)]
pub struct MapRef<'t> {
    columns: &'t Columns,
    id: MapId,
}

impl<'t> MapRef<'t> {
    /// Its number.
    pub fn id(self) -> MapId {
        self.id
    }

    /// Address of its header.
    pub fn address(self) -> u64 {
        self.columns.addresses.get(self.id.0 as usize).copied().unwrap_or(0)
    }

    /// The address as rows have it.
    pub fn addr(self) -> String {
        format!("{:#x}", self.address())
    }

    /// How a person would name it.
    pub fn owner(self) -> &'t str {
        self.string(|place| place.owner)
    }

    /// Its type.
    pub fn type_name(self) -> &'t str {
        self.string(|place| place.type_name)
    }

    /// `swiss` or `legacy`.
    pub fn implementation(self) -> &'t str {
        self.string(|place| place.implementation)
    }

    /// Its type or identity was inferred.
    pub fn heuristic(self) -> bool {
        self.place().is_some_and(|place| place.heuristic)
    }

    /// The number that its reader gave its type: the same for all maps of one type, while types can share a name.
    pub fn type_number(self) -> Option<u32> {
        self.place().map(|place| place.type_number)
    }

    /// It has no figures, for it was being written, or its counts do not add up.
    pub fn torn(self) -> bool {
        self.audit().is_some_and(|audit| audit.torn)
    }

    /// Why it is called torn.
    pub fn torn_reason(self) -> Option<&'t str> {
        self.audit()?.reason.as_deref()
    }

    /// Its audit; none when it is torn.
    pub fn figures(self) -> Option<&'t MapFigures> {
        self.audit()?.figures.as_ref()
    }

    /// Bytes that would be freed with it.
    pub fn retained_bytes(self) -> Option<u64> {
        self.columns.retained.get(self.id)
    }

    /// All of it.
    pub fn row(self) -> MapRow {
        MapRow {
            addr: self.addr(),
            owner: self.owner().to_owned(),
            type_name: self.type_name().to_owned(),
            implementation: self.implementation().to_owned(),
            torn: self.torn(),
            torn_reason: self.torn_reason().map(str::to_owned),
            heuristic: self.heuristic(),
            retained_bytes: self.retained_bytes(),
            figures: self.figures().cloned(),
        }
    }

    fn place(self) -> Option<&'t Place> {
        let number = self.columns.places.get(self.id.0 as usize)?;
        self.columns.all_places.get(*number as usize)
    }

    fn audit(self) -> Option<&'t Audit> {
        let number = self.columns.audits.get(self.id.0 as usize)?;
        self.columns.all_audits.get(*number as usize)
    }

    fn string(self, which: impl Fn(&Place) -> u32) -> &'t str {
        self.place().map_or("", |place| self.columns.string(which(place)))
    }
}

/// Makes a table of maps, one after the other.
#[derive(Debug, Default)]
pub struct MapTableBuilder {
    addresses: Vec<u64>,
    places: Vec<u32>,
    audits: Vec<u32>,
    retained: Sizes,
    all_places: Interner<Place>,
    all_audits: Interner<Audit>,
    strings: Interner<String>,
}

impl MapTableBuilder {
    /// What maps with this owner and this type, which is named and numbered, have in common; `heuristic`: one of the two was
    /// inferred.
    pub fn place(&mut self, owner: &str, of: (&str, u32), implementation: &str, heuristic: bool) -> MapPlace {
        let (type_name, type_number) = of;
        let mut number = |text: &str| self.strings.number(text);
        let (owner, type_name, implementation) = (number(owner), number(type_name), number(implementation));
        MapPlace(self.all_places.number(&Place { owner, type_name, implementation, heuristic, type_number }))
    }

    /// Adds a map; its number is how many came before it. An audit without figures says why the map is torn.
    pub fn push(
        &mut self,
        address: u64,
        place: MapPlace,
        retained_bytes: Option<u64>,
        audit: Result<MapFigures, String>,
    ) -> MapId {
        let audit = match audit {
            Ok(figures) => Audit { figures: Some(figures), ..Audit::default() },
            Err(reason) => Audit { torn: true, reason: Some(reason), figures: None },
        };
        self.add(address, place, retained_bytes, &audit)
    }

    /// Adds a map of a document.
    ///
    /// # Errors
    /// The address, when it is none.
    pub fn push_row(&mut self, row: &MapRow) -> Result<MapId, String> {
        let digits = row.addr.strip_prefix("0x");
        let address = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or_else(|| row.addr.clone())?;
        Ok(self.push_at(address, row))
    }

    fn push_at(&mut self, address: u64, row: &MapRow) -> MapId {
        let place = self.place(&row.owner, (&row.type_name, 0), &row.implementation, row.heuristic);
        let audit = Audit {
            torn: row.torn,
            reason: row.torn_reason.clone(),
            figures: row.figures.clone().filter(|_| !row.torn),
        };
        self.add(address, place, row.retained_bytes, &audit)
    }

    fn add(&mut self, address: u64, place: MapPlace, retained_bytes: Option<u64>, audit: &Audit) -> MapId {
        let id = MapId(self.addresses.len() as u32);
        self.addresses.push(address);
        self.places.push(place.0);
        self.audits.push(self.all_audits.number(audit));
        self.retained.push(retained_bytes);
        id
    }

    /// The table, in the order in which the maps came.
    pub fn finish(self) -> MapTable {
        let Self { mut addresses, mut places, mut audits, mut retained, all_places, all_audits, strings } = self;
        addresses.shrink_to_fit();
        places.shrink_to_fit();
        audits.shrink_to_fit();
        retained.small.shrink_to_fit();
        let order = (0..addresses.len() as u32).map(MapId).collect();
        let columns = Columns {
            ascending: addresses.is_sorted(),
            addresses,
            places,
            audits,
            retained,
            all_places: all_places.into_values(),
            all_audits: all_audits.into_values(),
            strings: strings.into_values(),
        };
        MapTable { columns: Arc::new(columns), order: Arc::new(order) }
    }
}

impl From<Vec<MapRow>> for MapTable {
    /// A row whose address cannot be read gets 0.
    fn from(rows: Vec<MapRow>) -> Self {
        let mut builder = MapTableBuilder::default();
        for row in &rows {
            if builder.push_row(row).is_err() {
                builder.push_at(0, row);
            }
        }
        builder.finish()
    }
}

impl Serialize for MapTable {
    /// As a list of rows, each made when it is written.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows())
    }
}

impl<'de> Deserialize<'de> for MapTable {
    /// Reads a list of rows; none is kept.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = MapTable;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of maps")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<MapTable, A::Error> {
                let mut builder = MapTableBuilder::default();
                while let Some(row) = rows.next_element::<MapRow>()? {
                    let wrong = |addr| serde::de::Error::custom(format!("`{addr}` is not the address of a map"));
                    builder.push_row(&row).map_err(wrong)?;
                }
                Ok(builder.finish())
            }
        }
        deserializer.deserialize_seq(Rows)
    }
}

impl JsonSchema for MapTable {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Vec::<MapRow>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<MapRow>::json_schema(generator)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
