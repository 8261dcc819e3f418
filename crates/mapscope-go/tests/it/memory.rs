//! Where resident memory went, against what programs and the kernel say.

use mapscope_go::{ClassUse, MemoryParts};
use mapscope_memory::Process;
use serde_json::Value;

use crate::matrix::Program;
use crate::target::{Reading, Running, read_files};
use crate::{check_all, cores};

const PAGE: u64 = 4096;

/// Programs that hold still; `resident` knows its memory, with debug information and without.
fn holds_still(program: &Program) -> bool {
    let still = matches!(program.program.as_str(), "resident" | "cgo" | "heap" | "places") || program.has_modules();
    still && (program.has_names() || program.program == "resident")
}

#[test]
fn parts_of_live_targets_sum_to_rss() {
    check_all(holds_still, |program| {
        let target = Running::start(program);
        let process = Process::attach(target.child.id()).unwrap();
        // The figure is exact while the target stands still; it also walks page tables.
        let rss = rss(target.child.id());
        let reading = read_files(&process);
        let mut wrong = Vec::new();
        let Some(parts) = check(&reading, &target.truth, &mut wrong) else { return wrong };
        if parts.resident != rss {
            wrong.push(format!("RSS is {rss}, {} are resident", parts.resident));
        }
        if program.program == "resident" {
            knows_its_memory(&target.truth, &parts, &mut wrong);
            nothing_else_is_other(program, &target.truth, &parts, &mut wrong);
        }
        wrong
    });
}

#[test]
fn parts_of_cores_sum_to_what_they_hold() {
    let some = |p: &Program| holds_still(p) && (p.has_modules() || matches!(p.program.as_str(), "resident" | "cgo"));
    check_all(some, |program| {
        let target = Running::start(program);
        let truth = target.truth.clone();
        let rss = rss(target.child.id());
        let core = cores::kernel_or_gdb(target);
        let reading = core.read(program);
        let mut wrong = Vec::new();
        let Some(parts) = check(&reading, &truth, &mut wrong) else { return wrong };
        // Pages of files are left to the files; the crash itself touches stacks.
        if parts.resident > rss + 64 * PAGE {
            wrong.push(format!("the core holds {} of {rss} bytes", parts.resident));
        }
        if program.program == "resident" {
            knows_its_memory(&truth, &parts, &mut wrong);
            nothing_else_is_other(program, &truth, &parts, &mut wrong);
        }
        wrong
    });
}

/// What must hold of every target.
fn check(reading: &Reading, truth: &Value, wrong: &mut Vec<String>) -> Option<MemoryParts> {
    wrong.extend(reading.error.iter().cloned());
    wrong.extend(reading.partial.iter().map(|p| format!("partial: {p}")));
    let Some(parts) = reading.memory.clone() else {
        wrong.push("no parts of memory".to_owned());
        return None;
    };
    let MemoryParts { live, garbage, fragmentation, free, stacks, runtime, binary, other, .. } = parts;
    let sum = live + garbage + fragmentation + free + stacks + runtime.unwrap_or(0) + binary + other;
    expect(wrong, "the sum of the parts", sum, parts.resident, 0);
    for (name, of) in [("live", live), ("garbage", garbage), ("fragmentation", fragmentation)] {
        let field: fn(&ClassUse) -> u64 = match name {
            "live" => |c| c.live,
            "garbage" => |c| c.garbage,
            _ => |c| c.fragmentation,
        };
        expect(wrong, &format!("{name} of all classes"), parts.classes.iter().map(field).sum(), of, 0);
    }
    let (Some(pages), Some(statistics)) = (parts.pages, parts.statistics) else {
        wrong.push("no statistics".to_owned());
        return None;
    };
    // Structures against counters, at the same instant.
    let totals = &reading.totals;
    for (name, found, said) in [
        ("HeapInuse by spans", pages.in_use, statistics.heap_inuse),
        ("HeapInuse by slots", totals.object_bytes + totals.fragmentation_bytes, statistics.heap_inuse),
        ("StackInuse", pages.stacks, statistics.stack_inuse),
        ("HeapIdle", pages.idle, statistics.heap_idle),
        ("HeapReleased", pages.released, statistics.heap_released),
    ] {
        expect(wrong, name, found, said, 0);
    }
    let own = statistics.mspan_sys + statistics.mcache_sys + statistics.buckhash_sys;
    let own = own + statistics.gc_sys + statistics.other_sys;
    // The index of arenas (`sysAllocOS`) and system stacks are in no counter.
    if runtime.is_none_or(|r| r == 0 || r > own + 64 * PAGE) {
        wrong.push(format!("the runtime has {runtime:?} of the {own} bytes it knows of"));
    }
    // C allocated a mebibyte and wrote the first half of it.
    let in_c = ["cgo", "carchive", "cshared"].iter().any(|program| truth["program"] == *program);
    if in_c && !(512 << 10..1 << 20).contains(&other) {
        wrong.push(format!("{other} bytes are other"));
    }
    Some(parts)
}

