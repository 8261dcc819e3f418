//! Makes a core smaller without making it poorer.
//!
//! gdb stores reserved address space too: Go reserves a gigabyte of it, which reads as zeros. The demo unpacks its core
//! into memory, so those segments are left out.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Result, bail};

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const PT_LOAD: u32 = 1;
const WRITE_OR_EXECUTE: u32 = 3;
const CHUNK: usize = 1 << 20;

struct Segment {
    header: [u8; PROGRAM_HEADER],
    offset: u64,
    size: u64,
}

/// Copies a 64-bit little-endian core without the segments that can only be read, and hold nothing but zeros.
pub(crate) fn compact(from: &Path, to: &Path) -> Result<()> {
    let mut input = BufReader::with_capacity(CHUNK, File::open(from)?);
    let mut header = [0; HEADER];
    input.read_exact(&mut header)?;
    if header[..6] != *b"\x7fELF\x02\x01" || u16_at(&header, 54) as usize != PROGRAM_HEADER {
        bail!("{} is not a core that this understands", from.display());
    }
    let count = u16_at(&header, 56);
    input.seek(SeekFrom::Start(u64_at(&header, 32)))?;
    let mut segments = Vec::new();
    for _ in 0..count {
        let mut header = [0; PROGRAM_HEADER];
        input.read_exact(&mut header)?;
        segments.push(Segment { offset: u64_at(&header, 8), size: u64_at(&header, 32), header });
    }
    let mut kept = Vec::new();
    for segment in segments {
        let (kind, flags) = (u32_at(&segment.header, 0), u32_at(&segment.header, 4));
        if kind != PT_LOAD || flags & WRITE_OR_EXECUTE != 0 || !is_zero(&mut input, &segment)? {
            kept.push(segment);
        }
    }

    let mut output = BufWriter::with_capacity(CHUNK, File::create(to)?);
    header[32..40].copy_from_slice(&(HEADER as u64).to_le_bytes());
    header[56..58].copy_from_slice(&(kept.len() as u16).to_le_bytes());
    // No section headers: they would only repeat the segments.
    header[40..48].fill(0);
    header[58..64].fill(0);
    output.write_all(&header)?;
    let mut offset = (HEADER + kept.len() * PROGRAM_HEADER) as u64;
    for segment in &mut kept {
        segment.header[8..16].copy_from_slice(&offset.to_le_bytes());
        output.write_all(&segment.header)?;
        offset += segment.size;
    }
    for segment in &kept {
        input.seek(SeekFrom::Start(segment.offset))?;
        if std::io::copy(&mut input.by_ref().take(segment.size), &mut output)? != segment.size {
            bail!("{} is cut short", from.display());
        }
    }
    output.flush()?;
    Ok(())
}

fn is_zero(input: &mut BufReader<File>, segment: &Segment) -> Result<bool> {
    input.seek(SeekFrom::Start(segment.offset))?;
    let mut left = segment.size;
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let part = &mut buffer[..left.min(CHUNK as u64) as usize];
        input.read_exact(part)?;
        if part.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        left -= part.len() as u64;
    }
    Ok(true)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
