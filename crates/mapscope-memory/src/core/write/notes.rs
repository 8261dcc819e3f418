//! The notes of a core, in the order in which the kernel writes them (Linux `fs/binfmt_elf.c`, `fill_note_info`).

use std::collections::HashSet;
use std::path::PathBuf;

use super::Redaction;
use crate::core::origin::{NT_ORIGIN, OWNER, Origin};
use crate::core::records::{NT_AUXV, NT_FILE, NT_PRPSINFO, NT_PRSTATUS, PRSTATUS_REGISTERS, PRSTATUS_TID};
use crate::{AMD64, Memory, ProcessRecord, Region, Thread};

const NT_FPREGSET: u32 = 2;
const NT_X86_XSTATE: u32 = 0x202;
/// Sizes of `struct elf_prstatus`, `struct elf_prpsinfo` and `struct user_i387_struct` on amd64.
const PRSTATUS: usize = 336;
/// See [`PRSTATUS`].
const PRPSINFO: usize = 136;
/// See [`PRSTATUS`].
const FPREGSET: usize = 512;
/// In `user_regs_struct`: the frame pointer; the flags; the first of the registers that say nothing of the program
/// (`orig_rax` comes before it; pc, segments, flags and bases of segments follow).
const USER_REGS_BP: usize = 4;
/// See [`USER_REGS_BP`].
const USER_REGS_FLAGS: usize = 18;
/// See [`USER_REGS_BP`].
const USER_REGS_STATE: usize = 16;

/// All notes of a core.
pub(super) fn all(
    record: &ProcessRecord,
    memory: &dyn Memory,
    origin: &Origin,
    redaction: Option<&Redaction>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let threads: Vec<Thread> = memory.threads().iter().map(|t| shown(t, redaction)).collect();
    let arguments = if redaction.is_some() { &[][..] } else { &record.arguments };
    // The first thread of a core is the one that a debugger shows first.
    let (first, others): (Vec<&Thread>, Vec<&Thread>) = threads.iter().partition(|t| t.tid == record.pid);
    for (index, thread) in first.into_iter().chain(others).enumerate() {
        note(&mut out, b"CORE", NT_PRSTATUS, &prstatus(record, thread));
        if index == 0 {
            note(&mut out, b"CORE", NT_PRPSINFO, &prpsinfo(record, arguments));
            note(&mut out, b"CORE", NT_AUXV, &record.auxv);
            note(&mut out, b"CORE", NT_FILE, &files(memory.regions(), redaction.is_some()));
            note(&mut out, OWNER, NT_ORIGIN, &origin.encode());
        }
        if let Some(floating) = thread.extended.get(..FPREGSET) {
            note(&mut out, b"CORE", NT_FPREGSET, floating);
        }
        if thread.extended.len() > FPREGSET {
            note(&mut out, b"LINUX", NT_X86_XSTATE, &thread.extended);
        }
    }
    out
}

fn note(out: &mut Vec<u8>, owner: &[u8], kind: u32, desc: &[u8]) {
    out.extend((owner.len() as u32 + 1).to_le_bytes());
    out.extend((desc.len() as u32).to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(owner);
    out.push(0);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(desc);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A fixed structure under construction.
struct Fields(Vec<u8>);

impl Fields {
    fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        if let Some(to) = self.0.get_mut(at..at + bytes.len()) {
            to.copy_from_slice(bytes);
        }
        self
    }

    /// Text with a zero behind it, as much as fits into `room` bytes.
    fn text(&mut self, at: usize, room: usize, text: &[u8]) -> &mut Self {
        self.put(at, &text[..text.len().min(room - 1)])
    }
}

fn prstatus(record: &ProcessRecord, thread: &Thread) -> Vec<u8> {
    let mut fields = Fields(vec![0; PRSTATUS]);
    let ids = [thread.tid, record.parent, record.group, record.session];
    fields.put(PRSTATUS_TID, &ids.map(u32::to_le_bytes).concat());
    let registers: Vec<u8> = thread.registers.words.iter().flat_map(|w| w.to_le_bytes()).collect();
    fields.put(PRSTATUS_REGISTERS, &registers);
    fields.put(PRSTATUS_REGISTERS + AMD64.user_regs_size, &u32::from(!thread.extended.is_empty()).to_le_bytes());
    fields.0
}

fn prpsinfo(record: &ProcessRecord, arguments: &[u8]) -> Vec<u8> {
    // The kernel numbers states by their place in this list.
    let state = b"RSDTZW".iter().position(|&s| s == record.state).unwrap_or(0) as u8;
    let mut fields = Fields(vec![0; PRPSINFO]);
    fields.put(0, &[state, record.state, u8::from(record.state == b'Z'), record.nice as u8]);
    fields.put(8, &record.flags.to_le_bytes());
    let ids = [record.uid, record.gid, record.pid, record.parent, record.group, record.session];
    fields.put(16, &ids.map(u32::to_le_bytes).concat());
    fields.text(40, 16, &record.name).text(56, 80, arguments);
    fields.0
}

/// A thread as the core shows it. Of a redacted one, its registers are left that lead somewhere, and those that say how
/// the processor runs; the floating point registers are not.
fn shown(thread: &Thread, redaction: Option<&Redaction>) -> Thread {
    let Some(redaction) = redaction else { return thread.clone() };
    let (mut thread, arch) = (Thread { extended: Vec::new(), ..thread.clone() }, &AMD64);
    let kept = [arch.user_regs_pc / 8, arch.user_regs_sp / 8, USER_REGS_BP];
    for (index, word) in thread.registers.words.iter_mut().enumerate() {
        if !kept.contains(&index) && index < USER_REGS_STATE {
            *word = redaction.register(*word);
        } else if index == USER_REGS_FLAGS {
            *word = 0;
        }
    }
    thread
}

/// A count, the unit of offsets, (start, end, offset) for each mapped file, then all paths.
fn files(regions: &[Region], programs_only: bool) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    // Files of data may have telling names.
    let programs: HashSet<&PathBuf> =
        regions.iter().filter(|r| r.execute).filter_map(|r| Some(&r.file.as_ref()?.0)).collect();
    let shown = |path: &PathBuf| !programs_only || programs.contains(path);
    let mapped = || regions.iter().filter_map(|r| Some((r, r.file.as_ref().filter(|f| shown(&f.0))?)));
    let mut out: Vec<u8> = [mapped().count() as u64, AMD64.page_size].iter().flat_map(|w| w.to_le_bytes()).collect();
    for (region, (_, offset)) in mapped() {
        for word in [region.start, region.end, offset / AMD64.page_size] {
            out.extend(word.to_le_bytes());
        }
    }
    for (_, (path, _)) in mapped() {
        out.extend(path.as_os_str().as_bytes());
        out.push(0);
    }
    out
}
