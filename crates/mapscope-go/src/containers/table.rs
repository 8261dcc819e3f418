//! Reads what is known of libraries' containers: the tables that come along, and those that a user adds.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::expression::{self, Expression, Path};
use super::layout::Layouts;
use super::version::Range;

/// One file for each library.
const BUILT_IN: &[&str] = &[
    include_str!("tables/bigcache.toml"),
    include_str!("tables/concurrent-map.toml"),
    include_str!("tables/cornelk-hashmap.toml"),
    include_str!("tables/freecache.toml"),
    include_str!("tables/golang-lru.toml"),
    include_str!("tables/haxmap.toml"),
    include_str!("tables/otter.toml"),
    include_str!("tables/ristretto.toml"),
    include_str!("tables/xsync.toml"),
];

/// Keys of a `[[container]]`.
const KEYS: &[&str] =
    &["type", "name", "versions", "entries", "slots", "tombstones", "limit", "storage", "maps", "layout"];

/// Containers that are known.
#[derive(Clone, Debug, Default)]
pub struct ContainerTable {
    pub(super) definitions: Vec<Definition>,
}

/// What is known of one type, or of several that are alike.
#[derive(Clone, Debug, Default)]
pub(super) struct Definition {
    /// With the whole path of the package, without type arguments.
    pub(super) types: Vec<String>,
    /// How people call it.
    pub(super) name: Option<String>,
    /// Versions of the module that it is true of.
    pub(super) versions: Option<Range>,
    pub(super) entries: Option<Expression>,
    pub(super) slots: Option<Expression>,
    pub(super) tombstones: Option<Expression>,
    pub(super) limit: Option<Expression>,
    pub(super) storage: Option<Expression>,
    /// To the Go maps that it consists of.
    pub(super) maps: Option<Path>,
    pub(super) layout: Layouts,
}

impl ContainerTable {
    /// What comes along.
    pub fn built_in() -> Self {
        let mut table = Self::default();
        for text in BUILT_IN {
            // A test reads them all.
            let _ = table.add(text);
        }
        table
    }

    /// Adds the `[[container]]`s of a TOML document, in front of what is known of the same types. Its other tables are
    /// left alone.
    ///
    /// # Errors
    /// The line, counted from 1, and what is wrong there; nothing is added then.
    pub fn add(&mut self, text: &str) -> Result<(), (u64, String)> {
        let mut added = parse(text)?;
        added.append(&mut self.definitions);
        self.definitions = added;
        Ok(())
    }
}

fn parse(text: &str) -> Result<Vec<Definition>, (u64, String)> {
    let line = |at: usize| text.bytes().take(at).filter(|b| *b == b'\n').count() as u64 + 1;
    let document = DeTable::parse(text)
        .map_err(|error| (line(error.span().map_or(0, |span| span.start)), error.message().to_owned()))?;
    let mut definitions = Vec::new();
    for (key, value) in document.get_ref() {
        if key.get_ref() != "container" {
            continue;
        }
        let bad = || (line(key.span().start), "container is a list: write [[container]]".to_owned());
        for one in value.get_ref().as_array().ok_or_else(bad)? {
            let at = line(one.span().start);
            let table = one.get_ref().as_table().ok_or_else(bad)?;
            definitions.push(definition(table, &line, at)?);
        }
    }
    Ok(definitions)
}

fn definition(table: &DeTable<'_>, line: &dyn Fn(usize) -> u64, at: u64) -> Result<Definition, (u64, String)> {
    let mut made = Definition::default();
    for (key, value) in table {
        let at = line(key.span().start);
        set(&mut made, key.get_ref(), value).map_err(|error| (at, error))?;
    }
    if made.types.is_empty() {
        return Err((at, "a container needs a type: write type = \"example.com/cache.Map[...]\"".to_owned()));
    }
    if made.entries.is_none() && made.maps.is_none() {
        return Err((at, "a container needs entries, or maps: write entries = \".count\"".to_owned()));
    }
    Ok(made)
}

