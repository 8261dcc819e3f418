//! Commands that are held at a signal, and what becomes of them.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mapscope_memory::{Caught, Held, Memory, Pause, PauseOptions, Process, Watch, let_be_examined};
use nix::libc::SIGUSR1;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Cat, status};

fn shell(script: &str) -> (Watch, Child) {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    Watch::start(command, SIGUSR1).unwrap()
}

fn held(watch: Watch) -> Held {
    match watch.wait(None).unwrap() {
        Caught::Held(held) => held,
        Caught::Ended => panic!("it ended before the signal came"),
        Caught::TimedOut(_) => panic!("no time was given"),
    }
}

/// The state of a process that was just let go: a thread that returns to its stop runs in the kernel for a moment.
fn state_at_rest(pid: u32) -> String {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let state = status(pid, "State");
        if state != "R (running)" || Instant::now() > deadline {
            return state;
        }
        std::thread::yield_now();
    }
}

/// What it wrote, and how it ended.
fn rest(mut child: Child) -> (String, ExitStatus) {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (text, child.wait().unwrap())
}

#[test]
fn a_command_is_held_at_the_signal_which_it_never_gets() {
    // Without a handler the signal would be its end.
    let (watch, child) = shell("echo before; kill -USR1 $$; echo after; exit 5");
    let held = held(watch);
    assert_eq!(held.pid(), child.id());
    assert_eq!(status(held.pid(), "State"), "T (stopped)");
    assert_eq!(status(held.pid(), "TracerPid"), "0");
    let options = PauseOptions { pause: Pause::Fork, ..PauseOptions::default() };
    let process = Process::open(held.pid(), &options).unwrap();
    assert_eq!((process.info().pid, process.pause()), (child.id(), Pause::Fork));
    drop(process);
    assert_eq!(state_at_rest(held.pid()), "T (stopped)");
    drop(held);
    let (text, end) = rest(child);
    assert_eq!((text.as_str(), end.code()), ("before\nafter\n", Some(5)));
}

#[test]
fn the_process_that_gets_the_signal_is_held_whoever_started_it() {
    // A child of a child, which is another program; the parent goes on waiting for it.
    let (watch, child) = shell("env sh -c 'kill -USR1 $$; echo inner $$; exit 3'; echo outer $?");
    let held = held(watch);
    let pid = held.pid();
    assert_ne!(pid, child.id());
    assert_eq!(status(pid, "State"), "T (stopped)");
    assert_eq!(status(child.id(), "TracerPid"), "0");
    drop(held);
    let (text, end) = rest(child);
    assert_eq!(text, format!("inner {pid}\nouter 3\n"));
    assert!(end.success());
}

#[test]
fn other_signals_are_delivered() {
    let (watch, child) = shell("trap 'echo got' USR2; kill -USR2 $$; kill -USR1 $$; kill -TERM $$");
    drop(held(watch));
    let (text, end) = rest(child);
    assert_eq!((text.as_str(), end.signal()), ("got\n", Some(15)));
}

#[test]
fn who_is_stopped_by_others_meanwhile_waits_for_them() {
    let (watch, child) = shell("kill -STOP $$; echo on; kill -USR1 $$");
    // Its only stop: it is about to get the signal that stops it, or has got it. Either way this brings it back.
    while !status(child.id(), "State").starts_with('t') {
        std::thread::yield_now();
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGCONT).unwrap();
    drop(held(watch));
    assert_eq!(rest(child).0, "on\n");
}

#[test]
fn a_command_may_end_before() {
    let (watch, mut child) = shell("exit 4");
    assert!(matches!(watch.wait(None).unwrap(), Caught::Ended));
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn who_waits_may_give_up() {
    let (watch, mut child) = shell("exec cat");
    let Caught::TimedOut(watch) = watch.wait(Some(std::time::Duration::from_millis(1))).unwrap() else {
        panic!("nothing happens")
    };
    child.kill().unwrap();
    assert!(matches!(watch.wait(None).unwrap(), Caught::Ended));
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_command_that_does_not_exist_is_an_error() {
    let error = Watch::start(Command::new("./no/such/command"), SIGUSR1).err().unwrap().to_string();
    assert_eq!(error, "./no/such/command cannot be started: No such file or directory (os error 2)");
}

#[test]
fn a_process_is_stopped_until_it_is_let_go() {
    let mut cat = Cat::start();
    let held = Held::stop(cat.pid()).unwrap();
    assert_eq!(status(cat.pid(), "State"), "T (stopped)");
    drop(held);
    cat.echoes("on");
    let mut command = Command::new("true");
    let_be_examined(&mut command);
    let mut child = command.spawn().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(Held::stop(child.id()).is_err());
}
