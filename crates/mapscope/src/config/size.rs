//! What `mapscope size` is asked for.

use anyhow::{Context, Result, bail};
use mapscope_go::TypeSize;

use super::Command;
use crate::args::{PartArg, SizeArgs};
use crate::size::parse_count;

/// Which map's cost.
#[derive(Clone, Debug)]
pub(crate) struct MapQuestion {
    /// The type as it was written.
    pub(crate) map_type: Option<String>,
    pub(crate) entries: u64,
    /// Sizes that were given, whatever the type says.
    pub(crate) key: Option<TypeSize>,
    pub(crate) elem: Option<TypeSize>,
    /// The minor version of Go that was asked for.
    pub(crate) minor: Option<u32>,
    /// With keys and elements apart.
    pub(crate) split: bool,
    pub(crate) churn: bool,
}

/// Versions of Go whose maps are known.
const MINORS: std::ops::RangeInclusive<u32> = 21..=27;
/// No map has more entries, and no key or element more bytes.
const MAX_ENTRIES: u64 = 1 << 40;

pub(super) fn size(typed: SizeArgs) -> Result<Command> {
    let entries = parse_count(&typed.entries).context("--entries")?;
    if entries > MAX_ENTRIES {
        bail!("--entries: {} is more than fits into any memory", typed.entries);
    }
    let minor = typed.go.as_deref().map(minor).transpose()?;
    if typed.split_groups && minor.is_some_and(|minor| minor != 27) {
        bail!("--split-groups: only Go 1.27 has GOEXPERIMENT=mapsplitgroup");
    }
    let given = |flag: &str, bytes: Option<u64>, part: PartArg| match (bytes, typed.pointers.contains(&part)) {
        (Some(size), _) if size > 1 << 30 => bail!("{flag}: {size} is more than any key or element has"),
        (Some(size), true) if size < 8 => bail!("{flag}: {size} bytes are too few for a pointer"),
        // Whatever it is made of: aligned to the largest power of two that divides it.
        (Some(size), pointers) => {
            let align = if size == 0 { 1 } else { 1 << size.trailing_zeros().min(3) };
            Ok(Some(TypeSize { size, align, pointers }))
        }
        (None, true) => bail!("--pointers: {flag} is missing; of a type that is written, it is known"),
        (None, false) => Ok(None),
    };
    let question = MapQuestion {
        map_type: typed.map_type,
        entries,
        key: given("--key-bytes", typed.key_bytes, PartArg::Key)?,
        elem: given("--value-bytes", typed.value_bytes, PartArg::Value)?,
        minor,
        split: typed.split_groups,
        churn: typed.churn,
    };
    Ok(Command::Size { question, exe: typed.exe })
}

/// `27` of `1.27`, `go1.27.3` or `27`.
fn minor(typed: &str) -> Result<u32> {
    let version = typed.trim().trim_start_matches("go");
    let digits = version.strip_prefix("1.").unwrap_or(version).split('.').next().unwrap_or_default();
    match digits.parse() {
        Ok(minor) if MINORS.contains(&minor) => Ok(minor),
        _ => bail!("--go: `{typed}` is not a version whose maps are known; give one from 1.21 to 1.27"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, error};
    use super::*;

    #[test]
    fn sizes_are_counts_and_versions_have_a_range() {
        let question = |line: &str| match config(line).expect("the line is right").command {
            Command::Size { question, .. } => (question.entries, question.minor, question.key.map(|k| k.align)),
            other => panic!("{other:?}"),
        };
        assert_eq!(question("mapscope size map[int]int --entries 10M"), (10_000_000, None, None));
        let line = "mapscope size --entries 1 --go go1.24.3 --key-bytes 12 --value-bytes 0";
        assert_eq!(question(line), (1, Some(24), Some(4)));
        assert!(error("mapscope size map[int]int --entries 1 --go 1.20").contains("from 1.21 to 1.27"));
        assert!(error("mapscope size map[int]int --entries 9999G").contains("--entries"));
        assert!(error("mapscope size --entries 1 --key-bytes 4 --pointers key").contains("too few for a pointer"));
    }
}