fn set(made: &mut Definition, key: &str, value: &Spanned<DeValue<'_>>) -> Result<(), String> {
    if !KEYS.contains(&key) {
        return Err(format!("`{key}` is no key of [[container]]; there are {}", KEYS.join(", ")));
    }
    if key == "type" {
        let types: Vec<&str> = match value.get_ref() {
            DeValue::Array(all) => all.iter().filter_map(|one| one.get_ref().as_str()).collect(),
            one => one.as_str().into_iter().collect(),
        };
        made.types = types.into_iter().map(type_name).collect::<Result<_, _>>()?;
        return Ok(());
    }
    let text = value.get_ref().as_str().ok_or_else(|| format!("{key} is a text: write {key} = \"...\""))?;
    let sum = || expression::parse(text).map(Some).map_err(|error| format!("{key}: {error}"));
    match key {
        "name" => made.name = Some(text.to_owned()),
        "versions" => made.versions = Some(Range::parse(text)?),
        "entries" => made.entries = sum()?,
        "slots" => made.slots = sum()?,
        "tombstones" => made.tombstones = sum()?,
        "limit" => made.limit = sum()?,
        "storage" => made.storage = sum()?,
        "maps" => made.maps = Some(expression::parse_path(text).map_err(|error| format!("maps: {error}"))?),
        _ => made.layout = Layouts::parse(text).map_err(|error| format!("layout: {error}"))?,
    }
    Ok(())
}

/// A declared type, without its arguments.
fn type_name(text: &str) -> Result<String, String> {
    let bare = text.strip_suffix("[...]").unwrap_or(text);
    let (_, name) = bare.rsplit_once('.').unwrap_or_default();
    if name.is_empty() || name.contains(['/', '[', ']', '*', ' ']) {
        return Err(format!(
            "`{text}` is no declared type: write example.com/cache.Map, or example.com/cache.Map[...]"
        ));
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_that_come_along_are_right() {
        for text in BUILT_IN {
            let found = parse(text).unwrap_or_else(|(line, error)| panic!("line {line}: {error}\n{text}"));
            assert!(!found.is_empty() && found.iter().all(|d| d.name.is_some()), "{text}");
        }
        assert!(ContainerTable::built_in().definitions.len() > BUILT_IN.len());
    }

    #[test]
    fn what_a_user_adds_comes_first() {
        let mut table = ContainerTable::built_in();
        let text = "[gate.max]\nlive = 1\n[[container]]\ntype = \"github.com/puzpuzpuz/xsync/v3.MapOf[...]\"\nentries = \".n\"\n";
        table.add(text).unwrap();
        assert_eq!(table.definitions[0].types, ["github.com/puzpuzpuz/xsync/v3.MapOf"]);
        assert!(table.definitions[0].name.is_none());
    }

    #[test]
    fn mistakes_have_a_line() {
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(error("[container]\ntype = \"a.B\"").0, 1);
        assert!(error("[[container]]\n").1.contains("type ="));
        assert!(error("[[container]]\ntype = \"main.table\"\n").1.contains("entries"));
        assert_eq!(error("\n[[container]]\ntype = \"table\"\n").0, 3);
        let (line, text) = error("[[container]]\ntype = \"main.table\"\nentrys = \".n\"\n");
        assert!(line == 3 && text.contains("`entrys` is no key") && text.contains("entries"), "{text}");
        let (line, text) = error("[[container]]\ntype = \"main.table\"\nentries = \"n\"\n");
        assert!(line == 3 && text.starts_with("entries: ") && text.contains(".field"), "{text}");
        assert!(error("[[container]]\ntype = \"main.table\"\nentries = 1\n").1.contains("is a text"));
        assert_eq!(error("[[container]]\ntype = \n").0, 2);
    }
}
