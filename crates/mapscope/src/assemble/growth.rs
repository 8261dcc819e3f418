//! What the rules say of what changed between inspections.

use std::collections::HashSet;

use mapscope_report::model::{Diff, FindingRow, Inspection, MapRef};
use mapscope_report::{Grower, growers};
use mapscope_rules::{Evidence, GrowthFacts};

use super::findings;

/// The findings of a comparison whose last inspection is `last`.
pub(crate) fn findings(diff: &Diff, last: &Inspection) -> Vec<FindingRow> {
    // Once for all: there may be a million maps, and as many that grew.
    let deletes = |map: &MapRef<'_>| map.figures().is_some_and(|f| f.tombstones.is_some_and(|n| n > 0));
    let deleted_from: HashSet<(&str, &str)> =
        last.maps.iter().filter(deletes).map(|map| (map.owner(), map.type_name())).collect();
    let growth = growers(diff).into_iter().map(|grower| facts(grower, &deleted_from)).collect();
    findings::of(&Evidence { live_bytes: last.heap.live_bytes, growth, ..Evidence::default() })
}

/// Adds the findings of a comparison to those of its last inspection, behind those that are as urgent.
pub(crate) fn add(diff: &Diff, last: &mut Inspection) {
    last.findings.extend_from_slice(&diff.findings);
    last.findings.sort_by_key(|f| ["high", "medium", "low"].iter().position(|s| *s == f.severity));
}

/// `deleted_from`: owner and type of the maps that have a tombstone.
fn facts(grower: Grower, deleted_from: &HashSet<(&str, &str)>) -> GrowthFacts {
    let deleted_from = deleted_from.contains(&(grower.owner.as_str(), grower.type_name.as_str()));
    let (retained_before, retained_after) = grower.retained_bytes.unwrap_or(grower.table_bytes);
    GrowthFacts {
        owner: grower.owner,
        type_name: grower.type_name,
        package_level: grower.package_level,
        entries_before: grower.entries.0,
        entries_after: grower.entries.1,
        retained_before,
        retained_after,
        deleted_from,
    }
}
