//! Finds the values of known container types: objects of their own, and values inside live objects and variables.

use rustc_hash::FxHashMap;

use super::table::ContainerTable;
use crate::hops::contents;
use crate::session::Stages;
use crate::types::{Kind, TypeId, TypeTable};
use crate::typing::Origin;

/// Values that are looked at; more are left out.
const MAX_PLACES: usize = 1 << 18;
/// Parts of one type that are searched for containers.
const MAX_PARTS: usize = 1 << 12;
/// Elements of an array inside a value that are searched.
const MAX_ARRAY: u64 = 64;

/// One value of a container's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) address: u64,
    pub(super) ty: TypeId,
    /// The object that it is in.
    pub(super) object: Option<u32>,
    /// It is all of the object.
    pub(super) whole: bool,
    /// It is a variable of a function, often a copy of another value.
    pub(super) local: bool,
}

/// Types that are containers: the definitions that have their name.
pub(super) type Matches = FxHashMap<TypeId, Vec<usize>>;

/// The types met so far that the table has.
pub(super) fn matches(types: &TypeTable<'_>, table: &ContainerTable) -> Matches {
    let mut by_name: FxHashMap<&str, Vec<(usize, &str)>> = FxHashMap::default();
    for (number, definition) in table.definitions.iter().enumerate() {
        for name in &definition.types {
            by_name.entry(base(name)).or_default().push((number, name));
        }
    }
    let mut found = Matches::default();
    for id in (0..types.len()).map(|id| TypeId(id as u32)) {
        let ty = types.get(id);
        let Some(alike) = head(&ty.name).and_then(|head| by_name.get(base(head))) else { continue };
        let Some(whole) = types.qualified_name(id) else { continue };
        let named: Vec<usize> = alike.iter().filter(|(_, name)| *name == whole).map(|(number, _)| *number).collect();
        if !named.is_empty() {
            found.insert(id, named);
        }
    }
    found
}

/// The name of a declared type without its arguments; `None` for any other type.
pub(super) fn head(name: &str) -> Option<&str> {
    let (head, arguments) = name.split_at(name.find('[').unwrap_or(name.len()));
    let declared = head.contains('.') && !head.contains([' ', '*', '(', '{', '<']);
    (declared && (arguments.is_empty() || arguments.ends_with(']'))).then_some(head)
}

/// The last part of a name: `MapOf` of `github.com/puzpuzpuz/xsync/v3.MapOf`.
fn base(head: &str) -> &str {
    head.rsplit_once('.').map_or(head, |(_, base)| base)
}

/// Where values of one type have containers in them.
struct Look {
    /// Bytes from one value to the next, where the object is a row of them.
    period: Option<u64>,
    at: Vec<(u64, TypeId)>,
}

/// The live values of these types by address, and how many were left out.
pub(super) fn places(stages: &Stages<'_>, matches: &Matches) -> (Vec<Place>, u64) {
    let types = stages.context.types;
    let ids = (0..types.len()).map(|id| TypeId(id as u32));
    let looks: Vec<Option<Look>> = ids.map(|id| look(types, id, matches)).collect();
    let mut found = Found::default();
    in_objects(stages, matches, &looks, &mut found);
    in_regions(stages, &looks, &mut found);
    found.places.sort_unstable_by_key(|p| (p.address, p.ty, !p.whole, p.local));
    found.places.dedup_by_key(|p| (p.address, p.ty));
    (found.places, found.left_out)
}

#[derive(Default)]
struct Found {
    places: Vec<Place>,
    left_out: u64,
}

impl Found {
    fn push(&mut self, place: Place) {
        if self.is_full() {
            self.left_out += 1;
        } else {
            self.places.push(place);
        }
    }

    fn is_full(&self) -> bool {
        self.places.len() >= MAX_PLACES
    }
}

