//! Which map or which types are meant by what was typed.

use std::fmt::Write as _;

use anyhow::{Context, Result, anyhow, bail};
use mapscope_report::model::{MapRef, MapTable, TypeRow};
use mapscope_report::text::{bytes, printable};
use regex::Regex;

/// Candidates that an error lists.
const LISTED: usize = 20;
/// Suggestions for a name that nothing has.
const SUGGESTED: usize = 3;
/// Names less alike than this are no help.
const ALIKE: f64 = 0.4;

/// The address of the one map that `query` names: by address, by its exact owner, by a part of it, or by a regular
/// expression, in this order. The first that matches any map decides.
pub(crate) fn find(maps: &MapTable, query: &str) -> Result<u64> {
    if let Some(digits) = query.strip_prefix("0x").or_else(|| query.strip_prefix("0X")) {
        let addr = u64::from_str_radix(digits, 16);
        let addr = addr.with_context(|| format!("`{query}` is not an address; try one that `mapscope maps` lists"))?;
        if maps.at(addr).is_some() {
            return Ok(addr);
        }
        bail!("no live map has its header at {addr:#x}; `mapscope maps TARGET` lists all with their addresses");
    }
    let mut found = filter(maps, |owner| owner == query);
    if found.is_empty() {
        found = filter(maps, |owner| owner.contains(query));
    }
    if let (true, Ok(regex)) = (found.is_empty(), Regex::new(query)) {
        found = filter(maps, |owner| regex.is_match(owner));
    }
    match found.as_slice() {
        [] => Err(unknown(maps, query)),
        [map] => Ok(map.address()),
        found => Err(ambiguous(found, query)),
    }
}

fn filter(maps: &MapTable, matches: impl Fn(&str) -> bool) -> Vec<MapRef<'_>> {
    maps.iter().filter(|map| matches(map.owner())).collect()
}

