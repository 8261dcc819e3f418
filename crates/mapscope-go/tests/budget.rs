//! Measures what each map of a program with many costs the reader: takes a running program of the testbed, counts the
//! bytes of our own by the allocator, in a process of its own, and fails when they are above the budget.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]
#![allow(dead_code, reason = "each test program uses a part of what they share")]

#[path = "it/matrix.rs"]
mod matrix;
#[path = "it/target.rs"]
mod target;

use mapscope_go::{Executable, GoError, Session, Silent, with_session, with_session_without_maps};
use mapscope_memory::{Pause, PauseOptions, Process};
use peak_alloc::PeakAlloc;

use crate::matrix::Program;
use crate::target::Running;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MAPS: usize = 200_000;
/// Bytes that stay of a map: address, place, audit, retained bytes and order.
const KEPT: usize = 32;
/// Bytes of a map at most at any moment, above what the same reading without maps takes at most.
const PEAK: usize = 60;

/// Bytes that are in use in a session, and that were at most until then.
fn used(session: impl FnOnce(&mut usize) -> Result<usize, GoError>, maps: usize) -> (usize, usize) {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let mut kept = 0;
    assert_eq!(session(&mut kept).unwrap(), maps);
    (kept - before, HEAP.peak_usage() - before)
}

/// What a map of a program adds to these two.
fn added(program: &Program) -> (usize, usize) {
    let target = Running::start_with(program, &[&MAPS.to_string()]);
    // What was copied can be borrowed: no pages are remembered, which are not what maps cost.
    let options = PauseOptions { pause: Pause::Copy, ..PauseOptions::default() };
    let process = Process::open(target.child.id(), &options).unwrap();
    let executable = process.executable().unwrap();
    let executable = || Executable::new(&executable);
    let looked = |session: &Session<'_>, kept: &mut usize| {
        *kept = HEAP.current_usage();
        session.maps.iter().filter(|m| m.owner() == "main.rooms[].Tags").count()
    };
    let without = used(|k| with_session_without_maps(&process, executable(), &Silent, |s| looked(s, k)), 0);
    let with = used(|k| with_session(&process, executable(), &Silent, |s| looked(s, k)), MAPS);
    (with.0.saturating_sub(without.0) / MAPS, with.1.saturating_sub(without.1) / MAPS)
}

#[test]
fn a_map_costs_what_it_is() {
    let programs: Vec<_> = matrix::programs().into_iter().filter(|p| p.program == "manymaps").collect();
    assert!(!programs.is_empty());
    // The last with legacy maps and the newest, which has Swiss maps.
    for program in programs.iter().filter(|p| ["1.23.", "1.27."].iter().any(|t| p.toolchain.starts_with(t))) {
        let (kept, peak) = added(program);
        println!("{program}: {kept} bytes of a map are kept, {peak} at most");
        // Less than its address and its place in the order would mean that maps were not counted.
        assert!((12..=KEPT).contains(&kept), "{program}: {kept} bytes of a map are kept, not {KEPT}");
        assert!(peak <= PEAK, "{program}: a map takes {peak} bytes for a while, not {PEAK}");
    }
}
