//! `mapscope capture`: what was written.

use super::TextOptions;
use super::footer::left_out;
use super::header::paused;
use super::style::{DIM, NAME, WARN, paint, safe, wrap};
use super::units::{bytes, duration};
use crate::model::Capture;

/// The file and its size, the pause, and what to do next.
pub fn capture(capture: &Capture, options: &TextOptions) -> String {
    let path = safe(&capture.path);
    let apparent = bytes(capture.apparent_bytes);
    let more = if capture.compressed {
        format!(", {apparent} decompressed, most of it holes")
    } else if capture.apparent_bytes > capture.disk_bytes {
        format!(" ({apparent} with its holes)")
    } else {
        String::new()
    };
    let how = Some(capture.pause.as_str()).filter(|how| !how.is_empty());
    let paused = paused(capture.paused_ms, how, capture.copied_bytes);
    let took = duration(capture.took_ms);
    let mut out = format!(
        "{} · {} on disk{more}\npid {} · {} · {paused} · written in {took}\n",
        paint(NAME, &path),
        bytes(capture.disk_bytes),
        capture.pid,
        safe(&capture.exe)
    );
    if let Some(reason) = &capture.why_not_forked {
        out = out + "copied, not forked: " + &safe(reason) + "\n";
    }
    if capture.heap_only {
        out += "only what the analysis reads: no memory of C code, no free pages\n";
    }
    if capture.redacted {
        out += "redacted: pointers and metadata of maps and the runtime stay, all else was overwritten\n";
    }
    let next = match &capture.not_go {
        None => format!("\n  {}\n", paint(DIM, format_args!("mapscope inspect {path}"))),
        Some(reason) => {
            let text = format!("mapscope cannot inspect this core: {}", safe(reason));
            let lines = wrap(&text, options.width.max(20));
            lines.iter().flat_map(|line| [paint(WARN, line), "\n".to_owned()]).collect()
        }
    };
    out + &next + &left_out(&capture.partial, options.width, |_| String::new())
}
