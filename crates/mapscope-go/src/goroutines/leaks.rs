//! Goroutines that nothing can wake any more.
//!
//! Follows `findGoroutineLeaks` of `runtime/mgc.go`, which Go 1.26 and later do when a leak profile is asked for: a goroutine
//! that waits for a channel or a lock may run again when somebody who may run can reach what it waits for. What belongs
//! to those that wait counts for nothing before; whoever is left in the end is leaked. Unlike the runtime, which
//! collects such goroutines' own records with the rest, this leaves out what only they themselves use: their `g`, with
//! its deferred calls, and their places in queues. So it can find more, and nothing that can still be woken.

use super::blocked::{Blocked, Wait, blocked};
use super::names::{Names, Reason, waits};
use crate::roots::Goroutine;
use crate::session::Stages;
use mapscope_heap::{BitSet, Reachability};

/// Questions whether a goroutine may run. A program in which so many are asked is not built by people.
const MAX_QUESTIONS: u64 = 200_000_000;

/// What was found.
pub(super) struct Leaks {
    /// For each goroutine, whether it is leaked.
    pub(super) leaked: Vec<bool>,
    /// Bytes of live objects that nothing but leaked goroutines hold.
    pub(super) held_bytes: u64,
}

/// Finds all leaked goroutines.
///
/// # Errors
/// A sentence when what could wake them cannot be known.
pub(super) fn find(stages: &Stages<'_>, names: &Names) -> Result<Leaks, String> {
    let goroutines = &stages.roots.goroutines;
    if names.are_missing() {
        return Err("the runtime's names of the reasons to wait could not be read".to_owned());
    }
    let layout = stages.context.layout.waiter.ok_or("the debug information lacks the structure runtime.sudog")?;
    let waits_for_lock = |g: &Goroutine| waits(&g.standing) && names.reason(&g.standing) == Some(Reason::Semaphore);
    if stages.context.globals.waits.semaphores.is_none() && goroutines.all.iter().any(waits_for_lock) {
        return Err("the runtime's table of who waits for locks (runtime.semtable) could not be found".to_owned());
    }
    let mut blocked = blocked(stages, names, layout);
    for (goroutine, blocked) in goroutines.all.iter().zip(&mut blocked) {
        if super::is_system(stages, goroutine) {
            blocked.wait = Wait::Open;
        }
    }
    let mut search = Search::new(stages, blocked);
    if search.waiting.is_empty() {
        return Ok(Leaks { leaked: vec![false; goroutines.all.len()], held_bytes: 0 });
    }
    search.run()?;
    // It came last so that it would not hold what others wait for.
    if let Some(main) = goroutines.all.iter().position(|g| is_resting_main(names, g)) {
        search.waiting.retain(|index| *index as usize != main);
        search.release(&[main as u32]);
    }
    let mut leaked = vec![false; goroutines.all.len()];
    for index in &search.waiting {
        leaked[*index as usize] = true;
    }
    Ok(Leaks { leaked, held_bytes: search.held_bytes() })
}

/// Of each goroutine, whether it waits for nothing at all: whatever was not read cannot wake it.
pub(super) fn for_nothing(stages: &Stages<'_>, names: &Names) -> Vec<bool> {
    let leaked = |g: &Goroutine| {
        let nothing = match names.reason(&g.standing) {
            Some(Reason::Nothing) => true,
            // All of its channels are nil: it is in no queue.
            Some(Reason::Select) => g.standing.waiting == 0,
            _ => false,
        };
        nothing && waits(&g.standing) && !is_resting_main(names, g) && !super::is_system(stages, g)
    };
    stages.roots.goroutines.all.iter().map(leaked).collect()
}

/// `select {}` at the end of `main` is how programs wait for their end: it is no leak, and what it alone holds is not
/// lost.
fn is_resting_main(names: &Names, goroutine: &Goroutine) -> bool {
    goroutine.id == 1 && names.reason(&goroutine.standing) == Some(Reason::Nothing)
}

