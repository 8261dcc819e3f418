//! From the allocations that a program sampled to pprof profiles.

use std::time::{SystemTime, UNIX_EPOCH};

use mapscope_go::{CodeMapping, CodeSpot, HeapProfile, HeapRecord, Sampling};
use mapscope_profile::{Builder, Frame, Label, Mapping, Profile};

use crate::source::Loaded;

/// The program's own heap profile: what `runtime/pprof` would write, sample by sample.
pub(crate) fn heap_profile(profile: &HeapProfile<'_>, loaded: &Loaded<'_, '_>, notes: &[String]) -> Profile {
    let types =
        [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")];
    let values = |record: &HeapRecord| {
        let (allocated, in_use) =
            (record.scaled(profile.sampling, record.allocs), record.scaled(profile.sampling, record.in_use()));
        vec![allocated.0, allocated.1, in_use.0, in_use.1]
    };
    build(Builder::new(types), profile, loaded, notes, values)
}

/// What is live and what is garbage at this moment, by the stack that allocated it.
pub(crate) fn live_heap(profile: &HeapProfile<'_>, loaded: &Loaded<'_, '_>, notes: &[String]) -> Profile {
    let types =
        [("live_objects", "count"), ("live_space", "bytes"), ("garbage_objects", "count"), ("garbage_space", "bytes")];
    let mut builder = Builder::new(types);
    builder.show_first("live_space");
    let values = |record: &HeapRecord| {
        let (live, garbage) =
            (record.scaled(profile.sampling, record.live), record.scaled(profile.sampling, record.garbage));
        vec![live.0, live.1, garbage.0, garbage.1]
    };
    build(builder, profile, loaded, notes, values)
}

fn build(
    mut builder: Builder,
    profile: &HeapProfile<'_>,
    loaded: &Loaded<'_, '_>,
    notes: &[String],
    values: impl Fn(&HeapRecord) -> Vec<i64>,
) -> Profile {
    let rate = match profile.sampling {
        Sampling::Every(rate) => i64::try_from(rate).unwrap_or(i64::MAX),
        Sampling::Off | Sampling::LeftOut | Sampling::Unknown => 0,
    };
    builder.period("space", "bytes", rate);
    // A core does not say when it was taken.
    if loaded.inspection().target.paused_ms.is_some() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        builder.time(i64::try_from(now.as_nanos()).unwrap_or(0));
    }
    for note in notes {
        builder.comment(note);
    }
    let places: Vec<Option<usize>> = profile.spots.iter().map(|s| mapping_of(&profile.mappings, s.address)).collect();
    add_mappings(&mut builder, profile, &places, loaded);
    let location = |(spot, place): (&CodeSpot<'_>, &Option<usize>)| {
        let frames = spot.frames.iter().map(|f| Frame {
            function: f.function,
            file: f.file,
            line: i64::from(f.line),
            start_line: i64::from(f.start_line),
        });
        builder.location(spot.address, *place, frames)
    };
    let locations: Vec<usize> = profile.spots.iter().zip(&places).map(location).collect();
    let bytes = builder.text("bytes");
    for record in &profile.records {
        let stack = record.stack.iter().filter_map(|spot| locations.get(*spot as usize).copied()).collect();
        let size = i64::try_from(record.object_size).unwrap_or(i64::MAX);
        let label = Label { key: bytes.clone(), number: size, ..Label::default() };
        builder.sample(stack, values(record), vec![label]);
    }
    builder.build()
}

/// The index of the mapping that covers an address; they are sorted.
fn mapping_of(mappings: &[CodeMapping], address: u64) -> Option<usize> {
    let index = mappings.partition_point(|m| m.end <= address);
    mappings.get(index).filter(|m| m.start <= address).map(|_| index)
}

fn add_mappings(builder: &mut Builder, profile: &HeapProfile<'_>, places: &[Option<usize>], loaded: &Loaded<'_, '_>) {
    // Whether there are locations in each, and whether all of those have their functions.
    let mut known = vec![(false, true); profile.mappings.len()];
    for (spot, place) in profile.spots.iter().zip(places) {
        if let Some(known) = place.and_then(|index| known.get_mut(index)) {
            *known = (true, known.1 && !spot.frames.is_empty());
        }
    }
    for (mapping, known) in profile.mappings.iter().zip(known) {
        let CodeMapping { start, end, offset, file } = mapping;
        let is_executable = file.as_os_str() == loaded.inspection().target.exe.as_str();
        let build_id = loaded.session().build_id.as_deref().filter(|_| is_executable);
        let mapping = Mapping {
            start: *start,
            limit: *end,
            offset: *offset,
            file: builder.text(&file.to_string_lossy()),
            build_id: builder.text(build_id.unwrap_or_default()),
            has_functions: known == (true, true),
        };
        builder.mapping(mapping);
    }
}