fn look(types: &TypeTable<'_>, id: TypeId, matches: &Matches) -> Option<Look> {
    let ty = types.get(id);
    let (start, period) = match &ty.kind {
        Kind::Row(elem) => (*elem, Some(types.get(*elem).size.max(1))),
        Kind::Struct(_) | Kind::Array { .. } | Kind::Slice(_) => (id, None),
        _ => return None,
    };
    let mut pending = vec![(0, start)];
    let mut at = Vec::new();
    for _ in 0..MAX_PARTS {
        let Some((offset, id)) = pending.pop() else { break };
        if matches.contains_key(&id) {
            at.push((offset, id));
            continue;
        }
        match &types.get(id).kind {
            Kind::Struct(fields) if fields.len() <= MAX_PARTS => {
                pending.extend(fields.iter().map(|f| (f.offset.saturating_add(offset), f.ty)));
            }
            Kind::Array { elem, len } if *len <= MAX_ARRAY => {
                let size = types.get(*elem).size;
                pending.extend((0..*len).map(|i| (offset.saturating_add(i.saturating_mul(size)), *elem)));
            }
            _ => {}
        }
        if pending.len() > MAX_PARTS {
            break;
        }
    }
    (!at.is_empty()).then_some(Look { period, at })
}

fn in_objects(stages: &Stages<'_>, matches: &Matches, looks: &[Option<Look>], found: &mut Found) {
    let (graph, types) = (&stages.heap.graph, stages.context.types);
    for object in graph.blocks.blocks().iter().flat_map(mapscope_heap::Block::objects) {
        let id = TypeId(graph.type_of(object));
        let Some(Some(look)) = looks.get(id.0 as usize) else { continue };
        if !stages.reach.is_live(object) {
            continue;
        }
        let Some((address, room)) = contents(stages.typing, object) else { continue };
        let whole = matches.contains_key(&id);
        let rows = look.period.map_or(1, |period| room / period);
        for row in 0..rows {
            if found.is_full() {
                found.left_out += (rows - row).saturating_mul(look.at.len() as u64);
                break;
            }
            let start = address.saturating_add(row.saturating_mul(look.period.unwrap_or(0)));
            for (offset, ty) in &look.at {
                let end = start.saturating_add(*offset).saturating_add(types.get(*ty).size);
                if end <= address.saturating_add(room) {
                    let address = start.saturating_add(*offset);
                    found.push(Place { address, ty: *ty, object: Some(object), whole, local: false });
                }
            }
        }
    }
}

fn in_regions(stages: &Stages<'_>, looks: &[Option<Look>], found: &mut Found) {
    let (types, goroutines) = (stages.context.types, &stages.roots.goroutines);
    for region in stages.regions {
        let Some(Some(look)) = looks.get(region.ty.0 as usize) else { continue };
        let size = look.period.unwrap_or_else(|| types.get(region.ty).size);
        for row in 0..region.count.min(MAX_PLACES as u64) {
            if found.is_full() {
                found.left_out += 1;
                break;
            }
            for (offset, ty) in &look.at {
                let at = row.saturating_mul(size).saturating_add(*offset);
                let end = at.saturating_add(types.get(*ty).size);
                let address = region.start.saturating_add(at);
                // A dead word of a stack may hold anything.
                let live = goroutines.at(address).is_none_or(|g| goroutines.all[g as usize].is_live(address));
                if at >= region.window.0 && end <= region.window.1 && live {
                    let local = !matches!(region.origin, Origin::Global(_));
                    found.push(Place { address, ty: *ty, object: None, whole: false, local });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_have_a_head() {
        assert_eq!(head("xsync.MapOf[uint64,*main.T]"), Some("xsync.MapOf"));
        assert_eq!(head("github.com/a/v3.Map"), Some("github.com/a/v3.Map"));
        for other in
            ["*xsync.Map", "[]xsync.Map", "map[a.B]c.D", "int", "func main.f", "a.B[int] (header)", "struct { a b.C }"]
        {
            assert_eq!(head(other), None, "{other}");
        }
        assert_eq!(base("github.com/puzpuzpuz/xsync/v3.MapOf"), "MapOf");
    }
}
