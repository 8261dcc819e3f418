//! Goroutines in groups, for views.

use std::cmp::Reverse;

use mapscope_go::{GoroutineCensus, GoroutineGroup, LeakVerdict, OpenLoop, StackFrame};
use mapscope_report::GOROUTINES_SCHEMA;
use mapscope_report::model::{CodeLine, GoroutineList, GoroutineRow, Inspection, LeftOut, LoopRow, Waited};

/// Numbers of goroutines that are listed.
const IDS: usize = 10;
/// What makes a group suspect of which nothing that was read can wake one. So many with one stack are seldom meant to rest;
/// nor is one that holds more than this share of the heap, in percent; and who works is woken within a minute. Waiting alone,
/// for the network, a client or a timer, is what goroutines are for.
const SUSPECT_COUNT: u64 = 10;
const SUSPECT_PERCENT: u64 = 1;
const SUSPECT_MS: u64 = 60_000;

/// The whole document: all groups.
pub(crate) fn list(census: &GoroutineCensus, inspection: &Inspection) -> GoroutineList {
    let live = inspection.heap.live_bytes;
    let mut groups: Vec<GoroutineRow> = census.groups.iter().map(|g| row(g, live)).collect();
    groups.sort_by_cached_key(|g| {
        let least = g.ids.first().copied();
        let bytes = g.retained_bytes.saturating_add(g.stack_bytes);
        (g.system, !g.leaked, Reverse(bytes), Reverse(g.count), least)
    });
    let sum = |wanted: fn(&&GoroutineRow) -> bool| groups.iter().filter(wanted).map(|g| g.count).sum();
    let (held, unknown) = match &census.leaks {
        LeakVerdict::Found { held_bytes } => (Some(*held_bytes), None),
        LeakVerdict::Unknown(reason) => (None, Some(reason.clone())),
    };
    GoroutineList {
        schema: GOROUTINES_SCHEMA.to_owned(),
        target: inspection.target.clone(),
        total_goroutines: sum(|_| true),
        program_goroutines: sum(|g| !g.system),
        system_goroutines: sum(|g| g.system),
        leaked_goroutines: held.map(|_| sum(|g| g.leaked)),
        leaked_bytes: held,
        leaks_unknown: unknown,
        times_are_bounds: census.times_are_bounds,
        total_groups: groups.len() as u64,
        matched_groups: groups.len() as u64,
        groups,
        partial: inspection.partial.clone(),
        partial_scope: inspection.partial_scope.clone(),
    }
}

fn row(group: &GoroutineGroup, live_bytes: u64) -> GoroutineRow {
    let count = group.ids.len() as u64;
    let waited = waited(&group.waited_ns);
    let large = count >= SUSPECT_COUNT || group.retained_bytes > live_bytes / 100 * SUSPECT_PERCENT;
    let long = waited.is_some_and(|w| w.known == count && w.min_ms >= SUSPECT_MS);
    GoroutineRow {
        state: group.state.clone(),
        count,
        leaked: group.leaked,
        suspect: group.unreached && !group.system && large && long,
        system: group.system,
        locked: group.locked,
        stack_bytes: group.stack_bytes,
        retained_bytes: group.retained_bytes,
        waited,
        stack: group.stack.iter().map(frame).collect(),
        left_out: group.left_out.map(|(after, frames)| LeftOut { after, frames }),
        created_by: group.created_by.as_ref().map(frame),
        creators: group.creators.iter().copied().take(IDS).collect(),
        ids: group.ids.iter().copied().take(IDS).collect(),
        loops: largest(&group.loops).into_iter().map(open_loop).collect(),
        total_loops: group.loops.len() as u64,
    }
}

/// The loops that lead to most bytes of replaced tables; of those that lead to none, the first.
fn largest(loops: &[OpenLoop]) -> Vec<&OpenLoop> {
    let mut loops: Vec<&OpenLoop> = loops.iter().collect();
    loops.sort_by_key(|one| Reverse(one.replaced_bytes));
    loops.truncate(IDS);
    loops
}

