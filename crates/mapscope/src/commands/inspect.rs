//! `mapscope inspect` and `mapscope demo`.

use mapscope_report::model::Inspection;
use mapscope_report::{TextOptions, text};

use super::Outcome;
use crate::args::{FailOn, Format};
use crate::config::View;
use crate::output::Output;

/// Whether there are findings at or above what was asked for.
pub(crate) fn outcome(inspection: &Inspection, fail_on: Option<FailOn>) -> Outcome {
    let counts: &[&str] = match fail_on {
        None => &[],
        Some(FailOn::High) => &["high"],
        Some(FailOn::Medium) => &["high", "medium"],
        Some(FailOn::Low) => &["high", "medium", "low"],
    };
    let failed = inspection.findings.iter().any(|finding| counts.contains(&finding.severity.as_str()));
    if failed { Outcome::Failed } else { Outcome::Fine }
}

/// The whole picture, with at most `limit` maps and types.
pub(crate) fn render(mut inspection: Inspection, limit: Option<usize>, view: View) -> Output {
    match view.format {
        Format::Text => Output::Text(text::inspect(&inspection, &TextOptions { width: view.width, limit, keep: None })),
        Format::Json => {
            if let Some(limit) = limit {
                // Whoever compares the document with another must know what it leaves out.
                let total = |rows: usize| (rows > limit).then_some(rows as u64);
                (inspection.total_maps, inspection.total_types) =
                    (total(inspection.maps.len()), total(inspection.types.len()));
                inspection.maps.truncate(limit);
                inspection.types.truncate(limit);
            }
            Output::json(inspection)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{inspection, json, plain, written};

    #[test]
    fn text_says_how_many_are_left_out() {
        let out = plain(&written(&render(inspection(), Some(1), view(Format::Text))));
        assert!(out.contains("Maps (1 of 4, by table bytes)") && out.contains("… 3 more"), "{out}");
    }

    #[test]
    fn json_is_whole_unless_limited() {
        let whole = json(&written(&render(inspection(), None, view(Format::Json))));
        assert_eq!(whole["schema"], "mapscope.inspect/1");
        assert_eq!(whole["maps"].as_array().map(Vec::len), Some(4));
        let limited = json(&written(&render(inspection(), Some(1), view(Format::Json))));
        assert_eq!(limited["maps"].as_array().map(Vec::len), Some(1));
        assert_eq!(limited["types"].as_array().map(Vec::len), Some(1));
        assert_eq!((&limited["total_maps"], &limited["total_types"]), (&4.into(), &2.into()));
        assert!(whole.get("total_maps").is_none() && whole.get("total_types").is_none());
    }

    #[test]
    fn findings_fail_from_their_severity_on() {
        let inspection = inspection();
        let outcomes =
            [None, Some(FailOn::High), Some(FailOn::Medium), Some(FailOn::Low)].map(|f| outcome(&inspection, f));
        assert_eq!(outcomes, [Outcome::Fine, Outcome::Fine, Outcome::Failed, Outcome::Failed]);
    }

    fn view(format: Format) -> View {
        View { format, width: 100 }
    }
}
