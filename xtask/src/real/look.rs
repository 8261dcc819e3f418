//! One look at a target with mapscope: what it says, what it cost, and whether the goroutines that it calls leaked run later.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::build;
use super::target::Target;
use crate::bench::measure::{Sample, measure, memory};

/// Between the two looks at goroutines: one that is leaked does nothing meanwhile, and all others have work.
const BETWEEN: Duration = Duration::from_secs(5);

/// What was found, in bytes where nothing else is said.
pub(super) struct Look {
    pub(super) binary: u64,
    /// Of the target, before it was looked at.
    pub(super) resident: u64,
    pub(super) cost: Sample,
    pub(super) paused_ms: f64,
    pub(super) objects: u64,
    pub(super) live: u64,
    /// Live bytes whose type is not known.
    pub(super) untyped: u64,
    /// Name and bytes of the first holder.
    pub(super) holder: (String, u64),
    pub(super) maps: Vec<Map>,
    pub(super) findings: Vec<Finding>,
    pub(super) partial: Vec<String>,
    pub(super) goroutines: u64,
    pub(super) leaked: u64,
    /// Stacks of goroutines that were called leaked and did something later.
    pub(super) ran: Vec<String>,
    /// The target still ran in the end.
    pub(super) survived: bool,
}

pub(super) struct Map {
    pub(super) owner: String,
    pub(super) entries: u64,
}

pub(super) struct Finding {
    pub(super) rule: String,
    pub(super) severity: String,
    pub(super) subject: String,
    pub(super) reclaimable: u64,
    /// Summary and advice.
    pub(super) text: String,
}

impl Look {
    pub(super) fn untyped_share(&self) -> f64 {
        self.untyped as f64 / self.live.max(1) as f64
    }

    pub(super) fn holder_share(&self) -> f64 {
        self.holder.1 as f64 / self.live.max(1) as f64
    }

    /// Findings that are urgent.
    pub(super) fn urgent(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity != "low")
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "{:.1} s, {:.0} MB; {} objects, {:.1} MiB live, {:.1}% without a type; first {} {:.0}%; {} maps, {} urgent \
             findings, {} of {} goroutines leaked",
            self.cost.wall,
            self.cost.peak as f64 / 1e6,
            self.objects,
            self.live as f64 / f64::from(1 << 20),
            self.untyped_share() * 100.0,
            self.holder.0,
            self.holder_share() * 100.0,
            self.maps.len(),
            self.urgent().count(),
            self.leaked,
            self.goroutines,
        )
    }
}

/// Looks at a target: its goroutines, all of it, and its goroutines again.
pub(super) fn at(mapscope: &Path, target: &mut Target, binary: &Path) -> Result<Look> {
    let resident = memory(target.pid, "VmRSS")?;
    let (before, _) = document(mapscope, "goroutines", target.pid)?;
    let (said, cost) = document(mapscope, "inspect", target.pid)?;
    let leaked = rows(&before, "groups").filter(|group| group["leaked"] == true).count();
    let ran = if leaked > 0 {
        thread::sleep(BETWEEN);
        ran_later(&before, &document(mapscope, "goroutines", target.pid)?.0)
    } else {
        Vec::new()
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let first = &said["holders"][0];
    Ok(Look {
        binary: fs::metadata(binary)?.len(),
        resident,
        cost,
        paused_ms: said["target"]["paused_ms"].as_f64().unwrap_or_default(),
        objects: number(&said["heap"]["live_objects"]),
        live: said["heap"]["live_bytes"].as_u64().context("mapscope gives no live bytes")?,
        untyped: rows(&said, "types")
            .filter(|row| row["type"] == "(unknown)")
            .map(|row| number(&row["shallow_bytes"]))
            .sum(),
        holder: (text(&first["name"]), number(&first["retained_bytes"])),
        maps: rows(&said, "maps")
            .map(|row| Map { owner: text(&row["owner"]), entries: number(&row["entries"]) })
            .collect(),
        findings: rows(&said, "findings").map(finding).collect(),
        partial: rows(&said, "partial")
            .chain(rows(&before, "partial"))
            .map(text)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        goroutines: number(&before["total_goroutines"]),
        leaked: number(&before["leaked_goroutines"]),
        ran,
        survived: target.runs(),
    })
}

fn finding(row: &Value) -> Finding {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    Finding {
        rule: text("rule"),
        severity: text("severity"),
        subject: text("subject"),
        reclaimable: row["reclaimable_bytes"].as_u64().unwrap_or_default(),
        text: [text("summary"), text("advice")].join(" "),
    }
}

fn rows<'v>(document: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    document[name].as_array().into_iter().flatten()
}

/// Runs a command of mapscope, which must succeed.
fn document(mapscope: &Path, verb: &str, pid: u32) -> Result<(Value, Sample)> {
    let out = build::directory()?.join("look.json");
    let mut command = Command::new(mapscope);
    command.args([verb, &pid.to_string(), "--format", "json", "--quiet", "-o"]).arg(&out);
    let cost = measure(&command, false)?;
    let said: Value = serde_json::from_slice(&fs::read(&out)?)?;
    if said["target"].is_null() {
        bail!("mapscope {verb} says nothing of a target");
    }
    fs::remove_file(&out)?;
    Ok((said, cost))
}

/// Goroutines that the first look calls leaked, and that are gone in the second, or elsewhere: their stacks in the first.
fn ran_later(first: &Value, second: &Value) -> Vec<String> {
    let (first, second) = (by_id(first), by_id(second));
    let leaked = first.iter().filter(|(_, seen)| seen.leaked);
    let ran = leaked.filter(|(id, was)| second.get(*id).is_none_or(|is| is.place != was.place));
    let mut places: Vec<String> = ran.map(|(_, was)| was.place.clone()).collect();
    places.sort();
    places.dedup();
    places
}

struct Seen {
    leaked: bool,
    /// State and stack.
    place: String,
}

fn by_id(document: &Value) -> HashMap<u64, Seen> {
    let mut seen = HashMap::new();
    for group in rows(document, "groups") {
        let frames = rows(group, "stack").filter_map(|frame| frame["function"].as_str());
        let place = [group["state"].as_str().unwrap_or_default()].into_iter().chain(frames).collect::<Vec<_>>();
        for id in rows(group, "ids").filter_map(Value::as_u64) {
            seen.insert(id, Seen { leaked: group["leaked"] == true, place: place.join(" < ") });
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ran_later;

    fn groups(leaked: bool, function: &str, ids: &[u64]) -> serde_json::Value {
        json!({ "groups": [{
            "leaked": leaked, "state": "select", "ids": ids, "stack": [{ "function": function }],
        }] })
    }

    #[test]
    fn only_what_was_called_leaked_and_moved_counts() {
        let first = groups(true, "main.a", &[1, 2]);
        assert!(ran_later(&first, &groups(true, "main.a", &[1, 2])).is_empty());
        assert!(ran_later(&first, &groups(false, "main.a", &[1, 2])).is_empty(), "it stands where it stood");
        assert_eq!(ran_later(&first, &groups(true, "main.b", &[1, 2])), ["select < main.a"]);
        assert_eq!(ran_later(&first, &groups(true, "main.a", &[1])), ["select < main.a"], "the other is gone");
        assert!(ran_later(&groups(false, "main.a", &[1]), &groups(false, "main.b", &[1])).is_empty());
    }
}
