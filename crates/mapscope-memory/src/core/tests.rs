//! Cores made by hand: whole, odd, truncated and damaged ones.

#![allow(clippy::unwrap_used)]

use super::testing::Builder;
use super::*;
use crate::Partial;
use crate::touch_all;

const R: u32 = 4;
const RW: u32 = 6;
const RX: u32 = 5;
/// Where the executable is mapped, and one page behind its first.
const BASE: u64 = 0x5555_0000_0000;
const TEXT: u64 = BASE + 0x1000;
const HEAP: u64 = 0xc0_0000_0000;

/// A position-independent executable of three pages, with a build id in the first.
fn exe(id: &[u8]) -> Vec<u8> {
    let builder = Builder { kind: 3, entry: 0x1040, ..Builder::default() };
    let mut bytes = builder.note("GNU", 3, id).load(0, 0x3000, RX, &[]).build();
    bytes.resize(0x3000, 0xee);
    // The one segment, whose header is the second, is the whole file.
    bytes[128..136].fill(0);
    bytes[152..160].copy_from_slice(&0x3000_u64.to_le_bytes());
    for (i, b) in bytes[0x1000..].iter_mut().enumerate() {
        *b = (i / 7) as u8;
    }
    bytes
}

fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

/// As the kernel writes it: first page of the executable, no text, data and heap in full, a reservation without bytes.
fn kernel_core() -> Builder {
    let aux = [3, BASE + 64, 9, BASE + 0x1040, 25, HEAP, 0, 0];
    Builder::default()
        .thread(7)
        .pid(7)
        .thread(9)
        .auxv(&aux)
        .files(&[(1 << 20, 2 << 20, 0, "/lib/x.so"), (BASE, TEXT, 0, "/bin/p"), (TEXT, BASE + 0x3000, 1, "/bin/p")])
        .load(1 << 20, 1 << 20, R, &[])
        .load(HEAP, 0x1000, RW, &pattern(0x1000, 1))
        .load(HEAP + 0x1000, 0x1000, RW, &pattern(0x1000, 2))
        .load(HEAP + 0x2000, 1 << 44, RW, &[])
        .load(BASE, 0x1000, R, &exe(b"same")[..0x1000])
        .load(TEXT, 0x2000, RX, &[])
}

fn open(core: &Builder) -> Core {
    Core::from_bytes(core.build(), exe(b"same")).unwrap()
}

fn fails(result: Result<Core, MemoryError>) -> String {
    result.err().expect("must be refused").to_string()
}

#[test]
fn reads_what_the_kernel_wrote_and_what_it_left_to_the_executable() {
    let core = open(&kernel_core());
    assert_eq!(core.info().partial, Partial::default());
    assert_eq!((core.info().pid, core.info().load_bias), (7, BASE));
    assert_eq!(core.info().exe, Path::new("/bin/p"));
    assert_eq!(core.threads().iter().map(|t| t.tid).collect::<Vec<_>>(), [7, 9]);
    assert_eq!((core.threads()[1].registers.pc, core.threads()[1].registers.sp), (9 + 16, 9 + 19));
    assert_eq!(core.regions().len(), 6);
    assert!(core.regions().is_sorted_by_key(|r| r.start));
    let text = core.regions().iter().find(|r| r.start == TEXT).unwrap();
    assert!(text.execute && !text.write && text.file == Some(("/bin/p".into(), 0x1000)));

    // From the core, from the executable, and across both.
    assert_eq!(core.borrow(TEXT + 14, 7), Some([2; 7].as_slice()));
    let mut buf = [0; 32];
    core.read_into(TEXT - 16, &mut buf).unwrap();
    assert_eq!(buf[..16], exe(b"same")[0xff0..0x1000]);
    assert_eq!(buf[16..], exe(b"same")[0x1000..0x1010]);
    assert_eq!(core.executable().len(), 0x3000);
}

#[test]
fn borrows_across_segments_that_lie_together() {
    let core = open(&kernel_core());
    let both = [pattern(0x1000, 1), pattern(0x1000, 2)].concat();
    assert_eq!(core.borrow(HEAP, 0x2000), Some(both.as_slice()));
    assert_eq!(core.borrow(HEAP, 0x2001), None);
    assert_eq!(core.u64(HEAP + 0xffc).unwrap(), u64::from_le_bytes(both[0xffc..0x1004].try_into().unwrap()));
    core.release(HEAP, usize::MAX);
    assert_eq!(core.borrow(HEAP, 0x2000), Some(both.as_slice()));
}

