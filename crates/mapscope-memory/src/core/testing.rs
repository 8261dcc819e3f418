//! Builds small cores and executables, as the kernel and gdb would write them.

use crate::elf::{ET_CORE, HEADER_SIZE, PT_LOAD, PT_NOTE};

/// A segment to be written.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) vaddr: u64,
    pub(super) memsz: u64,
    pub(super) flags: u32,
    pub(super) bytes: Vec<u8>,
}

/// A file under construction: notes first, then segments, each right behind the other.
#[derive(Clone)]
pub(super) struct Builder {
    pub(super) kind: u16,
    pub(super) entry: u64,
    pub(super) notes: Vec<u8>,
    pub(super) loads: Vec<Load>,
    /// Write the count of segments the way of cores with very many.
    pub(super) many: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self { kind: ET_CORE, entry: 0, notes: Vec::new(), loads: Vec::new(), many: false }
    }
}

pub(super) fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

impl Builder {
    pub(super) fn load(mut self, vaddr: u64, memsz: u64, flags: u32, bytes: &[u8]) -> Self {
        self.loads.push(Load { vaddr, memsz, flags, bytes: bytes.to_vec() });
        self
    }

    pub(super) fn note(mut self, name: &str, kind: u32, desc: &[u8]) -> Self {
        self.notes.extend((name.len() as u32 + 1).to_le_bytes());
        self.notes.extend((desc.len() as u32).to_le_bytes());
        self.notes.extend(kind.to_le_bytes());
        for part in [name.as_bytes(), b"\0"].concat().chunks(usize::MAX).chain([desc]) {
            self.notes.extend(part);
            self.notes.resize(self.notes.len().next_multiple_of(4), 0);
        }
        self
    }

    /// A thread whose register words are `tid`, `tid + 1`, ...
    pub(super) fn thread(self, tid: u32) -> Self {
        let mut desc = vec![0; 336];
        desc[32..36].copy_from_slice(&tid.to_le_bytes());
        let registers: Vec<u64> = (0..27).map(|i| u64::from(tid) + i).collect();
        desc[112..328].copy_from_slice(&words(&registers));
        self.note("CORE", 1, &desc)
    }

    pub(super) fn pid(self, pid: u32) -> Self {
        let mut desc = vec![0; 136];
        desc[24..28].copy_from_slice(&pid.to_le_bytes());
        self.note("CORE", 3, &desc)
    }

    pub(super) fn auxv(self, pairs: &[u64]) -> Self {
        self.note("CORE", 6, &words(pairs))
    }

    /// `NT_FILE`; offsets are in pages.
    pub(super) fn files(self, files: &[(u64, u64, u64, &str)]) -> Self {
        let mut desc = words(&[files.len() as u64, 4096]);
        for &(start, end, offset, _) in files {
            desc.extend(words(&[start, end, offset]));
        }
        for (.., path) in files {
            desc.extend(path.as_bytes());
            desc.push(0);
        }
        self.note("CORE", 0x4649_4c45, &desc)
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let count = self.loads.len() + usize::from(!self.notes.is_empty());
        let mut out = vec![0; HEADER_SIZE];
        out[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        out[16..18].copy_from_slice(&self.kind.to_le_bytes());
        out[18] = 62;
        out[24..32].copy_from_slice(&self.entry.to_le_bytes());
        out[32] = HEADER_SIZE as u8;
        out[54] = 56;
        let shown = if self.many { 0xffff } else { count as u16 };
        out[56..58].copy_from_slice(&shown.to_le_bytes());

        let data_at = HEADER_SIZE + count * 56;
        let mut data = self.notes.clone();
        if !self.notes.is_empty() {
            out.extend(segment(PT_NOTE, 4, data_at as u64, 0, self.notes.len() as u64, 0));
        }
        for l in &self.loads {
            let at = (data_at + data.len()) as u64;
            out.extend(segment(PT_LOAD, l.flags, at, l.vaddr, l.bytes.len() as u64, l.memsz));
            data.extend(&l.bytes);
        }
        out.extend(data);
        if self.many {
            let sections_at = out.len() as u64;
            out[40..48].copy_from_slice(&sections_at.to_le_bytes());
            let mut section = [0; 64];
            section[44..48].copy_from_slice(&(count as u32).to_le_bytes());
            out.extend(section);
        }
        out
    }
}

fn segment(kind: u32, flags: u32, offset: u64, vaddr: u64, filesz: u64, memsz: u64) -> Vec<u8> {
    let mut out = Vec::from(kind.to_le_bytes());
    out.extend(flags.to_le_bytes());
    out.extend(words(&[offset, vaddr, vaddr, filesz, memsz, 1]));
    out
}
