//! Snapshots of every view, without colour, and the promises that hold for all of them.

mod common;

use common::{
    MIB, cycle_list, dominator_list, four_inspections, gate_report, goroutine_list, inspection, layout_report,
    legacy_core, legacy_detail, map_list, one_layout, path_of_object, paths_of_type, row, size_report, swiss_detail,
    torn_detail, two_inspections, type_list, unlike_inspections,
};
use insta::assert_snapshot;
use mapscope_report::model::{
    BudgetRow, ContainerRow, CycleList, Figure, Inspection, MapFigures, MapList, PartialScope, TypeList,
};
use mapscope_report::text::MapColumn;
use mapscope_report::{TextOptions, diff, junit, markdown, sarif, text};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn at(width: usize) -> TextOptions {
    TextOptions { width, ..TextOptions::default() }
}

#[test]
fn gate_with_broken_budgets() {
    assert_snapshot!(plain(&text::gate(&gate_report(), &at(100))));
}

#[test]
fn gate_that_holds_on_a_narrow_terminal() {
    let mut report = gate_report();
    report.budgets.retain(|budget| budget.holds);
    report.run = report.run.map(|run| mapscope_report::model::GateRun { ended: None, ..run });
    (report.holds, report.broken_budgets, report.baseline) = (true, 0, None);
    assert_snapshot!(plain(&text::gate(&report, &at(60))));
}

#[test]
fn gate_as_junit() {
    assert_snapshot!(junit(&gate_report()));
}

#[test]
fn gate_as_sarif() {
    let text = sarif(&gate_report()).expect("it is JSON");
    let document: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let run = &document["runs"][0];
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 8);
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().expect("a number") as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].is_string());
        assert!(fingerprints.insert(result["partialFingerprints"]["mapscopeBudget/v1"].to_string()));
    }
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"mapscope.toml".into(), &7.into())
    );
    assert!(results[7]["locations"][0].get("physicalLocation").is_none(), "it came from the command line");
    let mut few = gate_report();
    few.budgets[1].offenders.truncate(1);
    assert_snapshot!(sarif(&few).expect("it is JSON"));
    few.budgets.retain(|budget| budget.holds);
    (few.holds, few.broken_budgets) = (true, 0);
    let fine: serde_json::Value = serde_json::from_str(&sarif(&few).expect("it is JSON")).expect("it is JSON");
    assert_eq!(
        (&fine["runs"][0]["results"], &fine["runs"][0]["invocations"][0]["exitCode"]),
        (&serde_json::json!([]), &0.into())
    );
}

#[test]
fn size_side_by_side() {
    assert_snapshot!(plain(&text::size(&size_report(), &at(100))));
}

#[test]
fn size_of_a_map_that_hashes_do_not_change() {
    let mut report = mapscope_report::model::SizeReport { entries: 8, ..size_report() };
    report.maps.truncate(1);
    for map in &mut report.maps {
        let exact =
            mapscope_report::model::BytesRange { expected_bytes: 192, low_bytes: 192, high_bytes: 192, exact: true };
        (map.grown, map.grown_peak, map.hinted, map.hinted_peak, map.made_bytes) = (exact, exact, exact, exact, 192);
        map.churned = None;
        map.steps.truncate(1);
        map.indirect_bytes = 1600;
    }
    assert_snapshot!(plain(&text::size(&report, &at(80))));
}

#[test]
fn layout_of_one_struct() {
    assert_snapshot!(plain(&text::layout(&one_layout(), &at(100))));
}

#[test]
fn layout_of_several_structs() {
    assert_snapshot!(plain(&text::layout(&layout_report(), &at(80))));
}

#[test]
fn inspect_whole() {
    assert_snapshot!(plain(&text::inspect(&inspection(), &at(100))));
}

#[test]
fn inspect_narrow_and_limited() {
    assert_snapshot!(plain(&text::inspect(&inspection(), &TextOptions { width: 60, limit: Some(2), keep: None })));
}

#[test]
fn inspect_wide() {
    assert_snapshot!(plain(&text::inspect(&inspection(), &at(140))));
}

#[test]
fn only_what_a_reason_is_about_is_marked() {
    let mut partial = inspection();
    let reason = "1 map that never had an entry is left out";
    partial.partial = vec![reason.into()];
    partial.partial_scope = vec![PartialScope { reason: reason.into(), figures: vec![Figure::Maps, Figure::Findings] }];
    let text = plain(&text::inspect(&partial, &at(100)));
    let marked: Vec<&str> = text.lines().filter(|line| line.ends_with("~ partial")).collect();
    assert_eq!(marked.len(), 2, "{text}");
    assert!(marked[0].starts_with("Findings") && marked[1].starts_with("Maps"), "{marked:?}");
    assert!(text.ends_with("    uncertain: maps, findings\n"), "{text}");
}

