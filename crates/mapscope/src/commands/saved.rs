//! Inspections that were saved as JSON.

use std::path::Path;

use anyhow::{Context, Result, bail};
use mapscope_memory::Input;
use mapscope_report::model::Inspection;
use mapscope_report::{INSPECT_SCHEMA, Inspected};
use serde::Deserialize;

use crate::input;

/// What every document begins with.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// Opens and reads what `inspect --format json` wrote.
pub(crate) fn inspected(path: &Path) -> Result<Inspected> {
    document(&Input::open(path, &input::DOCUMENT)?)
}

/// Reads what `inspect --format json` wrote.
pub(crate) fn document(read: &Input) -> Result<Inspected> {
    let source = read.name().display().to_string();
    let text = input::text(read);
    if text.is_empty() {
        bail!("{source} is empty: give what `mapscope inspect --format json` writes");
    }
    let wrong = || format!("{source}: is not what `mapscope inspect --format json -o FILE` writes");
    let head: Head = serde_json::from_slice(text).with_context(wrong)?;
    check(&head.schema).with_context(|| source.clone())?;
    let inspection: Inspection = serde_json::from_slice(text).with_context(wrong)?;
    Ok(Inspected { source, inspection })
}

/// Says what is wrong with a document of another kind, or of another version.
fn check(schema: &str) -> Result<()> {
    if schema == INSPECT_SCHEMA {
        return Ok(());
    }
    let ours = INSPECT_SCHEMA.split_once('/').map_or(INSPECT_SCHEMA, |(kind, _)| kind);
    match schema.split_once('/') {
        Some((kind, version)) if kind == ours && !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) => {
            bail!(
                "{schema} is of another mapscope: this one reads {INSPECT_SCHEMA}; use the mapscope that wrote it, or one that \
                 is newer, or inspect again with this one"
            )
        }
        Some((kind, _)) if kind.starts_with("mapscope.") => {
            let command = kind.trim_start_matches("mapscope.");
            bail!(
                "is {schema}, which `mapscope {command}` writes; inspections are compared: save them with `mapscope inspect \
                 --format json -o FILE`"
            )
        }
        _ => bail!("is {schema:?}, not {INSPECT_SCHEMA:?}, which `mapscope inspect --format json -o FILE` writes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(schema: &str) -> String {
        check(schema).expect_err("it is not ours").to_string()
    }

    #[test]
    fn other_documents_are_told_apart() {
        assert!(check("mapscope.inspect/1").is_ok());
        assert!(refused("mapscope.inspect/2").starts_with("mapscope.inspect/2 is of another mapscope: this one reads"));
        assert!(refused("mapscope.maps/1").contains("which `mapscope maps` writes; inspections are compared"));
        assert!(refused("mapscope.inspect/").contains("which `mapscope inspect` writes"));
        assert!(refused("openapi/3").starts_with("is \"openapi/3\", not \"mapscope.inspect/1\""));
    }
}
