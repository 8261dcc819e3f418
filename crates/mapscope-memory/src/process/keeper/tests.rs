//! What becomes of a target whose keeper is killed at each step of a loan.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::identity::Identity;
use crate::process::snapshot::Snapshot;
use crate::{Memory, Pause, PauseOptions, Process};

/// Steps until the keeper dies. Each keeper has a copy of its own; one test at a time sets it.
static STEPS: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Dies as by SIGKILL when it is time.
pub(super) fn die_here() {
    if STEPS.fetch_sub(1, Ordering::Relaxed) == 0 {
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

/// Held by a test as long as it forks, or must not have been.
pub(in crate::process) static TURN: Mutex<()> = Mutex::new(());

/// Bytes that a target writes when it is told to.
const BLOCK: usize = 16 << 20;

/// A process that answers every byte with the next number, and works in the vector registers while it waits for one, or
/// in the kernel.
struct Target {
    pid: u32,
    line: UnixStream,
    next: u8,
}

impl Target {
    fn start(spins: bool) -> Self {
        let (line, mut theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(spins).unwrap();
        // SAFETY: the child runs nothing but a loop of its own.
        #[allow(unsafe_code)]
        let fork = unsafe { nix::unistd::fork() }.unwrap();
        if let nix::unistd::ForkResult::Parent { child } = fork {
            return Self { pid: child.as_raw() as u32, line, next: 0 };
        }
        drop(line);
        let mut byte = [0];
        let mut answer = 0_u8;
        let mut block = vec![1_u8; BLOCK];
        loop {
            match theirs.read(&mut byte) {
                Ok(1) => {
                    if byte == *b"w" {
                        block.fill(answer);
                        std::hint::black_box(&block);
                    }
                    answer = answer.wrapping_add(1);
                    theirs.write_all(&[answer]).unwrap();
                }
                Ok(_) => super::exit(0),
                Err(_) if spins => work(),
                Err(_) => {}
            }
        }
    }

    /// It must run, and have lost nothing.
    fn answers(&mut self) {
        self.answers_to(b"?");
    }

    fn answers_to(&mut self, question: &[u8]) {
        self.line.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        self.next = self.next.wrapping_add(1);
        self.line.write_all(question).unwrap();
        let mut byte = [0];
        self.line.read_exact(&mut byte).unwrap();
        assert_eq!(byte[0], self.next);
    }

    fn status(&self, field: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        status.lines().find_map(|l| l.strip_prefix(field)).unwrap().trim().to_owned()
    }

    /// Children that are not merely waiting to be collected.
    fn living_children(&self) -> Vec<String> {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.pid)).unwrap();
        let state = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let alive = |stat: &String| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']));
        children.split_whitespace().map(state).filter(alive).collect()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.pid as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        nix::sys::wait::waitpid(pid, None).unwrap();
    }
}

/// Two sums that differ as soon as a vector register is not what it was.
fn work() {
    let (mut up, mut down) = ([0.0_f64; 16], [0.0_f64; 16]);
    for n in 0..20_000_u32 {
        for lane in 0..16 {
            up[lane] += f64::from(n) + lane as f64;
            down[lane] -= f64::from(n) + lane as f64;
        }
        up = std::hint::black_box(up);
    }
    if up.iter().zip(&down).any(|(u, d)| u + d != 0.0) {
        super::exit(1);
    }
}

fn take(target: &Target) -> Option<Snapshot> {
    let taken = Snapshot::take(&Identity::of(target.pid), &PauseOptions { for_core: true, ..PauseOptions::default() });
    taken.map_err(|refused| println!("{}", refused.reason)).ok()
}

fn take_for(target: &Target, most: Duration) -> Snapshot {
    let options = PauseOptions { max_snapshot: most, ..PauseOptions::default() };
    Snapshot::take(&Identity::of(target.pid), &options).ok().unwrap()
}

#[test]
fn a_keeper_that_is_killed_at_any_step_does_no_harm() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for spins in [false, true] {
        let mut target = Target::start(spins);
        target.answers();
        let blocked = target.status("SigBlk:");
        let mut steps = 0;
        let snapshot = loop {
            STEPS.store(steps, Ordering::Relaxed);
            if let Some(snapshot) = take(&target) {
                break snapshot;
            }
            target.answers();
            assert_eq!((target.status("SigBlk:"), target.status("TracerPid:")), (blocked.clone(), "0".to_owned()));
            let deadline = Instant::now() + Duration::from_secs(10);
            while !target.living_children().is_empty() {
                assert!(Instant::now() < deadline, "step {steps}: {:?}", target.living_children());
                std::thread::yield_now();
            }
            steps += 1;
            assert!(steps < 100);
        };
        assert!(steps > 10, "{steps} steps");
        // It dies once more while a thread is borrowed to collect what is left: it had no step to spare.
        drop(snapshot);
        target.answers();
        STEPS.store(usize::MAX, Ordering::Relaxed);
        let whole = take(&target).unwrap();
        assert_eq!(whole.ended(), None);
        drop(whole);
        target.answers();
        assert_eq!(target.status("SigBlk:"), blocked);
    }
}