/// The figures that `resident` printed.
fn knows_its_memory(truth: &Value, parts: &MemoryParts, wrong: &mut Vec<String>) {
    let said = |key: &str| number(truth, key);
    let Some(statistics) = parts.statistics else { return };
    for (key, found) in [
        ("heap_sys", statistics.heap_sys),
        ("heap_idle", statistics.heap_idle),
        ("heap_inuse", statistics.heap_inuse),
        ("heap_released", statistics.heap_released),
        ("stack_inuse", statistics.stack_inuse),
        ("stack_sys", statistics.stack_sys),
        ("mspan_inuse", statistics.mspan_inuse),
        ("mspan_sys", statistics.mspan_sys),
        ("mcache_inuse", statistics.mcache_inuse),
        ("mcache_sys", statistics.mcache_sys),
        ("buckhash_sys", statistics.buckhash_sys),
        ("gc_sys", statistics.gc_sys),
        ("other_sys", statistics.other_sys),
    ] {
        expect(wrong, key, found, said(key), 0);
    }
    // Live and garbage objects are resident but for the second half of the large one.
    let untouched = said("large_bytes") - said("large_touched_bytes");
    expect(wrong, "live and garbage", parts.live + parts.garbage, said("heap_alloc") - untouched, 16 * PAGE);
    expect(wrong, "garbage", parts.garbage, said("garbage_bytes"), 64 << 10);
    let resident = said("heap_inuse") - untouched;
    expect(wrong, "spans", parts.live + parts.garbage + parts.fragmentation, resident, 64 * PAGE);
    expect(wrong, "free", parts.free, said("heap_idle") - said("heap_released"), 4 << 20);
    if parts.free < said("idle_bytes") * 9 / 10 {
        wrong.push(format!("{} of {} bytes are free", parts.free, said("idle_bytes")));
    }
    // Grown stacks are touched as deep as they were used.
    if parts.stacks > said("stack_inuse") + 64 * PAGE || parts.stacks < said("stack_inuse") / 2 {
        wrong.push(format!("stacks are {}, of {} in use", parts.stacks, said("stack_inuse")));
    }
    let small = said("small_slot_bytes");
    let Some(class) = parts.classes.iter().find(|c| c.slot_bytes == Some(small)) else {
        wrong.push(format!("no class of {small} bytes"));
        return;
    };
    if class.live_slots.abs_diff(said("small_objects")) > 1000 {
        wrong.push(format!("{} objects of {small} bytes, not {}", class.live_slots, said("small_objects")));
    }
    let free = (class.slots - class.live_slots - class.garbage_slots) * small;
    expect(wrong, "holes", free, said("small_free_bytes"), 64 << 10);
    // All of their spans are resident, and what is not a free slot is a tail: bitmaps, and what is left over.
    let tails = class.fragmentation - free;
    if tails > class.spans * 2 * small {
        wrong.push(format!("{tails} bytes of tails in {} spans", class.spans));
    }
}

/// Whatever of the runtime's memory no list leads to would be found here: exact to the page, but for what the dynamic
/// loader has in position-independent programs.
fn nothing_else_is_other(program: &Program, truth: &Value, parts: &MemoryParts, wrong: &mut Vec<String>) {
    let loader = if program.variant.ends_with("pie") { 8 * PAGE } else { 0 };
    let touched = number(truth, "touched_bytes");
    if !(touched..=touched + loader).contains(&parts.other) {
        wrong.push(format!("other: {} found, {touched} expected", parts.other));
    }
}

fn number(truth: &Value, key: &str) -> u64 {
    truth[key].as_u64().unwrap_or_else(|| panic!("{key} is not in {truth}"))
}

fn expect(wrong: &mut Vec<String>, name: &str, found: u64, said: u64, tolerance: u64) {
    if found.abs_diff(said) > tolerance {
        wrong.push(format!("{name}: {found} found, {said} expected"));
    }
}

/// `Rss` of `/proc/PID/smaps_rollup`.
fn rss(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("Rss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