#[test]
fn a_gate_says_which_budgets_it_did_not_check() {
    let mut report = gate_report();
    let row = BudgetRow { name: "live".into(), kind: "max".into(), limit_text: "1GiB".into(), ..BudgetRow::default() };
    let uncertain = vec!["14 segments end early".to_owned()];
    report.budgets.push(BudgetRow { refused: true, uncertain, limit: 1 << 30, unit: "bytes".into(), ..row });
    report.refused_budgets = 1;
    let text = plain(&text::gate(&report, &at(100)));
    assert!(text.contains(", 1 not checked") && text.contains("PARTIAL  live"), "{text}");
    assert!(text.contains("not checked: 14 segments end early"), "{text}");
    let junit = junit(&report);
    assert!(junit.contains("errors=\"1\"") && junit.contains(">14 segments end early</error>"), "{junit}");
    let sarif = sarif(&report).expect("it is JSON");
    assert!(sarif.contains("live was not checked: 14 segments end early"), "{sarif}");
}

#[test]
fn inspect_partial_core() {
    let mut partial = inspection();
    partial.target = legacy_core();
    partial.memory.rss_bytes = None;
    partial.memory.core_bytes = Some(1_333 * MIB);
    partial.memory.other_bytes = Some(59 * MIB - 300_000);
    partial.memory.runtime_bytes = None;
    partial.maps.truncate(1);
    partial.partial = vec![
        "the core is truncated: 14 of 212 segments end early (ulimit -c); objects in 0xc012000000-0xc014000000 are missing".into(),
        "no DWARF: types of stack variables are not known".into(),
    ];
    let figures = vec![Figure::Types, Figure::Maps, Figure::Owners, Figure::Storage, Figure::Findings];
    partial.partial_scope = vec![PartialScope { reason: partial.partial[1].clone(), figures }];
    assert_snapshot!(plain(&text::inspect(&partial, &at(80))));
}

#[test]
fn inspect_fragmented() {
    let mut fragmented = inspection();
    fragmented.memory.heap_live_bytes -= 500 * MIB;
    fragmented.memory.heap_fragmentation_bytes += 500 * MIB;
    fragmented.memory.classes[1].fragmentation_bytes += 500 * MIB;
    fragmented.memory.classes[1].live_bytes -= 500 * MIB;
    assert_snapshot!(plain(&text::inspect(&fragmented, &at(100))));
}

#[test]
fn inspect_without_residency() {
    let mut unknown = inspection();
    let memory = &mut unknown.memory;
    (memory.heap_free_bytes, memory.runtime_bytes, memory.binary_bytes, memory.other_bytes) = (None, None, None, None);
    memory.classes.clear();
    assert_snapshot!(plain(&text::inspect(&unknown, &at(60))));
}

#[test]
fn inspect_empty() {
    assert_snapshot!(plain(&text::inspect(&Inspection { target: legacy_core(), ..Inspection::default() }, &at(80))));
}

#[test]
fn dominators_whole() {
    assert_snapshot!(plain(&text::dominators(&dominator_list(), &at(100))));
}

#[test]
fn dominators_narrow() {
    assert_snapshot!(plain(&text::dominators(&dominator_list(), &at(60))));
}

#[test]
fn maps_whole() {
    assert_snapshot!(plain(&text::maps(&map_list(), &at(140))));
}

#[test]
fn maps_narrow() {
    assert_snapshot!(plain(&text::maps(&map_list(), &at(60))));
}

#[test]
fn the_column_sorted_by_stays() {
    let options = TextOptions { keep: Some(MapColumn::ZeroValues), ..at(60) };
    let out = plain(&text::maps(&map_list(), &options));
    assert!(out.contains("  zero "), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 60), "{out}");
}

#[test]
fn maps_filtered_and_limited() {
    let mut list = map_list();
    list.maps.truncate(3);
    list.matched_maps = 3;
    assert_snapshot!(plain(&text::maps(&list, &TextOptions { width: 100, limit: Some(2), keep: None })));
}

#[test]
fn maps_legacy() {
    let figures = MapFigures {
        entries: 384,
        slots: 704,
        groups: 64,
        holes: 16,
        overflow_buckets: Some(24),
        old_buckets_bytes: Some(9_472),
        evacuated_buckets: Some(13),
        table_bytes: 28_416,
        reclaimable_bytes: 9_472,
        ..MapFigures::default()
    };
    let maps = vec![row(0xc0_0000_e180, "main.ingest.pending", "map[uint64]main.Batch", figures)];
    let list =
        MapList { target: legacy_core(), maps: maps.into(), total_maps: 1, matched_maps: 1, ..MapList::default() };
    assert_snapshot!(plain(&text::maps(&list, &at(120))));
}

