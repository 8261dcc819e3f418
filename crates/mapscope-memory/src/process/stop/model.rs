//! A model of the kernel and of a target in it, and all that can happen to the target at each step of a stop.
//!
//! The model follows Linux: `ptrace_attach` and `ptrace_detach` (kernel/ptrace.c), `de_thread` (fs/exec.c), `exit_notify`
//! and `wait_consider_task` (kernel/exit.c). Before each request the target may do some things. A run is the list of these
//! choices; all lists with so many events are tried, and longer ones at random.
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use nix::libc;

use super::{PATIENCE, Stops};
use crate::MemoryError;
use crate::process::kernel::Kernel;
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
        let thread = |tid| Thread {
            tid,
            life: Life::Running,
            traced: false,
            asked: false,
            signal: None,
            frozen: false,
            taken: false,
        };
        Self {
            threads: (FIRST..=threads).map(thread).collect(),
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
                let tid = NEWBORN;
                self.threads.push(Thread {
                    tid,
                    life: Life::Running,
                    traced: false,
                    asked: false,
                    signal: None,
                    frozen: false,
                    taken: false,
                });
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

struct Model(RefCell<World>, Instant);

impl Model {
    /// The target gets to do what it will before each request.
    fn request(&self) -> std::cell::RefMut<'_, World> {
        let mut world = self.0.borrow_mut();
        world.requests += 1;
        assert!(world.requests < MAX_REQUESTS, "it never ends");
        loop {
            let possible = world.possible();
            match world.choices.next(possible.len() + 1).checked_sub(1) {
                Some(choice) => world.happen(possible[choice]),
                None => return world,
            }
        }
    }
}

fn error(number: i32) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(number))
}

impl Kernel for Model {
    fn tasks(&self, pid: u32) -> Result<Vec<u32>, MemoryError> {
        let tids: Vec<u32> = self.request().threads.iter().map(|t| t.tid).collect();
        if tids.is_empty() { Err(MemoryError::Exited { pid }) } else { Ok(tids) }
    }

    fn state(&self, _: u32, tid: u32) -> Option<char> {
        Some(match self.request().find(tid)?.life {
            Life::Running => 'S',
            Life::Halted(_) => 't',
            Life::Zombie => 'Z',
        })
    }

    fn seize(&self, tid: u32) -> io::Result<()> {
        let mut world = self.request();
        if world.find(tid).is_none() {
            return error(libc::ESRCH);
        }
        // It waits for the lock; what can happen meanwhile is what happens by itself.
        while world.exec.is_some() {
            let due = world.due();
            let event = *due.first().expect("both wait for ever");
            world.happen(event);
        }
        match world.find(tid) {
            None => error(libc::ESRCH),
            Some(thread) if thread.life == Life::Zombie || thread.traced => error(libc::EPERM),
            Some(thread) => {
                thread.traced = true;
                world.collected.remove(&tid);
                Ok(())
            }
        }
    }

    fn interrupt(&self, tid: u32) -> io::Result<()> {
        match self.request().find(tid) {
            Some(thread) if thread.traced && thread.life != Life::Zombie => {
                thread.asked = true;
                Ok(())
            }
            _ => error(libc::ESRCH),
        }
    }

    fn look(&self, tid: u32) -> Option<Halt> {
        let mut world = self.request();
        let (reports, collected) = (world.reports_exit(tid), world.collected.contains(&tid));
        match world.find(tid) {
            Some(Thread { traced: true, life, .. }) => match life {
                Life::Running => None,
                Life::Halted(halt) => Some(*halt),
                Life::Zombie => reports.then_some(Halt::Gone),
            },
            _ if collected => Some(Halt::Gone),
            _ => Some(Halt::Lost),
        }
    }

    fn take(&self, tid: u32) {
        if let Some(thread) = self.request().find(tid) {
            thread.taken = true;
        }
    }

    fn detach(&self, tid: u32, signal: i32) -> io::Result<()> {
        let mut world = self.request();
        match world.find(tid) {
            Some(thread) if thread.traced => {
                let Life::Halted(halt) = thread.life else { return error(libc::ESRCH) };
                if halt == Halt::Exec && !thread.taken {
                    return error(libc::ESRCH);
                }
                (thread.traced, thread.asked, thread.life) = (false, false, Life::Running);
                // At any other stop the kernel delivers nothing, whatever is asked for (`ptrace_event`).
                if let Halt::Signal(owed) = halt {
                    assert_eq!(signal, owed, "the signal of thread {tid}");
                    world.delivered.push(tid);
                }
                Ok(())
            }
            _ => error(libc::ESRCH),
        }
    }

    fn refusal(&self, pid: u32, _: u32) -> MemoryError {
        MemoryError::Permission { pid, hint: "nobody may".into() }
    }

    fn now(&self) -> Instant {
        self.1 + self.0.borrow().rests * REST
    }

    fn rest(&self, _: Duration) {
        let mut world = self.request();
        world.rests += 1;
        world.settle();
    }
}

