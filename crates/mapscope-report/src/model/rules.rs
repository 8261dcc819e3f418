//! Rules, as `mapscope rule` shows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `mapscope rule --format json`: all rules.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RuleList {
    /// Names this contract: `mapscope.rules/1`.
    pub schema: String,
    /// By code.
    pub rules: Vec<RuleText>,
}

/// `mapscope rule CODE --format json`, and a row of the list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct RuleText {
    /// Names this contract: `mapscope.rule/1`; absent in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// `GM001`.
    pub code: String,
    /// `drained-map`.
    pub name: String,
    /// What it is about, in a sentence.
    pub title: String,
    /// What it finds, why that matters, and how to fix it, as Markdown; absent in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