struct Search<'a, 's> {
    stages: &'a Stages<'s>,
    blocked: Vec<Blocked>,
    /// Goroutines that have not been found able to run.
    waiting: Vec<u32>,
    /// What each of them holds by itself: the objects of its roots.
    own: Vec<Vec<u32>>,
    /// Objects that only one of them uses: not looked into.
    closed: BitSet,
    reach: Reachability,
}

impl<'a, 's> Search<'a, 's> {
    fn new(stages: &'a Stages<'s>, blocked: Vec<Blocked>) -> Self {
        let graph = &stages.heap.graph;
        let waiting: Vec<u32> =
            (0u32..).zip(&blocked).filter(|(_, b)| b.wait != Wait::Open).map(|(index, _)| index).collect();
        let (closed, own) = (BitSet::new(graph.len()), vec![Vec::new(); blocked.len()]);
        let mut search = Self { stages, blocked, waiting, own, closed, reach: Reachability::default() };
        if search.waiting.is_empty() {
            return search;
        }
        for index in search.waiting.clone() {
            for object in search.records(index) {
                search.closed.insert(object as usize);
            }
        }
        let mut open: Vec<u32> = stages.roots.weak.clone();
        for start in stages.starts {
            match start.goroutine(stages.roots) {
                Some(g) if search.is_waiting(g) => search.own[g as usize].push(start.object),
                _ => open.push(start.object),
            }
        }
        search.reach = Reachability::new(graph);
        search.mark(open);
        search
    }

    fn is_waiting(&self, goroutine: u32) -> bool {
        self.blocked.get(goroutine as usize).is_some_and(|b| b.wait != Wait::Open)
    }

    fn mark(&mut self, roots: Vec<u32>) {
        let closed = &self.closed;
        self.reach.extend_through(&self.stages.heap.graph, roots, |object| !closed.contains(object as usize));
    }

    /// The objects that the runtime has for one goroutine alone.
    fn records(&self, index: u32) -> Vec<u32> {
        let Some(goroutine): Option<&Goroutine> = self.stages.roots.goroutines.all.get(index as usize) else {
            return Vec::new();
        };
        let mut records = self.blocked[index as usize].records.clone();
        records.extend(self.stages.context.spans.object(goroutine.address).map(|(object, ..)| object));
        records
    }

    /// Lets those run that may, until there are no more.
    fn run(&mut self) -> Result<(), String> {
        let mut questions = 0;
        loop {
            let reach = &self.reach;
            questions += self.waiting.len() as u64;
            if questions > MAX_QUESTIONS {
                return Err("the goroutines wait for one another in a chain that is too long".to_owned());
            }
            let may_run = |index: &u32| match &self.blocked[*index as usize].wait {
                Wait::Open => true,
                Wait::For(objects) => objects.iter().any(|o| reach.is_live(*o)),
            };
            let (runs, waits): (Vec<u32>, Vec<u32>) = self.waiting.iter().partition(|i| may_run(i));
            self.waiting = waits;
            if runs.is_empty() {
                return Ok(());
            }
            self.release(&runs);
        }
    }

    /// Marks what these goroutines hold.
    fn release(&mut self, goroutines: &[u32]) {
        let mut roots = Vec::new();
        for index in goroutines {
            roots.append(&mut self.own[*index as usize]);
            for record in self.records(*index) {
                roots.extend_from_slice(self.stages.heap.graph.edges(record));
            }
        }
        self.mark(roots);
    }

    fn held_bytes(&self) -> u64 {
        let only_theirs = |o: &u32| self.stages.reach.is_live(*o) && !self.reach.is_live(*o);
        let blocks = self.stages.heap.graph.blocks.blocks().iter();
        blocks.map(|b| b.objects().filter(only_theirs).count() as u64 * b.slot_size).sum()
    }
}
