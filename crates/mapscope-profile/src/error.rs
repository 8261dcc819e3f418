//! What can keep a profile from being read or written.

use std::io;

/// An error of this crate: what, where, and what to try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The compressed data is damaged or cut short.
    #[error("the profile cannot be decompressed: {0}; was it copied whole?")]
    Compressed(#[source] io::Error),
    /// The profile is larger than what is read.
    #[error("the profile is larger than {limit} {what}; no more are read")]
    TooLarge {
        /// How many of them are read.
        limit: usize,
        /// What there is too much of.
        what: &'static str,
    },
    /// The bytes are no message of this kind.
    #[error("this is no pprof profile: {0}")]
    Message(#[from] prost::DecodeError),
    /// A part refers to another that is not there, or is of another form than the rest.
    #[error("the profile contradicts itself: {what} {index} {problem}")]
    Inconsistent {
        /// The kind of part.
        what: &'static str,
        /// Which of them, counted from 0.
        index: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The compressor failed.
    #[error("the profile cannot be compressed: {0}")]
    Compress(#[source] io::Error),
}
