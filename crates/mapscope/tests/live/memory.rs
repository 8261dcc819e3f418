//! What mapscope itself takes for maps by the hundred thousand, against as many objects that are no maps.

use std::fs;
use std::process::Stdio;

use crate::Target;
use crate::common::{mapscope, scratch};

const MAPS: u64 = 400_000;
/// Bytes for each map at most, beyond what the same graph takes without maps.
const BUDGET: u64 = 60;
/// Pages of the target that are remembered, of which reading maps may fill 16 MiB, and what varies from one run to the next.
const SLACK: u64 = 20 << 20;

/// The most memory that a run had resident at once.
fn peak(args: &[&str]) -> u64 {
    let mut child = mapscope(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("mapscope runs");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    // The kernel keeps the maximum; it is gone with the address space.
    while child.try_wait().expect("it can be waited for").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0) << 10);
        std::thread::yield_now();
    }
    assert_eq!(child.wait().expect("it has ended").code(), Some(0), "{args:?}");
    assert!(most > 0, "{args:?}");
    most
}

#[test]
fn maps_cost_what_they_are() {
    // The last with legacy maps and the newest, which has Swiss maps.
    for toolchain in ["1.23.", "1.27."] {
        let count = MAPS.to_string();
        let maps = Target::start_with(toolchain, "default", "manymaps", &[&count]);
        let plain = Target::start_with(toolchain, "default", "manymaps", &[&count, "plain"]);
        let dir = scratch(&format!("memory-{toolchain}"));
        let page = dir.join("page.html").to_string_lossy().into_owned();
        let both = |args: &[&str]| {
            let of = |target: &Target| {
                let pid = target.pid();
                peak(&args.iter().map(|arg| if *arg == "PID" { &pid } else { *arg }).collect::<Vec<_>>())
            };
            (of(&maps), of(&plain))
        };
        for args in [
            &["inspect", "PID"] as &[&str],
            &["inspect", "PID", "--format", "json"],
            &["inspect", "PID", "--format", "html", "-o", &page],
            &["maps", "PID", "--sort", "owner"],
            &["maps", "PID", "--format", "json"],
            &["gate", "PID", "--max", "map:main.rooms*:entries=9", "--allow-unmatched"],
        ] {
            let (peak, graph) = both(args);
            let budget = graph + MAPS * BUDGET + SLACK;
            assert!(peak <= budget, "{toolchain} {args:?}: {peak} bytes at most, {budget} are the budget");
        }
        // What shows no maps pays for none.
        for command in ["goroutines", "dominators", "types"] {
            let (peak, graph) = both(&[command, "PID"]);
            assert!(peak <= graph + SLACK, "{toolchain} {command}: {peak} bytes at most, {graph} without maps");
        }
    }
}
