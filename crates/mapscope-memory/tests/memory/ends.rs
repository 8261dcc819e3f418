//! Processes that become another program, or are killed, while they are being stopped.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use mapscope_memory::{MemoryError, Pause, PauseOptions, Process};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::status;

/// Twenty threads that wait; at the first byte, one that is not the first becomes `cat`.
const BECOMES_CAT: &str = "
import os, threading, time
for _ in range(20):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
os.write(1, b'R')
os.read(0, 1)
another = threading.Thread(target=os.execvp, args=('cat', ['cat']))
another.start()
another.join()
";
/// How long anything may take; what fails here took a minute, or for ever.
const PATIENCE: Duration = Duration::from_secs(15);
const WAYS: [Pause; 3] = [Pause::Fork, Pause::Whole, Pause::Copy];
const ROUNDS: usize = 36;

fn start() -> Child {
    let mut command = Command::new("python3");
    let mut child = command.args(["-c", BECOMES_CAT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(answer(&mut child), b'R');
    child
}

/// A byte from it, which comes only if it runs.
fn answer(child: &mut Child) -> u8 {
    let output = child.stdout.as_mut().unwrap();
    let mut waiting = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(PATIENCE).unwrap();
    assert_eq!(poll(&mut waiting, timeout).unwrap(), 1, "it does not run");
    let mut byte = [0];
    output.read_exact(&mut byte).unwrap();
    byte[0]
}

/// Opens `pid` in one of the ways while `act` is done at about the same time: the later, the larger `round`.
fn meanwhile(pid: u32, round: usize, act: impl FnOnce() + Send) -> Result<(), MemoryError> {
    let together = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            together.wait();
            // What it takes to stop a process: less than a millisecond, with some time for a keeper to start.
            let since = Instant::now();
            while since.elapsed() < Duration::from_micros(120) * (round / WAYS.len()) as u32 {
                std::thread::yield_now();
            }
            act();
        });
        together.wait();
        let options = PauseOptions { pause: WAYS[round % WAYS.len()], ..PauseOptions::default() };
        Process::open(pid, &options).map(drop)
    })
}

#[test]
fn a_process_that_becomes_another_program_is_let_go() {
    let mut opened = 0;
    for round in 0..ROUNDS {
        let mut child = start();
        let pid = child.id();
        let mut input = child.stdin.take().unwrap();
        let result = meanwhile(pid, round, || input.write_all(b"x").unwrap());
        match result {
            Ok(()) => opened += 1,
            Err(MemoryError::Execed { .. }) => {}
            Err(other) => panic!("round {round}: {other}"),
        }
        input.write_all(b"?").unwrap();
        assert_eq!(answer(&mut child), b'?');
        assert_eq!(status(pid, "TracerPid"), "0");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(opened > 0);
}

#[test]
fn a_process_that_is_killed_can_be_collected_at_once() {
    for round in 0..ROUNDS {
        let mut child = start();
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        let result = meanwhile(child.id(), round, || {
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
            let deadline = Instant::now() + PATIENCE;
            while child.try_wait().unwrap().is_none() {
                assert!(Instant::now() < deadline, "round {round}: nobody collected its threads");
                std::thread::yield_now();
            }
        });
        let gone = |e: &MemoryError| {
            matches!(e, MemoryError::Exited { .. } | MemoryError::NoSuchProcess { .. } | MemoryError::Zombie { .. })
        };
        assert!(result.as_ref().err().is_none_or(gone), "round {round}: {result:?}");
    }
}
