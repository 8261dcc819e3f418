//! What a rule says.

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
    /// Bytes by which the live heap would fall if the advice were followed (GH004: the heap in use; GH005: with the stacks).
    pub reclaimable_bytes: u64,
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
    pub(crate) reclaimable_bytes: u64,
    pub(crate) advice: String,
}