#[test]
fn says_why_bytes_are_not_there() {
    let core = open(&kernel_core());
    let mut scratch = Vec::new();
    let mut word = [5; 8];
    assert!(matches!(core.u64(HEAP + 0x2000), Err(MemoryError::NotInCore { .. })));
    assert!(matches!(core.read_into(HEAP + 0x1ffc, &mut word), Err(MemoryError::NotInCore { .. })));
    assert_eq!(word, [5; 8]);
    assert!(matches!(core.u64(0x10), Err(MemoryError::NotMapped { .. })));
    assert!(matches!(core.u64(u64::MAX - 2), Err(MemoryError::NotMapped { .. })));
    // A library is not opened for a core that is in memory.
    assert!(matches!(core.u64(1 << 20), Err(MemoryError::NotInCore { .. })));
    // The segment is that large; nothing is allocated for it.
    let huge = core.bytes(HEAP + 0x2000, 1 << 44, &mut scratch).map(<[u8]>::len);
    assert!(matches!(huge, Err(MemoryError::NotInCore { .. })));
    assert_eq!(scratch.capacity(), 0);
}

#[test]
fn serves_mappings_that_gdb_left_out() {
    let mut builder = kernel_core();
    builder.loads.retain(|l| l.vaddr != TEXT);
    let core = open(&builder);
    assert_eq!(core.borrow(TEXT + 7, 7), Some([1; 7].as_slice()));
    let text = core.regions().iter().find(|r| r.start == TEXT).unwrap();
    assert_eq!((text.end, text.execute), (BASE + 0x3000, true));
    assert_eq!(core.regions().len(), 6);
}

/// As [`exe`], with a page of data behind it.
fn exe_with_data() -> Vec<u8> {
    let builder = Builder { kind: 3, entry: 0x1040, ..Builder::default() };
    let builder = builder.note("GNU", 3, b"same").load(0, 0x3000, RX, &[]).load(0x3000, 0x1000, RW, &[]);
    let mut bytes = builder.build();
    bytes.resize(0x4000, 0xdd);
    // Offset and size in the file of the second and third segment.
    for (header, offset, len) in [(1, 0_u64, 0x3000_u64), (2, 0x3000, 0x1000)] {
        let at = 64 + 56 * header;
        bytes[at + 8..at + 16].copy_from_slice(&offset.to_le_bytes());
        bytes[at + 32..at + 40].copy_from_slice(&len.to_le_bytes());
    }
    bytes
}

#[test]
fn data_that_the_core_lost_is_not_what_the_executable_began_with() {
    let (data, page) = (BASE + 0x3000, pattern(0x1000, 5));
    let builder = |flags, held: &[u8]| {
        let files = [(BASE, TEXT, 0, "/bin/p"), (TEXT, data, 1, "/bin/p"), (data, data + 0x1000, 3, "/bin/p")];
        let aux = [3, BASE + 64, 9, BASE + 0x1040, 0, 0];
        let core = Builder::default().thread(7).auxv(&aux).files(&files).load(TEXT, 0x2000, RX, &[]);
        core.load(data, 0x1000, flags, held).build()
    };
    let open = |bytes: Vec<u8>| Core::from_bytes(bytes, exe_with_data()).unwrap();
    assert_eq!(open(builder(RW, &page)).borrow(data, 0x1000), Some(page.as_slice()));
    // Its segment is shorter, says that it cannot be written to, or is not there.
    for core in [open(builder(RW, &page[..8])), open(builder(R, &page[..8]))] {
        assert_eq!(core.borrow(data, 8), Some(&page[..8]));
        assert!(matches!(core.u64(data + 8), Err(MemoryError::NotInCore { .. })));
    }
    let mut moved = builder(RW, &page);
    let header = 64 + 56 * 2 + 16;
    moved[header..header + 8].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    let core = open(moved);
    assert!(matches!(core.u64(data), Err(MemoryError::NotInCore { .. })));
    assert_eq!(core.u8(TEXT).unwrap(), 0xdd, "the rest is still served");
}

#[test]
fn finds_the_text_without_a_list_of_files() {
    let builder = Builder::default().thread(7).auxv(&[9, BASE + 0x1040]).load(HEAP, 8, RW, &pattern(8, 0));
    let exe = Builder { kind: 3, entry: 0x1040, ..Builder::default() };
    let exe = exe.load(0x1000, 0x80, RX, &pattern(0x80, 3)).build();
    // The one segment of this file starts behind its headers, which no loader could map; so nothing is served.
    let core = Core::from_bytes(builder.build(), exe.clone()).unwrap();
    assert!(core.u8(BASE + 0x1000).is_err());
    let mut exe = exe;
    exe[72..80].copy_from_slice(&[0; 8]);
    let core = Core::from_bytes(builder.build(), exe.clone()).unwrap();
    assert_eq!(core.borrow(BASE + 0x1000, 0x80), Some(&exe[..0x80]));
    assert_eq!(core.info().load_bias, BASE);
}

