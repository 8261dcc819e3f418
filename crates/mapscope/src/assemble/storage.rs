//! What else owns memory than maps: from the reader's figures to the model's.

use mapscope_go::{Finalizers, PinnedPlace, SlicePlace, Strings, Timers};
use mapscope_memory::Partial;
use mapscope_report::model::{
    ChannelRow, FinalizerRow, FinalizerTotals, PinnedRow, PoolRow, QueuedRow, RunningRow, SliceRow, Storage, StringRow,
    StringTotals, TimerHeapRow, TimerRow, TimerTotals,
};

use super::or_unknown;

/// The figures, and why they are partial.
pub(crate) fn storage(found: mapscope_go::Storage) -> (Storage, Partial) {
    let storage = Storage {
        looked_at_bytes: found.looked_at_bytes,
        slices: found.slices.into_iter().map(slice).collect(),
        pinned: found.pinned.into_iter().map(pinned).collect(),
        strings: (found.strings.count > 0).then(|| strings(found.strings)),
        channels: found.channels.into_iter().map(channel).collect(),
        pools: found.pools.into_iter().map(pool).collect(),
        timers: timers(found.timers),
        finalizers: finalizers(found.finalizers),
    };
    (storage, found.partial)
}

fn slice(row: SlicePlace) -> SliceRow {
    let unused_bytes = row.unused_bytes();
    let SlicePlace { place, type_name, arrays, len_bytes, cap_bytes, .. } = row;
    SliceRow { place, type_name: or_unknown(&type_name).to_owned(), arrays, len_bytes, cap_bytes, unused_bytes }
}

fn pinned(row: PinnedPlace) -> PinnedRow {
    let pinned_bytes = row.pinned_bytes();
    let PinnedPlace { place, type_name, others, objects, references, referred_bytes, object_bytes, .. } = row;
    let place = match others.len() {
        0 => place,
        n => format!("{place} and {n} more"),
    };
    PinnedRow { place, type_name, objects, references, referred_bytes, object_bytes, pinned_bytes }
}

fn strings(found: Strings) -> StringTotals {
    let row = |g: mapscope_go::StringGroup| StringRow {
        len: g.len,
        count: g.count,
        savable_bytes: g.savable_bytes,
        place: g.place,
        value: g.value.map(|bytes| escaped(&bytes)),
    };
    StringTotals {
        count: found.count,
        bytes: found.bytes,
        distinct: found.distinct,
        distinct_bytes: found.distinct_bytes,
        duplicated: found.duplicated,
        savable_bytes: found.savable_bytes,
        groups: found.groups.into_iter().map(row).collect(),
    }
}

/// Text as Go would quote it: what is not printable text, or was cut in the middle of a character, as `\x` escapes.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.extend(chunk.valid().chars().flat_map(|c| {
            let plain = !c.is_control() && !matches!(c, '"' | '\\');
            let escape = (!plain).then(|| c.escape_default());
            escape.into_iter().flatten().chain(plain.then_some(c))
        }));
        out.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    out
}

fn channel(row: mapscope_go::ChannelType) -> ChannelRow {
    ChannelRow {
        type_name: row.type_name,
        count: row.count,
        closed: row.closed,
        capacity: row.capacity,
        queued: row.queued,
        buffer_bytes: row.buffer_bytes,
        receivers: row.receivers,
        senders: row.senders,
        torn: row.torn,
    }
}

fn pool(row: mapscope_go::Pool) -> PoolRow {
    let mapscope_go::Pool { owner, type_name, local, victim, local_bytes, victim_bytes, value_bytes: _, objects: _ } =
        row;
    PoolRow { owner, type_name, local, victim, local_bytes, victim_bytes }
}

fn timers(found: Timers) -> Option<TimerTotals> {
    let function = |t: mapscope_go::TimerFunction| TimerRow {
        function: t.function,
        periodic: t.periodic,
        pending: t.pending,
        unwatched: t.unwatched,
        zombies: t.zombies,
        stopped: t.stopped,
    };
    let heap =
        |h: mapscope_go::TimerHeap| TimerHeapRow { processor: h.processor, timers: h.timers, zombies: h.zombies };
    let functions: Vec<TimerRow> = found.functions.into_iter().map(function).collect();
    let heaps = found.heaps.into_iter().map(heap).collect();
    (!functions.is_empty()).then_some(TimerTotals { functions, heaps })
}

fn finalizers(found: Finalizers) -> Option<FinalizerTotals> {
    let running = |r: mapscope_go::RunningCall| RunningRow {
        goroutine: r.goroutine,
        cleanup: r.cleanup,
        function: r.function,
        inside: r.inside,
    };
    let of_type = |t: mapscope_go::FinalizerType| FinalizerRow {
        type_name: or_unknown(&t.type_name).to_owned(),
        finalizers: t.finalizers,
        cleanups: t.cleanups,
    };
    let queued = |q: mapscope_go::QueuedFunction| QueuedRow { function: q.function, count: q.count };
    let totals = FinalizerTotals {
        types: found.types.into_iter().map(of_type).collect(),
        queued_finalizers: found.queued_finalizers,
        queued_cleanups: found.queued_cleanups,
        queued: found.queued.into_iter().map(queued).collect(),
        running: found.running.into_iter().map(running).collect(),
    };
    (totals != FinalizerTotals::default()).then_some(totals)
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_escaped() {
        assert_eq!(super::escaped("größer \"a\\b\"\n\u{1b}[2J".as_bytes()), "größer \\\"a\\\\b\\\"\\n\\u{1b}[2J");
        assert_eq!(super::escaped(b"cut \xc3"), "cut \\xc3");
    }
}
