//! A core that was written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `mapscope capture --format json`: what was written, and what it cost the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Capture {
    /// Names this contract: `mapscope.capture/1`.
    pub schema: String,
    /// The process.
    pub pid: u32,
    /// Path of its executable.
    pub exe: String,
    /// The file.
    pub path: String,
    /// Bytes that it takes on the disk.
    pub disk_bytes: u64,
    /// Its length, holes and all; of a compressed one, the length that it will have.
    pub apparent_bytes: u64,
    /// It is compressed with zstd.
    pub compressed: bool,
    /// It holds only what the analysis reads.
    pub heap_only: bool,
    /// What is neither a pointer nor metadata was overwritten.
    pub redacted: bool,
    /// How long the process was stopped, in milliseconds.
    pub paused_ms: f64,
    /// How it was held still: `fork` (a copy-on-write child was written) or `copy` (its memory was copied first).
    pub pause: String,
    /// Bytes of memory that the snapshot cost: pages that the process wrote to or gave back since it was forked; or those
    /// that were copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_bytes: Option<u64>,
    /// Why it was copied, not forked, though that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not_forked: Option<String>,
    /// How long all of it took, in milliseconds.
    pub took_ms: f64,
    /// Why no other command can read the core: the process has no Go code. Absent when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_go: Option<String>,
    /// Why the core is partial: one sentence for each reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
}
