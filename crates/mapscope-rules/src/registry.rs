//! The table of all rules, and what asks them.

use std::cmp::Reverse;

use crate::finding::Claim;
use crate::{Evidence, Finding, Severity, rules, sums};

/// A rule.
pub struct Rule {
    /// `GM001`: maps; `GH001`: the rest of the heap.
    pub code: &'static str,
    /// `drained-map`.
    pub name: &'static str,
    /// However many bytes: what a rule points at may be just what the program is for.
    pub(crate) at_most: Severity,
    source: &'static str,
    check: fn(&Evidence) -> Vec<Claim>,
}

macro_rules! table {
    ($($code:literal $name:literal $module:ident $at_most:ident),+ $(,)?) => {
        /// All rules, by code.
        pub static RULES: &[Rule] = &[$(Rule {
            code: $code,
            name: $name,
            at_most: Severity::$at_most,
            source: include_str!(concat!("rules/", stringify!($module), ".rs")),
            check: rules::$module::check,
        }),+];
    };
}

table! {
    "GH001" "slice-overcapacity" gh001_slice_overcapacity High,
    "GH002" "pinned-array" gh002_pinned_array High,
    "GH003" "duplicate-strings" gh003_duplicate_strings High,
    "GH004" "fragmentation" gh004_fragmentation High,
    "GH005" "leaked-goroutines" gh005_leaked_goroutines High,
    "GH006" "finalizer-backlog" gh006_finalizer_backlog High,
    "GH007" "garbage-waiting" gh007_garbage_waiting Medium,
    "GH008" "struct-padding" gh008_struct_padding High,
    "GH009" "dominator-concentration" gh009_dominator_concentration Low,
    "GH010" "timers" gh010_timers Medium,
    "GH011" "sync-pool-retention" gh011_sync_pool_retention Medium,
    "GH012" "cgo-handles" gh012_cgo_handles Medium,
    "GH013" "lost-contexts" gh013_lost_contexts High,
    "GH014" "free-spans" gh014_free_spans Medium,
    "GH015" "memory-outside-go" gh015_memory_outside_go Medium,
    "GH016" "never-finalized" gh016_never_finalized High,
    "GH017" "popped-objects" gh017_popped_objects Medium,
    "GH018" "never-closed" gh018_never_closed Medium,
    "GM001" "drained-map" gm001_drained_map High,
    "GM002" "tombstone-heavy" gm002_tombstone_heavy High,
    "GM003" "unfinished-growth" gm003_unfinished_growth High,
    "GM004" "overflow-chains" gm004_overflow_chains High,
    "GM005" "holes" gm005_holes High,
    "GM006" "zero-valued-entries" gm006_zero_valued_entries High,
    "GM007" "pointer-keys" gm007_pointer_keys Medium,
    "GM008" "map-in-cycle" gm008_map_in_cycle Low,
    "GM009" "many-small-maps" gm009_many_small_maps High,
    "GM010" "padded-slots" gm010_padded_slots High,
    "GM011" "oversized-hint" gm011_oversized_hint High,
    "GM012" "shared-map" gm012_shared_map Low,
    "GM013" "sync-map-overhead" gm013_sync_map_overhead Medium,
    "GM014" "stale-tables" gm014_stale_tables Medium,
    "GM015" "unbounded-map" gm015_unbounded_map High,
    "GM016" "dead-weak-pointers" gm016_dead_weak_pointers High,
    "GM017" "nan-keys" gm017_nan_keys High,
}

impl Rule {
    /// What the rule means, as Markdown: the doc comment at the head of its file.
    pub fn text(&self) -> String {
        let lines = self.source.lines().map_while(|line| line.strip_prefix("//!"));
        let mut text = format!("# {} {}\n\n", self.code, self.name);
        for line in lines {
            text += line.strip_prefix(' ').unwrap_or(line);
            text.push('\n');
        }
        text
    }

    /// What it is about, in the first sentence of its text.
    pub fn title(&self) -> String {
        self.source.lines().next().unwrap_or_default().trim_start_matches("//!").trim().to_owned()
    }
}

/// The rule with a code or a name, in whatever case.
pub fn rule(query: &str) -> Option<&'static Rule> {
    let query = query.trim();
    RULES.iter().find(|r| r.code.eq_ignore_ascii_case(query) || r.name.eq_ignore_ascii_case(query))
}

/// What all rules say: the most urgent first, then those with most bytes. No byte is promised twice (`sums.rs`).
pub fn findings(evidence: &Evidence) -> Vec<Finding> {
    let claims: Vec<(&'static Rule, Claim)> =
        RULES.iter().flat_map(|rule| (rule.check)(evidence).into_iter().map(move |claim| (rule, claim))).collect();
    let mut found = sums::apart(claims, evidence);
    found.sort_by(|a, b| {
        let key = |f: &Finding| (Reverse(f.severity), Reverse(f.reclaimable_bytes), Reverse(f.shared_bytes));
        key(a).cmp(&key(b)).then_with(|| (a.rule, &a.subject).cmp(&(b.rule, &b.subject)))
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_documented_under_the_same_headings() {
        for rule in RULES {
            let text = rule.text();
            let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            let wanted = ["What it finds", "Why it matters", "Evidence", "Example", "Fix", "Limits"];
            assert_eq!(headings, wanted, "{}", rule.code);
            assert!(text.contains("```go\n"), "{}: the fix has code", rule.code);
            assert!(rule.title().ends_with('.'), "{}", rule.code);
        }
        assert!(RULES.is_sorted_by_key(|r| r.code));
    }

    #[test]
    fn rules_are_found_by_code_and_name() {
        assert_eq!(rule("gm001").map(|r| r.name), Some("drained-map"));
        assert_eq!(rule("Drained-Map").map(|r| r.code), Some("GM001"));
        assert!(rule("GM999").is_none());
    }

    #[test]
    fn an_empty_heap_has_no_findings() {
        assert_eq!(findings(&Evidence::default()), []);
    }
}