fn ambiguous(maps: &[MapRef<'_>], query: &str) -> anyhow::Error {
    let mut message = format!("`{query}` names {} maps; give the address of one:", maps.len());
    for map in maps.iter().take(LISTED) {
        let size = map.figures().map_or_else(|| "torn".to_owned(), |figures| bytes(figures.table_bytes));
        let (owner, type_name) = (printable(map.owner()), printable(map.type_name()));
        // Writing into a string cannot fail.
        let _ = write!(message, "\n  {}  {size:>8}  {owner}  {type_name}", map.addr());
    }
    if maps.len() > LISTED {
        let _ = write!(message, "\n  ... {} more: `mapscope maps TARGET --owner '{query}'`", maps.len() - LISTED);
    }
    anyhow!(message)
}

fn unknown(maps: &MapTable, query: &str) -> anyhow::Error {
    let near = near(maps.owners(), query);
    if near.is_empty() {
        return anyhow!("no live map has an owner like `{query}`; `mapscope maps TARGET` lists all {}", maps.len());
    }
    anyhow!("no live map has an owner like `{query}`; try {}", near.join(" or "))
}

/// The names of the types that `query` means: the one of exactly this name, those that have it without the paths of their
/// packages, as `maps` writes types, or all that it matches as a regular expression.
pub(crate) fn types(types: &[TypeRow], query: &str) -> Result<Vec<String>> {
    let name = |row: &TypeRow| row.type_name.clone();
    if let Some(row) = types.iter().find(|row| row.type_name == query) {
        return Ok(vec![name(row)]);
    }
    let short = without_paths(query);
    let same: Vec<String> = types.iter().filter(|row| without_paths(&row.type_name) == short).map(name).collect();
    if !same.is_empty() {
        return Ok(same);
    }
    let matched: Vec<String> = Regex::new(query).map_or_else(
        |_| Vec::new(),
        |regex| types.iter().filter(|row| regex.is_match(&row.type_name)).map(name).collect(),
    );
    if !matched.is_empty() {
        return Ok(matched);
    }
    let near = near(types.iter().map(|row| row.type_name.as_str()), query);
    if near.is_empty() {
        bail!("no live object has a type like `{query}`; `mapscope types TARGET` lists all {}", types.len());
    }
    bail!("no live object has a type like `{query}`; try {}", near.join(" or "))
}

/// A type's name with packages as code writes them: `map[bbolt.pgid]bbolt.txid` for
/// `map[go.etcd.io/bbolt.pgid]go.etcd.io/bbolt.txid`.
fn without_paths(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut from = 0;
    for (at, letter) in name.char_indices() {
        if letter == '/' {
            from = at + 1;
        } else if !(letter.is_alphanumeric() || "._-~".contains(letter)) {
            short.push_str(&name[from..at]);
            short.push(letter);
            from = at + letter.len_utf8();
        }
    }
    short + &name[from..]
}

/// The names most like `query`, the best first.
pub(crate) fn near<'n>(names: impl Iterator<Item = &'n str>, query: &str) -> Vec<String> {
    let wanted = query.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let last = name.rsplit('.').next().unwrap_or_default();
        strsim::normalized_damerau_levenshtein(&name, &wanted)
            .max(strsim::normalized_damerau_levenshtein(last, &wanted))
    };
    let mut near: Vec<(f64, &str)> = names.map(|name| (likeness(name), name)).collect();
    near.retain(|(alike, name)| *alike >= ALIKE && !name.is_empty());
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    near.dedup_by_key(|(_, name)| *name);
    near.iter().take(SUGGESTED).map(|(_, name)| printable(name).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::inspection;

    fn error(query: &str) -> String {
        format!("{:#}", find(&inspection().maps, query).expect_err("nothing is found"))
    }

    #[test]
    fn a_map_is_found_by_what_is_known_of_it() {
        let maps = inspection().maps;
        for query in ["0xc000100000", "0xC000100000", "main.sessions.byID", "byID", "by.D$"] {
            assert_eq!(find(&maps, query).expect(query), 0xc0_0010_0000, "{query}");
        }
    }

    #[test]
    fn an_exact_owner_beats_a_part_of_others() {
        let mut maps = inspection().maps;
        maps.edit(|maps| maps[1].owner = "main.sessions".to_owned());
        assert_eq!(find(&maps, "main.sessions").expect("it is exact"), 0xc0_0020_0000);
    }

    #[test]
    fn several_are_listed_with_addresses() {
        let message = error("sessions");
        assert!(message.starts_with("`sessions` names 2 maps"), "{message}");
        assert!(message.contains("0xc000100000") && message.contains("0xc000300000"), "{message}");
        assert!(error("main").contains("torn"));
    }

    #[test]
    fn a_type_is_found_by_its_name_or_by_a_pattern() {
        let rows = inspection().types;
        let found = |query| types(&rows, query).map_err(|e| e.to_string());
        assert_eq!(found("main.Session"), Ok(vec!["main.Session".to_owned()]));
        let full = "map[go.etcd.io/bbolt.pgid][]*example.org/my-app.txid";
        assert_eq!(without_paths(full), "map[bbolt.pgid][]*my-app.txid");
        let map = TypeRow { type_name: full.to_owned(), ..rows[0].clone() };
        let short = "map[bbolt.pgid][]*my-app.txid";
        assert_eq!(types(&[map], short).map_err(|e| e.to_string()), Ok(vec![full.to_owned()]));
        assert_eq!(found("^(main|str)"), Ok(vec!["main.Session".to_owned(), "string".to_owned()]));
        assert_eq!(
            found("main.Sesion").expect_err("a slip"),
            "no live object has a type like `main.Sesion`; try main.Session"
        );
        assert!(found("(zz").expect_err("nothing").contains("lists all 2"));
    }

    #[test]
    fn a_slip_is_answered_with_what_is_near() {
        assert!(error("main.sesions.byId").contains("try main.sessions.byID"), "{}", error("main.sesions.byId"));
        assert!(error("byUsr").contains("main.sessions.byUser"));
        assert!(error("(*Pool).x").contains("lists all 4"));
        assert!(error("0x10").contains("no live map has its header at 0x10"));
        assert!(error("0xzz").contains("is not an address"));
    }
}
