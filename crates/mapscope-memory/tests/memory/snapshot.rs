//! Snapshots of processes: what they hold, and that nothing is left of them.

use std::fs;

use mapscope_memory::{Memory, Pause, PauseOptions, Process};

use super::{Cat, Debugger, compare_live, status};

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
    let resident = |process: &Process| process.residency().unwrap().runs;
    // Before anything is compared: reading a live process makes pages resident, and so does the first fork.
    drop(open(cat.pid(), Pause::Fork));
    let live = resident(&Process::attach(cat.pid()).unwrap());
    for pause in [Pause::Fork, Pause::Copy, Pause::None] {
        assert_eq!(resident(&open(cat.pid(), pause)), live, "{pause:?}");
    }
    for pause in [Pause::Fork, Pause::Copy, Pause::None] {
        let process = open(cat.pid(), pause);
        assert_eq!(process.pause(), pause);
        let live = Process::attach(cat.pid()).unwrap();
        compare_live(&process, &live);
        let registers = |p: &Process| p.threads().iter().map(|t| (t.tid, t.registers.clone())).collect::<Vec<_>>();
        assert!(pause == Pause::None || registers(&process) == registers(&live));
    }
}

#[test]
fn a_stopped_process_stays_stopped_when_it_is_forked() {
    let mut cat = Cat::start();
    let pid = nix::unistd::Pid::from_raw(cat.pid() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    nix::sys::wait::waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WUNTRACED)).unwrap();
    let process = open(cat.pid(), Pause::Fork);
    assert_eq!(process.pause(), Pause::Fork, "{:?}", process.why_not_forked());
    drop(process);
    assert!(status(cat.pid(), "State").starts_with('T'));
    assert_eq!(children(cat.pid()), "");
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    cat.echoes("continued");
}

#[test]
fn a_snapshot_outlives_its_process() {
    let cat = Cat::start();
    let process = open(cat.pid(), Pause::Fork);
    let stack = process.threads()[0].registers.sp;
    let before = process.u64(stack).unwrap();
    drop(cat);
    assert_eq!(process.u64(stack).unwrap(), before);
}

#[test]
fn a_debugger_that_is_there_first_keeps_the_process() {
    let cat = Cat::start();
    let held = Debugger::seize(cat.pid());
    let options = PauseOptions::default();
    let twice = Process::open(cat.pid(), &options).err().unwrap().to_string();
    assert!(twice.contains(&format!("already traced by process {}", std::process::id())), "{twice}");
    drop(held);
}

#[test]
fn those_who_come_at_once_wait_for_their_turn() {
    let cat = Cat::start();
    let pid = cat.pid();
    let ways =
        [Pause::Fork, Pause::Copy, Pause::Whole, Pause::Fork, Pause::Fork, Pause::Whole, Pause::Copy, Pause::Fork];
    let read = move |pause: Pause| {
        let process = open(pid, pause);
        process.u64(process.threads()[0].registers.sp).is_ok()
    };
    let readers = ways.map(|pause| std::thread::spawn(move || read(pause)));
    for reader in readers {
        assert!(reader.join().unwrap());
    }
    assert_eq!(status(pid, "TracerPid"), "0");
}
