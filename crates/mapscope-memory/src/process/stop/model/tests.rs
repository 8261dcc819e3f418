//! Jobs in worlds, what must hold in them, and the runs that are tried.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use super::kernel::Model;
use super::{Choices, Died, FIRST, Life, REST, Thread, World};
use crate::MemoryError;
use crate::process::kernel::Kernel;
use crate::process::ptrace::Halt;
use crate::process::stop::Stops;

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