#[test]
fn maps_without_a_match() {
    let list = MapList { target: legacy_core(), total_maps: 12, ..MapList::default() };
    assert_snapshot!(plain(&text::maps(&list, &at(80))));
}

#[test]
fn maps_of_libraries_have_a_table_of_their_own() {
    let calls = ContainerRow {
        addr: "0xc000010018".into(),
        owner: "main.calls".into(),
        type_name: "xsync.MapOf[uint64,*main.call]".into(),
        entries: 100_000,
        slots: Some(163_840),
        retained_bytes: 14 * MIB,
        ..ContainerRow::default()
    };
    let pages = ContainerRow {
        addr: "0xc000010040".into(),
        owner: "main.pages".into(),
        type_name: "bigcache.BigCache".into(),
        heuristic: true,
        entries: 100,
        storage_bytes: Some(MIB),
        retained_bytes: 2 * MIB,
        ..ContainerRow::default()
    };
    let containers = vec![calls, pages];
    let out = plain(&text::maps(&MapList { containers: containers.clone(), ..map_list() }, &at(120)));
    let (_, section) = out.split_once("Maps of libraries (2, by retained bytes)").expect("a section");
    let lines: Vec<Vec<&str>> = section.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["owner", "type", "entries", "slots", "storage", "retained", "address"]);
    assert_eq!(lines[2][2..6], ["100,000", "163,840", "–", "14.0"]);
    assert_eq!(lines[3][1..5], ["~bigcache.BigCache", "100", "–", "1.00"]);
    assert!(section.contains("~ inferred"), "{section}");
    // An inspection shows those that would be among its first rows.
    let whole = Inspection { containers, ..inspection() };
    let out = |limit| plain(&text::inspect(&whole, &TextOptions { limit: Some(limit), ..at(120) }));
    assert!(out(100).contains("main.pages"));
    // Of one row, the largest Go map has it.
    let largest = row(0xc0_0000_e180, "main.all", "map[int]int", MapFigures::default());
    let maps = vec![mapscope_report::model::MapRow { retained_bytes: Some(100 * MIB), ..largest }].into();
    let crowded = Inspection { maps, ..whole.clone() };
    let narrow = TextOptions { limit: Some(1), ..at(120) };
    assert!(!plain(&text::inspect(&crowded, &narrow)).contains("Maps of libraries"));
    assert!(!plain(&text::inspect(&inspection(), &at(120))).contains("Maps of libraries"));
}

#[test]
fn map_in_every_state() {
    assert_snapshot!(plain(&text::map(&swiss_detail(512), &at(80))));
}

#[test]
fn map_larger_than_its_picture() {
    assert_snapshot!(plain(&text::map(&swiss_detail(65_536), &at(140))));
}

#[test]
fn map_legacy_with_overflow() {
    assert_snapshot!(plain(&text::map(&legacy_detail(), &at(100))));
}

#[test]
fn a_picture_says_what_it_leaves_out() {
    let mut growing = legacy_detail();
    let pictured = growing.occupancy.iter().map(|group| u64::from(group.entries)).sum::<u64>();
    let mut left = |entries| {
        growing.map.figures.as_mut().expect("it has figures").entries = entries;
        plain(&text::map(&growing, &at(80))).lines().find(|line| line.contains("old buckets,")).map(str::to_owned)
    };
    assert_eq!(left(pictured), None);
    let said = left(pictured + 1200).expect("it is said");
    assert_eq!(said, "  1,200 entries are still in the old buckets, which are not shown");
}

#[test]
fn map_torn_and_narrow() {
    assert_snapshot!(plain(&text::map(&torn_detail(), &at(60))));
}

#[test]
fn goroutines_whole() {
    assert_snapshot!(plain(&text::goroutines(&goroutine_list(), &at(100))));
}

#[test]
fn goroutines_narrow_of_a_core_and_limited() {
    let mut list = goroutine_list();
    list.target = legacy_core();
    list.times_are_bounds = true;
    (list.leaked_goroutines, list.leaked_bytes) = (None, None);
    list.leaks_unknown = Some("the reading is partial: the core is truncated".into());
    list.groups.remove(0);
    list.matched_groups = 3;
    assert_snapshot!(plain(&text::goroutines(&list, &TextOptions { width: 60, limit: Some(1), keep: None })));
}

#[test]
fn types_whole() {
    assert_snapshot!(plain(&text::types(&type_list(), &at(100), None)));
}

#[test]
fn types_narrow_filtered() {
    let mut list = type_list();
    list.types.retain(|row| row.type_name.contains("main") || row.type_name.contains("model"));
    list.matched_types = list.types.len() as u64;
    assert_snapshot!(plain(&text::types(&list, &at(60), Some(1))));
}

