//! `mapscope capture`: what was written.

use super::TextOptions;
use super::footer::partial;
use super::style::{DIM, NAME, paint, safe};
use super::units::{bytes, duration};
use crate::model::Capture;

/// The file and its size, the pause, and what to do next.
pub fn capture(capture: &Capture, options: &TextOptions) -> String {
    let path = safe(&capture.path);
    let mut size = format!("{} on disk", bytes(capture.disk_bytes));
    if capture.compressed {
        size += &format!(", {} decompressed, most of it holes", bytes(capture.apparent_bytes));
    } else if capture.apparent_bytes > capture.disk_bytes {
        size += &format!(" ({} with its holes)", bytes(capture.apparent_bytes));
    }
    let mut out = format!("{} · {size}\n", paint(NAME, &path));
    let (paused, took) = (duration(capture.paused_ms), duration(capture.took_ms));
    out += &format!("pid {} · {} · paused {paused} · written in {took}\n", capture.pid, safe(&capture.exe));
    if capture.heap_only {
        out += "only what the analysis reads: no memory of C code, no free pages\n";
    }
    if capture.redacted {
        out += "redacted: pointers and metadata of maps and the runtime stay, all else was overwritten\n";
    }
    out += &format!("\n  {}\n", paint(DIM, format_args!("mapscope inspect {path}")));
    out + &partial(&capture.partial, options.width)
}
