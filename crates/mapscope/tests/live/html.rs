//! `inspect --format html`: the figures in the file are those of the process.

use serde_json::Value;

use super::Target;
use super::common::{differences, document, failure, leaks, page, scratch, success};

/// A report of a process, and what is in it.
fn report(target: &Target, name: &str) -> (String, Value, Value) {
    let path = scratch(name).join("report.html");
    let out = success(&["inspect", &target.pid(), "--format", "html", "-o", path.to_str().expect("the path is UTF-8")]);
    assert!(out.is_empty(), "{out}");
    let file = std::fs::read_to_string(&path).expect("the report");
    let (summary, tables) = page(&file);
    (file, summary, tables)
}

#[test]
fn a_report_has_every_figure_of_every_map() {
    for (toolchain, kind) in [("1.21.", "legacy"), ("1.27.", "swiss")] {
        let target = Target::start(toolchain, "default", "maps");
        let (_, summary, tables) = report(&target, &format!("html-{kind}"));
        let wrong = differences(&target.truth, &tables);
        assert!(wrong.is_empty(), "{toolchain}: {}", wrong.join("\n"));
        assert_eq!((&summary["schema"], &tables["schema"]), (&"mapscope.report/1".into(), &"mapscope.report/1".into()));
        assert_eq!((&summary["target"]["kind"], &summary["target"]["map_impl"]), (&"process".into(), &kind.into()));
        assert!(summary["taken_at"].as_u64().is_some_and(|seconds| seconds > 1_700_000_000));
        let inspected = document(&["inspect", &target.pid(), "--format", "json"]);
        assert_eq!(summary["findings"], inspected["findings"]);
        target.ends_well();
    }
}

#[test]
fn the_tree_adds_up_to_the_live_bytes_and_to_each_holder() {
    let target = Target::start("1.27.", "default", "retained");
    let (_, summary, tables) = report(&target, "html-tree");
    let column = |name: &str| -> Vec<u64> {
        tables["tree"][name].as_array().expect("a column").iter().filter_map(Value::as_u64).collect()
    };
    let (depth, name, shallow) = (column("depth"), column("name"), column("shallow"));
    assert_eq!(Some(shallow.iter().sum()), summary["heap"]["live_bytes"].as_u64());
    assert!(depth.windows(2).all(|pair| pair[1] >= 1 && pair[1] <= pair[0] + 1), "the nodes are in preorder");
    // What each node of the first level retains: itself and all nodes to the next of that level.
    let first: Vec<usize> = (0..depth.len()).filter(|node| depth[*node] == 1).collect();
    let ends = first.iter().skip(1).copied().chain([depth.len()]);
    let mut retained: Vec<(String, u64)> = first
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let name = tables["strings"][name[start] as usize].as_str().expect("a name").to_owned();
            (name, shallow[start..end].iter().sum())
        })
        .collect();
    retained.sort();
    let holders = summary["holders"].as_array().expect("holders").iter();
    let mut said: Vec<(String, u64)> = holders
        .map(|row| (row["name"].as_str().unwrap_or_default().to_owned(), row["retained_bytes"].as_u64().unwrap_or(0)))
        .collect();
    said.sort();
    assert_eq!(retained, said);
    target.ends_well();
}

#[test]
fn pictures_have_all_groups_and_no_user_data_is_in_the_file() {
    let target = Target::start("1.27.", "default", "sessions");
    let (file, _, tables) = report(&target, "html-sessions");
    assert_eq!(leaks(&file), Vec::<&str>::new());
    assert_eq!(leaks(&tables.to_string()), Vec::<&str>::new());
    let maps = tables["maps"].as_array().expect("maps");
    let pictures = tables["occupancy"].as_array().expect("pictures");
    assert!(pictures.len() > 3 && pictures.len() <= 64, "{}", pictures.len());
    for picture in pictures {
        let map = maps.iter().find(|map| map["addr"] == picture["addr"]).expect("every picture is of a map");
        let counts: Vec<u64> =
            picture["entries_per_group"].as_array().expect("counts").iter().filter_map(Value::as_u64).collect();
        let entries: u64 = counts.iter().enumerate().map(|(entries, groups)| entries as u64 * groups).sum();
        assert_eq!((Some(entries), &map["groups"]), (map["entries"].as_u64(), &picture["groups"]), "{map}");
        assert_eq!(map["holes"].as_u64(), counts.first().copied(), "{map}");
    }
    target.ends_well();
}

#[test]
fn what_changed_is_shown_next_to_an_earlier_inspection() {
    let directory = scratch("html-before");
    let path = |name: &str| directory.join(name).to_str().expect("the path is UTF-8").to_owned();
    let (before, report) = (path("before.json"), path("report.html"));
    let target = Target::start("1.27.", "default", "maps");
    success(&["inspect", &target.pid(), "--format", "json", "-o", &before]);
    // A map that was smaller then, and one that was not there.
    let text = std::fs::read_to_string(&before).expect("the inspection");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    let first = document["maps"][0].clone();
    document["maps"][0]["table_bytes"] = 1.into();
    document["maps"][0]["retained_bytes"] = 1.into();
    let second = document["maps"].as_array_mut().expect("maps").remove(1);
    std::fs::write(&before, document.to_string()).expect("the earlier inspection");

    success(&["inspect", &target.pid(), "--format", "html", "--before", &before, "-o", &report]);
    let (summary, _) = page(&std::fs::read_to_string(&report).expect("the report"));
    let rows = summary["diff"]["rows"].as_array().expect("changes");
    let row =
        |map: &Value| rows.iter().find(|row| row["kind"] == "map" && row["name"] == map["owner"]).expect("the map");
    assert_eq!((&row(&first)["before_bytes"], &row(&first)["after_bytes"]), (&1.into(), &first["retained_bytes"]));
    assert_eq!((&row(&second)["before_bytes"], &row(&second)["after_count"]), (&0.into(), &second["entries"]));
    assert_eq!(rows.iter().filter(|row| row["kind"] == "map").count(), 2, "{rows:?}");

    let message = failure(&["inspect", &target.pid(), "--format", "html", "--before", &report, "-o", &path("x.html")]);
    assert!(message.contains("report.html: is not what `mapscope inspect --format json -o FILE` writes"), "{message}");
    target.ends_well();
}