#[test]
fn types_empty() {
    assert_snapshot!(plain(&text::types(&TypeList { target: legacy_core(), ..TypeList::default() }, &at(80), None)));
}

#[test]
fn diff_of_two() {
    assert_snapshot!(plain(&text::diff(&diff(&two_inspections()), &at(100), false)));
}

#[test]
fn diff_narrow_limited_and_with_what_is_steady() {
    let options = TextOptions { limit: Some(2), ..at(60) };
    assert_snapshot!(plain(&text::diff(&diff(&two_inspections()), &options, true)));
}

#[test]
fn diff_over_time() {
    assert_snapshot!(plain(&text::diff(&diff(&four_inspections()), &at(140), false)));
}

#[test]
fn diff_of_what_can_hardly_be_compared() {
    assert_snapshot!(plain(&text::diff(&diff(&unlike_inspections()), &at(80), false)));
}

#[test]
fn diff_for_a_pull_request() {
    assert_snapshot!(markdown(&diff(&two_inspections()), Some(10), false));
}

#[test]
fn diff_for_a_pull_request_of_what_can_hardly_be_compared() {
    assert_snapshot!(markdown(&diff(&unlike_inspections()), Some(3), false));
}

#[test]
fn path_from_each_kind_of_root() {
    assert_snapshot!(plain(&text::path(&path_of_object(), &at(100))));
}

#[test]
fn path_of_garbage_and_of_what_only_excluded_roots_hold() {
    let mut report = path_of_object();
    report.paths.clear();
    report.excluded = vec!["stack".into(), "finalizer".into()];
    let held = plain(&text::path(&report, &at(80)));
    assert!(held.contains("nothing holds it but goroutines, finalizers"), "{held}");
    let subject = report.object.as_mut().expect("it has one");
    (subject.live, subject.garbage_referrers) = (false, Some(12));
    subject.referrers = vec![subject.object.clone()];
    assert_snapshot!(plain(&text::path(&report, &at(80))));
}

#[test]
fn paths_of_a_type_put_together() {
    assert_snapshot!(plain(&text::path(&paths_of_type(), &at(80))));
    let limited = plain(&text::path(&paths_of_type(), &TextOptions { limit: Some(1), ..at(80) }));
    assert!(limited.contains("… 2 more; --limit 0 shows all"), "{limited}");
}

#[test]
fn cycles_with_and_without_maps() {
    assert_snapshot!(plain(&text::cycles(&cycle_list(), &at(80))));
    let none = CycleList { target: legacy_core(), ..CycleList::default() };
    assert!(plain(&text::cycles(&none, &at(80))).contains("no cycles with a map in them"));
}

#[test]
fn maps_of_80_columns_have_their_addresses() {
    let out = plain(&text::maps(&map_list(), &at(80)));
    assert!(map_list().maps.iter().all(|m| out.contains(&m.addr())), "{out}");
}

#[test]
fn colour_only_repeats_what_shapes_say() {
    let coloured = text::map(&swiss_detail(512), &at(80));
    assert!(coloured.contains("\u{1b}["));
    assert_eq!(coloured.matches("\u{1b}[0m").count() * 2, coloured.matches("\u{1b}[").count());
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 72, 80, 100, 140] {
        let views = [
            text::inspect(&inspection(), &at(width)),
            text::maps(&map_list(), &at(width)),
            text::path(&path_of_object(), &at(width)),
            text::path(&paths_of_type(), &at(width)),
            text::cycles(&cycle_list(), &at(width)),
            text::types(&type_list(), &at(width), None),
            text::goroutines(&goroutine_list(), &at(width)),
            text::map(&swiss_detail(4096), &at(width)),
            text::map(&legacy_detail(), &at(width)),
            text::map(&torn_detail(), &at(width)),
            text::diff(&diff(&two_inspections()), &at(width), true),
            text::diff(&diff(&unlike_inspections()), &at(width), true),
        ];
        for line in views.iter().flat_map(|view| view.lines()) {
            let line = plain(line);
            assert!(line.chars().count() <= width, "{width} columns: {line}");
            assert!(!line.ends_with(' '), "trailing space: {line:?}");
        }
    }
}

#[test]
fn names_from_the_target_cannot_steer_the_terminal() {
    let mut list = map_list();
    list.target.exe = "./a\u{1b}]0;owned\u{7}".into();
    list.maps.edit(|maps| maps[0].owner = "main.x\u{1b}[2J\n".into());
    let out = plain(&text::maps(&list, &at(140)));
    assert!(out.contains("main.x\\u{1b}[2J\\n") && out.contains("./a\\u{1b}]0;owned\\u{7}"), "{out}");
}