/// What is done with a target.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// All threads are stopped and let go.
    All,
    /// One is.
    One(u32),
}

/// Does a job in a world, and checks what must hold; the choices that were made.
fn run(threads: u32, job: Job, choices: Choices) -> Choices {
    let model = Model(RefCell::new(World::new(threads, choices)), Instant::now());
    let done = catch_unwind(AssertUnwindSafe(|| do_job(&model, job)));
    let mut world = model.0.into_inner();
    let checked = catch_unwind(AssertUnwindSafe(|| {
        match done {
            Ok(()) => {}
            Err(thrown) if thrown.is::<Died>() => world.let_go(),
            Err(thrown) => resume_unwind(thrown),
        }
        check_end(&mut world);
    }));
    if let Err(thrown) = checked {
        let script: Vec<_> = world.choices.script.clone();
        println!("{threads} threads, {job:?}, script {script:?}, left {:?}", world.threads);
        resume_unwind(thrown);
    }
    world.choices
}

fn do_job(model: &Model, job: Job) {
    let mut stops = Stops::new(model, FIRST);
    match job {
        Job::All => {
            let result = stops.all();
            check_stopped(&mut model.0.borrow_mut(), &result);
        }
        Job::One(tid) => {
            if let Ok(true) = stops.one(tid) {
                let mut world = model.0.borrow_mut();
                let life = world.find(tid).map(|t| t.life);
                assert!(
                    world.killed || world.exec.is_some() || world.execs > 0 || life == Some(Life::Halted(Halt::Stop))
                );
            }
        }
    }
    let mut rests = 0..2;
    while !stops.release() {
        if rests.next().is_none() {
            // One that is frozen is let go with our end.
            return model.0.borrow_mut().let_go();
        }
        model.rest(REST);
    }
    let mut world = model.0.borrow_mut();
    // Nothing waits for our end but what never came to a stop.
    world.settle();
    for thread in &world.threads {
        assert!(!matches!(thread.life, Life::Halted(_)), "thread {} stays stopped", thread.tid);
        assert!(thread.life != Life::Zombie || thread.tid == FIRST && world.threads.len() > 1, "nobody collects");
        // The end of the first thread is collected when it is the last.
        assert!(!thread.traced || thread.life == Life::Zombie, "thread {} stays traced", thread.tid);
    }
    assert!(!world.killed || world.threads.is_empty(), "what was killed is still there");
    world.let_go();
}

/// What must hold when all threads are said to stand still, or not to.
fn check_stopped(world: &mut World, result: &Result<(), MemoryError>) {
    let still = |t: &Thread| t.life == Life::Zombie || (t.traced && matches!(t.life, Life::Halted(_)));
    match result {
        // What is killed after the last look is on its way out.
        Ok(()) => {
            assert!(world.killed || (world.threads.iter().all(still) && world.exec.is_none()));
        }
        Err(MemoryError::Execed { .. }) => assert!(world.execs > 0 || world.exec.is_some() || world.killed),
        Err(MemoryError::Exited { .. }) => {
            assert!(world.threads.iter().all(|t| t.life == Life::Zombie) || world.killed || world.execs > 0);
        }
        Err(MemoryError::Stuck { .. }) => assert!(world.has_frozen),
        Err(other) => panic!("{other}"),
    }
}

/// What must hold when nobody traces any more.
fn check_end(world: &mut World) {
    for thread in &mut world.threads {
        thread.frozen = false;
    }
    world.settle();
    assert!(world.exec.is_none(), "execve never ends");
    assert!(world.threads.iter().all(|t| !t.traced && (t.life == Life::Running || t.tid == FIRST)));
    for tid in world.threads.iter().filter(|t| t.life == Life::Running).map(|t| t.tid) {
        let count = |list: &[u32]| list.iter().filter(|&&t| t == tid).count();
        assert_eq!(count(&world.sent), count(&world.delivered), "signals of thread {tid}");
    }
}

/// All lists of choices with at most `events` events.
fn explore(threads: u32, job: Job, events: usize) -> usize {
    let (mut runs, mut script) = (0, Some(Vec::new()));
    while let Some(next) = script {
        let choices = run(threads, job, Choices { script: next, ..Choices::default() });
        script = choices.following(events);
        runs += 1;
    }
    runs
}

#[test]
fn whatever_happens_at_any_step_everything_is_let_go() {
    let runs = explore(1, Job::All, 3) + explore(2, Job::All, 3) + explore(3, Job::All, 2);
    let more = explore(2, Job::One(1), 3) + explore(2, Job::One(2), 3) + explore(3, Job::One(2), 2);

    assert!(runs > 100_000 && more > 10_000, "{runs} and {more} runs");
}

#[test]
fn whatever_happens_often_everything_is_let_go() {
    for seed in 0..100_000 {
        let job = if seed % 4 == 0 { Job::One(1 + seed as u32 / 4 % 4) } else { Job::All };
        run(1 + seed as u32 % 5, job, Choices { random: Some(seed), ..Choices::default() });
    }
}
