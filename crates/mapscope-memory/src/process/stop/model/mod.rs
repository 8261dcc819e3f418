//! A model of the kernel and of a target in it, and all that can happen to the target at each step of a stop.
//!
//! The model follows Linux: `ptrace_attach` and `ptrace_detach` (kernel/ptrace.c), `de_thread` (fs/exec.c), `exit_notify`
//! and `wait_consider_task` (kernel/exit.c). Before each request the target may do some things. A run is the list of these
//! choices; all lists with so many events are tried, and longer ones at random.
#![allow(clippy::unwrap_used)]

mod kernel;
mod tests;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::time::Duration;

use nix::libc;

use super::PATIENCE;
use crate::process::ptrace::Halt;

/// The first thread's id, which is the process's.
const FIRST: u32 = 1;
/// The id of a thread that is born meanwhile.
const NEWBORN: u32 = 9;
/// What a rest takes: the deadline comes after two of them.
const REST: Duration = PATIENCE.checked_div(2).unwrap();
/// More requests than any stop needs.
const MAX_REQUESTS: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    Halted(Halt),
    Zombie,
}

#[allow(clippy::struct_excessive_bools, reason = "each is something that the kernel keeps of a thread on its own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    tid: u32,
    life: Life,
    traced: bool,
    /// An interrupt is pending.
    asked: bool,
    /// A signal is pending.
    signal: Option<i32>,
    /// Waits in the kernel for something that does not come by itself.
    frozen: bool,
    /// The report of its `execve` was taken.
    taken: bool,
}

impl Thread {
    /// One that runs, and that nothing has happened to.
    fn new(tid: u32) -> Self {
        Self { tid, life: Life::Running, traced: false, asked: false, signal: None, frozen: false, taken: false }
    }
}

/// What a target can do, or have done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Birth,
    Exit(u32),
    Exec(u32),
    /// `SIGKILL`.
    Kill,
    Signal(u32),
    /// `SIGSTOP`.
    JobStop,
    Freeze(u32),
    Thaw(u32),
    /// A thread that was asked, or has a signal, comes to its stop.
    Halt(u32),
    /// The reaper collects.
    Collect,
    /// The thread in `execve` is alone.
    Become,
    /// We are killed, by the alarm for one.
    Die,
}

/// Thrown through the code under test when it dies.
struct Died;

struct World {
    threads: Vec<Thread>,
    /// Ids of threads that have been collected by us.
    collected: BTreeSet<u32>,
    /// The thread that is in `execve`, holding the lock that `PTRACE_SEIZE` needs.
    exec: Option<u32>,
    /// Programs that it has become.
    execs: usize,
    killed: bool,
    stopped_by_job: bool,
    /// A thread was frozen at some time.
    has_frozen: bool,
    births: u32,
    /// Signals sent and delivered, by thread.
    sent: Vec<u32>,
    delivered: Vec<u32>,
    rests: u32,
    requests: usize,
    choices: Choices,
}

/// Which of the possible things happens, step by step: what a script says, then nothing.
#[derive(Default)]
struct Choices {
    script: Vec<usize>,
    /// How many there were to choose from.
    widths: Vec<usize>,
    /// Chooses beyond the script.
    random: Option<u64>,
}

impl Choices {
    fn next(&mut self, width: usize) -> usize {
        let at = self.widths.len();
        self.widths.push(width);
        if let Some(state) = &mut self.random {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = (*state >> 33) as usize;
            // Something happens at every fifth step.
            let choice = if number.is_multiple_of(5) { number / 5 % width } else { 0 };
            self.script.push(choice);
            return choice;
        }
        self.script.get(at).copied().unwrap_or(0)
    }

    /// The next script with at most `most` events in it; `None` after the last.
    fn following(&self, most: usize) -> Option<Vec<usize>> {
        let mut script = self.script.clone();
        script.resize(self.widths.len(), 0);
        while let Some(last) = script.pop() {
            let before = script.iter().filter(|&&c| c > 0).count();
            if last + 1 < self.widths[script.len()] && before < most {
                script.push(last + 1);
                return Some(script);
            }
        }
        None
    }
}

impl World {
    fn new(threads: u32, choices: Choices) -> Self {
        Self {
            threads: (FIRST..=threads).map(Thread::new).collect(),
            collected: BTreeSet::new(),
            exec: None,
            execs: 0,
            killed: false,
            stopped_by_job: false,
            has_frozen: false,
            births: 0,
            sent: Vec::new(),
            delivered: Vec::new(),
            rests: 0,
            requests: 0,
            choices,
        }
    }

    fn find(&mut self, tid: u32) -> Option<&mut Thread> {
        self.threads.iter_mut().find(|t| t.tid == tid)
    }

    /// The exit of the first thread is reported when it is the last.
    fn reports_exit(&self, tid: u32) -> bool {
        tid != FIRST || self.threads.len() == 1
    }