/// A loop over a map.
pub(crate) fn open_loop(one: &OpenLoop) -> LoopRow {
    LoopRow {
        goroutine: one.goroutine,
        function: one.function.clone(),
        owner: one.owner.clone(),
        type_name: one.type_name.clone(),
        addr: format!("{:#x}", one.map),
        entries: one.entries,
        passed: one.passed.0,
        of: one.passed.1,
        replaced_bytes: one.replaced_bytes,
    }
}

fn frame(frame: &StackFrame) -> CodeLine {
    CodeLine { function: frame.function.clone(), file: frame.file.clone(), line: frame.line }
}

/// Of times in nanoseconds, ascending.
fn waited(times: &[u64]) -> Option<Waited> {
    let milliseconds = |index: usize| times.get(index).map(|t| t / 1_000_000);
    let known = times.len();
    Some(Waited {
        known: known as u64,
        min_ms: milliseconds(0)?,
        median_ms: milliseconds((known.checked_sub(1)?) / 2)?,
        max_ms: milliseconds(known.checked_sub(1)?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(count: u64, seconds: u64) -> GoroutineGroup {
        GoroutineGroup {
            ids: (1..=count).collect(),
            waited_ns: vec![seconds * 1_000_000_000; count as usize],
            unreached: true,
            ..GoroutineGroup::default()
        }
    }

    #[test]
    fn to_wait_is_not_suspect() {
        // Streams to 400 clients, each in a select for an hour, on what the hub or its clients have.
        let watching = GoroutineGroup { unreached: false, retained_bytes: 300 << 20, ..group(400, 3600) };
        assert!(!row(&watching, 1 << 30).suspect);
    }

    #[test]
    fn what_is_certain_comes_first_and_then_the_most_bytes() {
        let of =
            |state: &str, bytes: u64| GoroutineGroup { state: state.into(), retained_bytes: bytes, ..group(10, 60) };
        let census = GoroutineCensus {
            groups: vec![
                GoroutineGroup { system: true, ..of("runtime", 1 << 30) },
                of("suspect", 10),
                GoroutineGroup { unreached: false, stack_bytes: 2000, ..of("stacks", 0) },
                GoroutineGroup { unreached: false, ..of("waits", 100) },
                GoroutineGroup { leaked: true, unreached: false, ..of("leaked", 1) },
                GoroutineGroup { unreached: false, ids: (1..=11).collect(), ..of("more", 100) },
            ],
            ..GoroutineCensus::default()
        };
        let list = list(&census, &Inspection::default());
        let states: Vec<_> = list.groups.iter().map(|g| (g.state.as_str(), g.suspect)).collect();
        let names: Vec<_> = states.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["leaked", "stacks", "more", "waits", "suspect", "runtime"]);
        assert!(states.iter().all(|(name, suspect)| *suspect == (*name == "suspect")), "{states:?}");
        assert_eq!((list.total_goroutines, list.program_goroutines, list.system_goroutines), (61, 51, 10));
    }

    #[test]
    fn a_group_that_nothing_read_can_wake_is_suspect_when_it_is_large_and_has_waited_long() {
        let suspect = |g: GoroutineGroup| row(&g, 1 << 20).suspect;
        assert!(suspect(group(10, 60)) && !suspect(group(9, 60)) && !suspect(group(10, 59)));
        assert!(suspect(GoroutineGroup { retained_bytes: 1 << 19, ..group(1, 60) }));
        assert!(!suspect(GoroutineGroup { system: true, ..group(10, 60) }));
        assert!(!suspect(GoroutineGroup { waited_ns: vec![u64::MAX], ..group(10, 60) }), "not all have waited long");
    }

    #[test]
    fn times_are_summed_up() {
        let times: Vec<u64> = [1, 2, 3, 40].iter().map(|ms| ms * 1_000_000).collect();
        let all = waited(&times).expect("there are times");
        assert_eq!((all.known, all.min_ms, all.median_ms, all.max_ms), (4, 1, 2, 40));
        assert!(waited(&[]).is_none());
    }
}
