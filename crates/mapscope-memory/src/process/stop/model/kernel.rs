//! The model as a kernel: what each request does to the world.

use std::cell::{RefCell, RefMut};
use std::io;
use std::time::{Duration, Instant};

use nix::libc;

use super::{Life, MAX_REQUESTS, REST, Thread, World};
use crate::MemoryError;
use crate::process::kernel::Kernel;
use crate::process::ptrace::Halt;

/// A world, and when it began.
pub(super) struct Model(pub(super) RefCell<World>, pub(super) Instant);

impl Model {
    /// The target gets to do what it will before each request.
    fn request(&self) -> RefMut<'_, World> {
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
