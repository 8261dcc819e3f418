//! `mapscope rule`.

use anyhow::{Result, anyhow};
use mapscope_report::model::{RuleList, RuleText};
use mapscope_report::{RULE_SCHEMA, RULES_SCHEMA, text, to_json};
use mapscope_rules::{RULES, Rule, rule};

use super::lookup;
use crate::args::Format;
use crate::config::View;

/// One rule, by code or name, or the list of all.
pub(crate) fn render(query: Option<&str>, view: View) -> Result<String> {
    let Some(query) = query else {
        let list = RuleList { schema: RULES_SCHEMA.to_owned(), rules: RULES.iter().map(document).collect() };
        return match view.format {
            Format::Text => Ok(text::rules(&list, view.width)),
            Format::Json => Ok(to_json(&list)?),
        };
    };
    let found = rule(query).ok_or_else(|| unknown(query))?;
    let found = RuleText { schema: Some(RULE_SCHEMA.to_owned()), text: Some(found.text()), ..document(found) };
    match view.format {
        Format::Text => Ok(text::rule(&found)),
        Format::Json => Ok(to_json(&found)?),
    }
}

fn document(rule: &Rule) -> RuleText {
    RuleText { schema: None, code: rule.code.to_owned(), name: rule.name.to_owned(), title: rule.title(), text: None }
}

fn unknown(query: &str) -> anyhow::Error {
    let names = RULES.iter().flat_map(|r| [r.code, r.name]);
    let near = lookup::near(names, query);
    if near.is_empty() {
        return anyhow!("there is no rule `{query}`; `mapscope rule` lists all {}", RULES.len());
    }
    anyhow!("there is no rule `{query}`; try {}", near.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{json, plain};

    #[test]
    fn rules_are_listed_and_explained() {
        let view = |format| View { format, width: 100 };
        let list = plain(&render(None, view(Format::Text)).expect("it renders"));
        assert!(RULES.iter().all(|r| list.contains(r.code) && list.contains(r.name)), "{list}");
        let one = plain(&render(Some("gm001"), view(Format::Text)).expect("it renders"));
        assert!(one.starts_with("GM001 drained-map\n") && one.contains("\nFix\n") && !one.contains("```"), "{one}");
        let one = json(&render(Some("drained-map"), view(Format::Json)).expect("it renders"));
        assert_eq!((&one["schema"], &one["code"]), (&"mapscope.rule/1".into(), &"GM001".into()));
    }

    #[test]
    fn an_unknown_rule_suggests_the_nearest() {
        let message = |query| unknown(query).to_string();
        assert!(message("GM01").contains("try GM001"), "{}", message("GM01"));
        assert!(message("drain-map").contains("drained-map"), "{}", message("drain-map"));
    }
}
