//! What the rules say of what changed between inspections.

use mapscope_report::model::{Diff, FindingRow, Inspection};
use mapscope_report::{Grower, growers};
use mapscope_rules::{Evidence, GrowthFacts};

use super::findings;

/// The findings of a comparison whose last inspection is `last`.
pub(crate) fn findings(diff: &Diff, last: &Inspection) -> Vec<FindingRow> {
    let growth = growers(diff).into_iter().map(|grower| facts(grower, last)).collect();
    findings::of(&Evidence { live_bytes: last.heap.live_bytes, growth, ..Evidence::default() })
}

/// Adds the findings of a comparison to those of its last inspection, behind those that are as urgent.
pub(crate) fn add(diff: &Diff, last: &mut Inspection) {
    last.findings.extend_from_slice(&diff.findings);
    last.findings.sort_by_key(|f| ["high", "medium", "low"].iter().position(|s| *s == f.severity));
}

fn facts(grower: Grower, last: &Inspection) -> GrowthFacts {
    let theirs = |row: &&mapscope_report::model::MapRow| row.owner == grower.owner && row.type_name == grower.type_name;
    let tombstones = last.maps.iter().filter(theirs).filter_map(|row| row.figures.as_ref()?.tombstones);
    let deleted_from = tombstones.sum::<u64>() > 0;
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
