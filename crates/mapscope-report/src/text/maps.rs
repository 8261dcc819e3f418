//! `mapscope maps`: one line for each map.

use super::TextOptions;
use super::containers::container_section;
use super::footer::{marks, more, partial, totals, uncertain};
use super::header::{header, read_time};
use super::rows::map_table;
use super::style::push_line;
use super::units::{bytes, count, plural};
use crate::model::{Figure, MapList, MapRef, MapRow};

/// One line for each map, and totals over all that passed the filters.
pub fn maps(list: &MapList, options: &TextOptions) -> String {
    let mut out = header(&list.target, &read_time(&list.target).into_iter().collect::<Vec<_>>(), options.width);
    out.push('\n');
    let shown = options.shown(list.maps.len());
    let rows: Vec<MapRow> = list.maps.rows().take(shown).collect();
    if list.maps.is_empty() {
        let none = match list.total_maps {
            0 => "no live maps".to_owned(),
            total => format!("none of {} matches", plural(total, "live map", "live maps")),
        };
        push_line(&mut out, none);
    } else {
        out += &map_table(&rows, true, options.keep).render(options.width);
        out += &more(shown, list.maps.len());
        out += &totals(&facts(list), options.width);
        out += &marks(&rows, options.width);
    }
    out += &container_section(&list.containers, options, true);
    out += &partial(list.uncertain(), options.width);
    out
}

/// What the shown and the hidden rows add up to.
fn facts(list: &MapList) -> Vec<String> {
    let figures = || list.maps.iter().filter_map(MapRef::figures);
    let table = figures().map(|f| f.table_bytes).fold(0, u64::saturating_add);
    let reclaimable = figures().map(|f| f.reclaimable_bytes).fold(0, u64::saturating_add);
    let mut which = plural(list.total_maps, "map", "maps");
    if list.matched_maps < list.total_maps {
        which = format!("{} of {which}", count(list.matched_maps));
    }
    let mut facts = vec![which, format!("{} of tables", bytes(table)), format!("{} reclaimable", bytes(reclaimable))];
    let torn = list.maps.iter().filter(|map| map.torn()).count() as u64;
    if torn > 0 {
        facts.push(format!("{} torn", count(torn)));
    }
    facts.extend(uncertain(list.uncertain(), &[Figure::Maps, Figure::Owners, Figure::Retained]));
    facts
}
