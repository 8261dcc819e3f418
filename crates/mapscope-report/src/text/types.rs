//! `mapscope types`: live objects by type.

use super::TextOptions;
use super::footer::{inferred_types, marked, more, partial, totals, uncertain};
use super::header::{header, read_time};
use super::rows::type_table;
use super::storage::storage;
use super::style::push_line;
use super::units::{bytes, count, plural};
use crate::model::{Figure, TypeList};

/// A histogram of live objects by type, and below it what else owns memory, in sections of at most `section_rows` rows.
pub fn types(list: &TypeList, options: &TextOptions, section_rows: Option<usize>) -> String {
    let mut out = header(&list.target, &read_time(&list.target).into_iter().collect::<Vec<_>>(), options.width);
    out.push('\n');
    let shown = options.shown(list.types.len());
    if list.types.is_empty() {
        let none = match list.total_types {
            0 => "no live objects".to_owned(),
            total => format!("none of {} matches", plural(total, "type", "types")),
        };
        push_line(&mut out, none);
    } else {
        out += &type_table(&list.types[..shown], list.heap.live_bytes, true).render(options.width);
        out += &more(shown, list.types.len());
        out += &inferred_types(&list.types[..shown], options.width);
        out += &totals(&marked_facts(list), options.width);
    }
    if let Some(found) = &list.storage {
        let sections = storage(found, list.heap.live_bytes, section_rows.unwrap_or(usize::MAX), options.width);
        out += &marked(sections, list.uncertain(), &[Figure::Storage]);
    }
    out += &partial(list.uncertain(), options.width);
    out
}

/// As [`facts`], and whether they are uncertain.
fn marked_facts(list: &TypeList) -> Vec<String> {
    facts(list).into_iter().chain(uncertain(list.uncertain(), &[Figure::Types, Figure::Retained])).collect()
}

fn facts(list: &TypeList) -> Vec<String> {
    let live = plural(list.heap.live_objects, "live object", "live objects");
    let live = format!("{live}, {}", bytes(list.heap.live_bytes));
    if list.matched_types >= list.total_types {
        return vec![plural(list.total_types, "type", "types"), live];
    }
    let objects = list.types.iter().map(|row| row.count).fold(0, u64::saturating_add);
    let size = list.types.iter().map(|row| row.shallow_bytes).fold(0, u64::saturating_add);
    vec![
        format!("{} of {}", count(list.matched_types), plural(list.total_types, "type", "types")),
        format!("{}, {}", plural(objects, "object", "objects"), bytes(size)),
        format!("of {live}"),
    ]
}