#[test]
fn refuses_another_build() {
    let other = fails(Core::from_bytes(kernel_core().build(), exe(b"diff")));
    assert!(other.contains("build id 73616d65 in the target, 64696666 in the file"), "{other}");
    // Without the page there is nothing to compare.
    let mut builder = kernel_core();
    builder.loads.iter_mut().filter(|load| load.vaddr == BASE).for_each(|load| load.bytes.clear());
    assert!(Core::from_bytes(builder.build(), exe(b"diff")).is_ok());
}

#[test]
fn refuses_what_is_not_a_core() {
    assert!(fails(Core::from_bytes(exe(b"x"), exe(b"x"))).contains("is an executable or a shared library, not a core"));
    assert!(
        fails(Core::from_bytes(kernel_core().build(), kernel_core().build())).contains("a core, not an executable")
    );
    assert!(fails(Core::from_bytes(Vec::new(), exe(b"x"))).contains("it is empty"));
    assert!(fails(Core::from_bytes(kernel_core().build(), b"#!/bin/sh".to_vec())).contains("not an ELF file"));
}

#[test]
fn counts_more_segments_than_the_header_can() {
    let core = open(&Builder { many: true, ..kernel_core() });
    assert_eq!(core.info().partial, Partial::default());
    assert_eq!(core.regions().len(), 6);
}

#[test]
fn tolerates_overlap_and_wrap() {
    let core = open(
        &kernel_core()
            .load(HEAP + 0x800, 0x1000, RW, &pattern(0x1000, 9))
            .load(u64::MAX - 0xfff, 1 << 40, R, &pattern(64, 9))
            .load(0x10, 0, R, &pattern(8, 9)),
    );
    // The table is out of order; one wraps, one overlaps, one is both.
    assert_eq!(core.info().partial.len(), 4, "{:?}", core.info().partial);
    assert_eq!(core.borrow(HEAP, 0x1000), Some(pattern(0x1000, 1).as_slice()));
    assert_eq!(core.u8(HEAP + 0x1000).unwrap(), pattern(0x1000, 9)[0x800]);
    assert_eq!(core.borrow(u64::MAX - 0xfff, 64), Some(pattern(64, 9).as_slice()));
    assert_eq!(core.borrow(0x10, 8), Some(pattern(8, 9).as_slice()));
    assert!(core.regions().windows(2).all(|w| w[0].end <= w[1].start));
}

#[test]
fn every_truncation_is_an_error_or_a_partial_core() {
    let whole = kernel_core().build();
    for len in 0..whole.len() {
        match Core::from_bytes(whole[..len].to_vec(), exe(b"same")) {
            Ok(core) => {
                assert!(!core.info().partial.is_empty(), "cut at {len}");
                touch_all(&core);
            }
            Err(e) => assert!(len < 64, "cut at {len}: {e}"),
        }
    }
    let core = Core::from_bytes(whole[..whole.len() - 0x2800].to_vec(), exe(b"same")).unwrap();
    let lost = format!("needs 4096 bytes, but the file ends at {:#x}", whole.len() - 0x2800);
    assert!(core.info().partial.iter().any(|p| p.sentence.contains(&lost)), "{:?}", core.info().partial);
    assert!(core.u64(HEAP + 0x7f8).is_ok());
    assert!(matches!(core.u64(HEAP + 0x7fc), Err(MemoryError::Truncated { .. })));
    assert!(matches!(core.u64(HEAP + 0x1000), Err(MemoryError::Truncated { .. })));
}

#[test]
fn damage_never_panics() {
    let mut builder = kernel_core();
    builder.loads.iter_mut().for_each(|l| l.bytes.truncate(256));
    let (whole, program) = (builder.build(), exe(b"same"));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        // xorshift64: the same bytes on every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    for round in 0..20_000 {
        let (mut core, mut program) = (whole.clone(), program.clone());
        let bytes = if round % 4 == 0 { &mut program } else { &mut core };
        for _ in 0..=random() % 4 {
            // Mostly in the headers and notes, where structure is.
            let at = random() % bytes.len().min(2048);
            bytes[at] = [0, 0xff, 0x7f, 1, random() as u8][random() % 5];
            if random() % 4 == 0 {
                let word = [u64::MAX, u64::MAX - 4095, 1 << 63, random() as u64][random() % 4];
                let at = at / 8 * 8;
                bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            }
        }
        if let Ok(core) = Core::from_bytes(core, program) {
            touch_all(&core);
        }
    }
}

