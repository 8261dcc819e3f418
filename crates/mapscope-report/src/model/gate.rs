//! What became of a gate's budgets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FindingRow, PartialScope, Target};

/// `mapscope gate --format json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Names this contract: `mapscope.gate/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Every budget holds.
    pub holds: bool,
    /// Budgets that are broken.
    pub broken_budgets: u64,
    /// Budgets that could not be checked, because a reason for being partial makes their figure uncertain; absent when
    /// there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused_budgets: u64,
    /// Every budget, those of the configuration file first, in the order they were given.
    pub budgets: Vec<BudgetRow>,
    /// The inspection that growth was measured from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// The configuration file that budgets were read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The command that was examined, where the gate started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<GateRun>,
    /// Why the inspection is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// One budget, measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetRow {
    /// What it is on: `live`, `map:main.cache.*:entries`.
    pub name: String,
    /// `max` (a figure) or `max-growth` (a figure since the baseline).
    pub kind: String,
    /// The limit as it was given: `50MiB`, `10%`.
    pub limit_text: String,
    /// `bytes` or `count`.
    pub unit: String,
    /// Nothing is above the limit, and nothing makes that uncertain.
    pub holds: bool,
    /// Nothing is above the limit as far as was seen, but the figure is uncertain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Why the figure is uncertain: sentences of `partial`, of the baseline's with its name in front.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<String>,
    /// The largest figure of all subjects; for `max-growth`, how much that has grown most has grown.
    pub measured: u64,
    /// What that figure may be; for growth in percent, of that subject.
    pub limit: u64,
    /// Maps, types, findings or stacks that were measured; absent where there is just one figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// What is above the limit, worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offenders: Vec<OffenderRow>,
    /// Findings about what is above the limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingRow>,
    /// What to do; absent when the budget holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// The line of the configuration file that it is on; absent for one from the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// What is above a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OffenderRow {
    /// The owner of a map, a type, a function, a rule with its subject; the budget's name where there is just one figure.
    pub subject: String,
    /// The type of a map.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The address of a map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
    /// The figure; for growth, by how much it has grown.
    pub measured: u64,
    /// What it may be.
    pub limit: u64,
    /// For growth, the figure in the baseline; absent when the subject is not in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// For growth, the figure now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
}

/// A command that the gate started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateRun {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Where it was examined: `signal USR1`, `line "ready"`, `after 30 s`.
    pub marker: String,
    /// How it ended: `status 0`, `signal 15`; absent when it was ended by the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}
