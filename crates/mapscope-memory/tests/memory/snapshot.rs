//! Snapshots of processes: what they hold, and that nothing is left of them.

use std::fs;

use mapscope_memory::{Memory, Pause, PauseOptions, Process};

use super::{Cat, compare_live, status};

fn open(pid: u32, pause: Pause) -> Process {
    Process::open(pid, &PauseOptions { pause, ..PauseOptions::default() }).unwrap()
}

/// Child processes of `pid`, dead or alive.
fn children(pid: u32) -> String {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks.map(|t| fs::read_to_string(t.unwrap().path().join("children")).unwrap()).collect()
}

#[test]
fn a_forked_process_runs_on_and_nothing_is_left() {
    let mut cat = Cat::start();
    let pid = cat.pid();
    for round in 0..20 {
        let process = open(pid, Pause::Fork);
        assert_eq!(process.pause(), Pause::Fork, "{:?}", process.why_not_forked());
        assert_eq!(status(pid, "TracerPid"), "0");
        let stack = process.threads()[0].registers.sp;
        let before = process.u64(stack).unwrap();
        cat.echoes(&format!("while it is read {round}"));
        assert_eq!(process.u64(stack).unwrap(), before);
        assert_eq!(process.info().pid, pid);
        drop(process);
        assert_eq!(children(pid), "");
        cat.echoes("afterwards");
    }
}

#[test]
fn every_way_reads_the_same() {
    let cat = Cat::start();
    let live = Process::attach(cat.pid()).unwrap();
    let resident = live.residency().unwrap();
    drop(live);
    for pause in [Pause::Fork, Pause::Copy, Pause::None] {
        let process = open(cat.pid(), pause);
        assert_eq!(process.pause(), pause);
        assert_eq!(process.residency().unwrap().bytes(), resident.bytes(), "{pause:?}");
        let live = Process::attach(cat.pid()).unwrap();
        compare_live(&process, &live);
    }
}