#[test]
fn damaged_segments_are_counted_beyond_the_first() {
    let mut builder = Builder::default().thread(1);
    for i in 0..20 {
        builder = builder.load(0x1000 * (20 - i), 0x2000, RW, &[1]);
    }
    let partial = open(&builder).info().partial.clone();
    assert_eq!(partial.iter().filter(|p| p.sentence.contains("overlaps another")).count(), 8);
    assert!(partial.iter().any(|p| p.sentence.starts_with("11 more segments")), "{partial:?}");
}

#[test]
fn files_that_a_core_names_are_not_waited_for() {
    let directory = std::env::temp_dir().join(format!("mapscope-named-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (core, program, pipe) = (directory.join("core"), directory.join("p"), directory.join("pipe"));
    std::fs::write(&program, exe(b"same")).unwrap();
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let naming = |exe: &str, library: &str| {
        let files = [(1 << 20, 2 << 20, 0, library), (BASE, TEXT, 0, exe), (TEXT, BASE + 0x3000, 1, exe)];
        let builder = Builder { notes: Vec::new(), ..kernel_core() }.thread(7).auxv(&[9, BASE + 0x1040, 0, 0]);
        std::fs::write(&core, builder.files(&files).build()).unwrap();
        Core::open(&core, None)
    };
    let (p, pipe) = (program.to_str().unwrap(), pipe.to_str().unwrap());
    for library in [pipe, "/dev/zero"] {
        // What it would say is missing, and nothing else.
        assert!(naming(p, library).unwrap().borrow(1 << 20, 8).is_none());
    }
    let of_pipe = fails(naming(pipe, p));
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(of_pipe.contains("cannot be opened (it is a pipe): pass the executable with --exe"), "{of_pipe}");
}

#[test]
fn a_core_is_as_old_as_it_says_or_as_its_file() {
    use std::time::{Duration, UNIX_EPOCH};

    let directory = std::env::temp_dir().join(format!("mapscope-core-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (core, program) = (directory.join("core"), directory.join("p"));
    std::fs::write(&program, exe(b"same")).unwrap();
    let (written, said) = (Duration::from_secs(1_700_000_000), Duration::from_nanos(1_600_000_000_123_456_789));
    let times = |builder: Builder| {
        std::fs::write(&core, builder.build()).unwrap();
        std::fs::File::options().write(true).open(&core).unwrap().set_modified(UNIX_EPOCH + written).unwrap();
        let info = Core::open(&core, Some(&program)).unwrap().info;
        (info.taken_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok()), info.file_time)
    };
    assert_eq!(times(kernel_core()), (Some(written), true));
    let origin = origin::Origin { taken_at: Some(UNIX_EPOCH + said), ..origin::Origin::default() };
    assert_eq!(times(kernel_core().note("mapscope", origin::NT_ORIGIN, &origin.encode())), (Some(said), false));
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!((open(&kernel_core()).info.taken_at, open(&kernel_core()).info.file_time), (None, false));
}

#[test]
fn tables_that_no_writer_makes_are_damaged() {
    let says = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut core = kernel_core().build();
        change(&mut core);
        Core::from_bytes(core, exe(b"same")).unwrap().info().partial.sentences().join("; ")
    };
    let put = |core: &mut Vec<u8>, header: usize, field: usize, value: u64| {
        let at = 64 + 56 * header + field;
        core[at..at + 8].copy_from_slice(&value.to_le_bytes());
    };
    assert_eq!(says(&|_| ()), "");
    // The third header is that of the first page of the heap, behind those of notes and of a library.
    assert!(says(&|core| put(core, 2, 0, 7)).contains("segment 2 of the core is of kind 0x7"));
    assert!(says(&|core| put(core, 2, 16, 1 << 45)).contains("is not in order"));
    assert!(says(&|core| put(core, 2, 40, 0x800)).contains("4096 bytes in the file and 2048 in memory"));
    for (field, value) in [(32, 0), (32, 0x2000), (8, 0)] {
        let said = says(&|core| put(core, 2, field, value));
        assert!(said.contains("does not follow on segment"), "{field}: {said}");
    }
    let notes = 64 + 56 * 7;
    assert!(says(&|core| core[notes + 7] = 0x7f).contains("make no sense from byte"));
    assert!(says(&|core| core[notes + 12] = 0).contains("has no name"));
    // The size of the list of files: its paths are cut off.
    let whole = kernel_core().build();
    let files = whole.windows(4).position(|w| w == 0x4649_4c45_u32.to_le_bytes()).unwrap();
    assert!(says(&|core| core[files + 8 + 8..][..8].fill(0xff)).contains("list of mapped files makes no sense"));
}