#[test]
fn a_snapshot_ends_after_its_time() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut target = Target::start(false);
    let snapshot = take_for(&target, Duration::from_millis(50));
    let deadline = Instant::now() + Duration::from_secs(10);
    let reason = loop {
        if let Some(reason) = snapshot.ended() {
            break reason;
        }
        assert!(Instant::now() < deadline);
    };
    assert!(reason.contains("--max-snapshot-seconds"), "{reason}");
    target.answers();
    // Its pid is nobody else's while somebody may read it.
    assert!(fs::exists(format!("/proc/{}", snapshot.pid())).unwrap());
    drop(snapshot);
    assert_eq!(fs::read_to_string(format!("/proc/{0}/task/{0}/children", target.pid)).unwrap(), "");
    target.answers();
}

#[test]
fn what_takes_long_is_read_from_a_copy() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut target = Target::start(false);
    target.answers_to(b"w");
    let options = PauseOptions { max_snapshot: Duration::from_secs(2), ..PauseOptions::default() };
    let process = Process::open(target.pid, &options).unwrap();
    assert_eq!(process.pause(), Pause::Fork, "{:?}", process.why_not_forked());
    let regions = process.regions().to_vec();
    let read = |process: &Process| -> Vec<_> {
        let whole = regions.iter().filter(|r| r.read).map(|region| {
            let mut bytes = vec![0; (region.end - region.start) as usize];
            process.read_into(region.start, &mut bytes).map(|()| bytes).ok()
        });
        whole.collect()
    };
    let before = read(&process);
    target.answers_to(b"w");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !target.living_children().is_empty() {
        assert!(Instant::now() < deadline, "the snapshot is still there");
        assert!(process.still_there().is_ok());
    }
    for (then, now) in before.iter().zip(read(&process)) {
        // The kernel's variables cannot be read of another process.
        assert!(then.is_none() || *then == now);
    }
    assert!(process.still_there().is_ok() && process.copied_bytes().unwrap() > BLOCK as u64);
    drop(process);
    assert_eq!(fs::read_to_string(format!("/proc/{0}/task/{0}/children", target.pid)).unwrap(), "");
    target.answers();
}

#[test]
fn pages_that_are_written_meanwhile_are_counted() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut target = Target::start(false);
    target.answers();
    let process = Process::open(target.pid, &PauseOptions::default()).unwrap();
    assert_eq!(process.pause(), Pause::Fork, "{:?}", process.why_not_forked());
    let before = process.copied_bytes().unwrap();
    target.answers_to(b"w");
    let copied = process.copied_bytes().unwrap() - before;
    // The block, and some of a stack.
    assert!((BLOCK as u64..BLOCK as u64 + (64 << 10)).contains(&copied), "{copied}");
    drop(process);
    target.answers();
}