    /// What can happen by itself, sooner or later.
    fn due(&self) -> Vec<Event> {
        let mut due = Vec::new();
        let collectable = |t: &Thread| t.traced && t.life == Life::Zombie && self.reports_exit(t.tid);
        if self.threads.iter().any(collectable) {
            due.push(Event::Collect);
        }
        if let Some(tid) = self.exec
            && self.threads.iter().all(|t| t.tid == tid || (t.tid == FIRST && t.life == Life::Zombie))
        {
            due.push(Event::Become);
        }
        let runs = |t: &&Thread| t.life == Life::Running && !t.frozen && self.exec != Some(t.tid);
        due.extend(
            self.threads
                .iter()
                .filter(runs)
                .filter(|t| t.signal.is_some() || (t.traced && t.asked))
                .map(|t| Event::Halt(t.tid)),
        );
        due
    }

    /// All that can happen now.
    fn possible(&self) -> Vec<Event> {
        let mut events = self.due();
        if self.killed {
            return events;
        }
        for thread in &self.threads {
            let (tid, running) = (thread.tid, thread.life == Life::Running && self.exec != Some(thread.tid));
            if running && self.exec.is_none() {
                events.extend([Event::Exit(tid), Event::Exec(tid)]);
            }
            if running && thread.signal.is_none() {
                events.push(Event::Signal(tid));
            }
            if running {
                events.push(if thread.frozen { Event::Thaw(tid) } else { Event::Freeze(tid) });
            }
        }
        if self.births == 0 && self.exec.is_none() && self.threads.iter().any(|t| t.life == Life::Running) {
            events.push(Event::Birth);
        }
        if !self.stopped_by_job {
            events.push(Event::JobStop);
        }
        events.extend([Event::Kill, Event::Die]);
        events
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Birth => {
                self.births += 1;
                self.threads.push(Thread::new(NEWBORN));
            }
            Event::Exit(tid) => self.end(tid),
            Event::Exec(tid) => {
                self.exec = Some(tid);
                self.find(tid).unwrap().frozen = false;
                self.others(tid).into_iter().for_each(|t| self.end(t));
            }
            Event::Kill => {
                (self.killed, self.exec) = (true, None);
                self.others(0).into_iter().for_each(|t| self.end(t));
            }
            Event::Signal(tid) => {
                self.find(tid).unwrap().signal = Some(libc::SIGUSR1);
                self.sent.push(tid);
            }
            Event::JobStop => {
                self.stopped_by_job = true;
                for thread in &mut self.threads {
                    thread.asked |= thread.traced && thread.life == Life::Running;
                }
            }
            Event::Freeze(tid) => {
                self.has_frozen = true;
                self.find(tid).unwrap().frozen = true;
            }
            Event::Thaw(tid) => self.find(tid).unwrap().frozen = false,
            Event::Halt(tid) => self.halt(tid),
            Event::Collect => self.collect(),
            Event::Become => self.become_another(),
            Event::Die => resume_unwind(Box::new(Died)),
        }
    }

    fn others(&self, tid: u32) -> Vec<u32> {
        self.threads.iter().map(|t| t.tid).filter(|&t| t != tid).collect()
    }

    fn end(&mut self, tid: u32) {
        let thread = self.find(tid).unwrap();
        thread.life = Life::Zombie;
        // Signals of those that are gone are nobody's.
        if !thread.traced && tid != FIRST {
            self.remove(tid);
        }
        self.let_parent_collect();
    }

    fn remove(&mut self, tid: u32) {
        self.threads.retain(|t| t.tid != tid);
    }

    /// Its parent collects a process whose last thread is nobody's any more.
    fn let_parent_collect(&mut self) {
        if let [Thread { life: Life::Zombie, traced: false, .. }] = self.threads[..] {
            self.threads.clear();
        }
    }

    fn halt(&mut self, tid: u32) {
        let thread = self.find(tid).unwrap();
        match (thread.traced, thread.signal.take()) {
            (true, Some(signal)) => thread.life = Life::Halted(Halt::Signal(signal)),
            (true, None) => (thread.life, thread.asked) = (Life::Halted(Halt::Stop), false),
            (false, _) => self.delivered.push(tid),
        }
    }

    fn collect(&mut self) {
        while let Some(tid) =
            self.threads.iter().find(|t| t.traced && t.life == Life::Zombie && self.reports_exit(t.tid)).map(|t| t.tid)
        {
            self.collected.insert(tid);
            self.remove(tid);
            self.let_parent_collect();
        }
    }

    fn become_another(&mut self) {
        let tid = self.exec.take().unwrap();
        self.execs += 1;
        if tid != FIRST {
            self.remove(FIRST);
        }
        let thread = self.find(tid).unwrap();
        thread.tid = FIRST;
        // What was sent to the old id is not ours to follow.
        thread.signal = None;
        if thread.traced {
            thread.life = Life::Halted(Halt::Exec);
        }
        self.sent.clear();
        self.delivered.clear();
    }

    /// Lets happen what happens by itself, until nothing does.
    fn settle(&mut self) {
        while let Some(&event) = self.due().first() {
            self.happen(event);
        }
    }

    /// The kernel lets go of what a tracer that has ended traced.
    fn let_go(&mut self) {
        for thread in &mut self.threads {
            if std::mem::take(&mut thread.traced) {
                thread.asked = false;
                if let Life::Halted(halt) = thread.life {
                    if let Halt::Signal(_) = halt {
                        self.delivered.push(thread.tid);
                    }
                    thread.life = Life::Running;
                }
            }
        }
        self.threads.retain(|t| t.tid == FIRST || t.life != Life::Zombie);
        self.let_parent_collect();
    }
}
