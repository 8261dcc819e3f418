//! What a rule says.

use mapscope_heap::FreedShare;

/// How urgent a finding is: by bytes and by their share of the live heap (`severity.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Low,
    /// Worth an afternoon.
    Medium,
    /// Worth getting up for.
    High,
}

impl Severity {
    /// `high`, `medium` or `low`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Code of the rule: `GM001`.
    pub rule: &'static str,
    /// Its name: `drained-map`.
    pub name: &'static str,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about: the owner of a map, a place, a function.
    pub subject: String,
    /// One or two sentences: what is, and why.
    pub summary: String,
    /// The figures behind it.
    pub evidence: Vec<(&'static str, u64)>,
    /// Bytes that following the advice frees, besides what other findings free already: the sum over all findings is what
    /// following all of them frees.
    pub reclaimable_bytes: u64,
    /// Of those, bytes of no live objects: stacks, garbage, and slots that nothing uses.
    pub not_live_bytes: u64,
    /// Bytes that following this advice alone would free as well, but that other findings have in their sums.
    pub shared_bytes: u64,
    /// One of those findings: its rule and subject. Empty when there is none.
    pub shared_with: String,
    /// What to do, with code where code does it.
    pub advice: String,
}

/// What a rule says of one subject; code, name and severity follow from the rule and the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claim {
    pub(crate) subject: String,
    /// However few the bytes.
    pub(crate) at_least: Severity,
    pub(crate) summary: String,
    pub(crate) evidence: Vec<(&'static str, u64)>,
    /// What following the advice frees, whatever else is done.
    pub(crate) reclaimable_bytes: u64,
    /// Of those, bytes of no live objects.
    pub(crate) not_live_bytes: u64,
    /// Of those, bytes that causes (see [`Cause`](crate::CauseFacts)) free.
    pub(crate) share: FreedShare,
    /// Of a cause: bytes that are not of the objects it frees, but saved of objects that stay.
    pub(crate) partial_bytes: u64,
    /// It is a cause itself.
    pub(crate) cause: Option<u16>,
    pub(crate) advice: String,
}
