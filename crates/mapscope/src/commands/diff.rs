//! `mapscope diff`.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use mapscope_memory::Input;
use mapscope_report::model::{Diff, DiffFigures, DiffRow, RowKind};
use mapscope_report::{Inspected, TextOptions, diff, html, markdown, text, to_json};
use regex::Regex;

use super::{report, saved};
use crate::assemble::growth;
use crate::config::{Again, DiffForm, DiffQuestion, View};
use crate::input;
use crate::progress::Progress;
use crate::source::{self, Extent, Loaded, Target, TargetSpec};

/// Inspects what is to be compared, one after the other, and compares it.
pub(crate) fn run(question: &DiffQuestion, progress: &dyn Progress, view: View) -> Result<String> {
    let browser = question.form == DiffForm::Html;
    let steps = steps(question);
    // Files first: a wrong one should cost a process nothing.
    let opened: Vec<Opened> = steps.iter().map(|step| open(step.target)).collect::<Result<_>>()?;
    if browser && matches!(opened.last(), Some(Opened::Document(_))) {
        bail!(
            "--format html: a report shows more than a saved inspection has; put the process or the core last, or use \
             --format markdown"
        );
    }
    let mut inspected = Vec::new();
    let mut began = Instant::now();
    let last = steps.len().saturating_sub(1);
    for (number, (step, opened)) in steps.iter().zip(opened).enumerate() {
        wait(step.after, began, progress);
        began = Instant::now();
        let source = step.target.source();
        match opened {
            Opened::Document(document) => inspected.push(*document),
            other if browser && number == last => {
                return load(step.target, other, progress, |loaded| {
                    Ok(html(&report::report(loaded, source, inspected))?)
                });
            }
            other => {
                let inspection = load(step.target, other, progress, |loaded| Ok(loaded.into_inspection()))?;
                inspected.push(Inspected { source, inspection });
            }
        }
    }
    render(&inspected, question, view)
}

/// A target before it is inspected. Files are open, for a pipe can be read only once.
enum Opened {
    Document(Box<Inspected>),
    Core(Input),
    Process,
}

fn open(target: &Target) -> Result<Opened> {
    let TargetSpec::Path(path) = &target.spec else { return Ok(Opened::Process) };
    let read = Input::open(path, &input::COMPARED)?;
    if !input::is_document(&read) {
        return Ok(Opened::Core(read));
    }
    Ok(Opened::Document(Box::new(saved::document(&read)?)))
}

fn load<R>(
    target: &Target,
    opened: Opened,
    progress: &dyn Progress,
    then: impl FnOnce(Loaded<'_, '_>) -> Result<R>,
) -> Result<R> {
    match opened {
        Opened::Core(core) => source::load_open(target, core, Extent::Whole, progress, then),
        _ => source::load(target, Extent::Whole, progress, then),
    }
}

/// An inspection to make, so long after the one before began.
struct Step<'q> {
    target: &'q Target,
    after: Duration,
}

fn steps(question: &DiffQuestion) -> Vec<Step<'_>> {
    let once = |target| Step { target, after: Duration::ZERO };
    let mut steps: Vec<Step<'_>> = question.targets.iter().map(once).collect();
    if let (Some(Again { after, times }), [target]) = (question.again, question.targets.as_slice()) {
        steps.extend((1..times).map(|_| Step { target, after }));
    }
    steps
}

/// Nothing is held meanwhile: the process runs as if nobody were there.
fn wait(after: Duration, began: Instant, progress: &dyn Progress) {
    let left = after.saturating_sub(began.elapsed());
    if !left.is_zero() {
        progress.stage("waiting to look again");
        sleep(left);
    }
}

fn render(inspected: &[Inspected], question: &DiffQuestion, view: View) -> Result<String> {
    let mut diff = diff(inspected);
    diff.findings = inspected.last().map_or_else(Vec::new, |last| growth::findings(&diff, &last.inspection));
    select(&mut diff, question);
    match question.form {
        DiffForm::Json => {
            truncate(&mut diff, question.limit);
            Ok(to_json(&diff)?)
        }
        DiffForm::Markdown => Ok(markdown(&diff, question.limit, question.all)),
        DiffForm::Text | DiffForm::Html => {
            let options = TextOptions { width: view.width, limit: question.limit, keep: None };
            Ok(text::diff(&diff, &options, question.all))
        }
    }
}

/// Leaves the rows that were asked for. Totals are of the whole, so they stay.
fn select(diff: &mut Diff, question: &DiffQuestion) {
    let matches = |regex: &Option<Regex>, text: Option<&str>| {
        regex.as_ref().is_none_or(|regex| text.is_some_and(|text| regex.is_match(text)))
    };
    diff.rows.retain(|row| {
        let (owner, type_name) = match row.kind {
            RowKind::Total => return true,
            RowKind::Map => (Some(row.name.as_str()), row.type_name.as_deref()),
            RowKind::Type => (None, Some(row.name.as_str())),
            RowKind::Holder | RowKind::Goroutine => (Some(row.name.as_str()), None),
        };
        large(row, question.min_bytes) && matches(&question.owner, owner) && matches(&question.type_name, type_name)
    });
}

/// It takes or retains so many bytes before or after. What is not known on one side may be the largest of all: it stays.
fn large(row: &DiffRow, min_bytes: u64) -> bool {
    let most = |f: DiffFigures| f.bytes.max(f.retained_bytes).unwrap_or(0);
    let sides: Vec<u64> = [row.before, row.after].into_iter().flatten().map(most).collect();
    row.change.count.is_none() || sides.into_iter().any(|bytes| bytes >= min_bytes)
}

/// At most `limit` rows of each kind.
fn truncate(diff: &mut Diff, limit: Option<usize>) {
    let Some(limit) = limit else { return };
    let mut kept = [0; 5];
    diff.rows.retain(|row| {
        let kept = &mut kept[row.kind as usize];
        *kept += 1;
        row.kind == RowKind::Total || *kept <= limit
    });
}

#[cfg(test)]
mod tests {
    use mapscope_report::model::{Inspection, MapRow};

    use super::*;
    use crate::testing::{inspection, json, plain};

    fn question(form: DiffForm) -> DiffQuestion {
        DiffQuestion {
            targets: Vec::new(),
            again: None,
            owner: None,
            type_name: None,
            min_bytes: 0,
            all: false,
            limit: None,
            form,
        }
    }

    /// Of four maps, one lost most of its entries, one is gone and one is torn; a type doubled.
    fn inspected() -> Vec<Inspected> {
        let mut before = inspection();
        let set = |maps: &mut Vec<MapRow>, entries| maps[0].figures.iter_mut().for_each(|f| f.entries = entries);
        before.maps.edit(|maps| set(maps, 3_000_000));
        let mut after = inspection();
        after.maps.edit(|maps| {
            set(maps, 12);
            maps.remove(2);
        });
        after.types[0].count *= 2;
        let named = |source: &str, inspection: Inspection| Inspected { source: source.into(), inspection };
        vec![named("before.json", before), named("pid 7", after)]
    }

    fn names(question: &DiffQuestion) -> Vec<String> {
        let view = View { format: crate::args::Format::Json, width: 80 };
        let out = json(&render(&inspected(), question, view).expect("it renders"));
        let rows = out["rows"].as_array().expect("rows").iter().filter(|row| row["kind"] != "total");
        rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
    }

    #[test]
    fn filters_are_joined_and_need_what_they_ask_for() {
        let regex = |text| Some(Regex::new(text).expect("a regex"));
        let all = || question(DiffForm::Json);
        assert_eq!(names(&all()).len(), 6);
        assert_eq!(names(&DiffQuestion { owner: regex("sessions"), ..all() }).len(), 2);
        let types = names(&DiffQuestion { type_name: regex("Session"), ..all() });
        assert_eq!(types.len(), 2, "{types:?}");
        let both = DiffQuestion { owner: regex("sessions"), type_name: regex("int64"), ..all() };
        assert_eq!(names(&both), ["main.sessions.byUser"]);
        // What is torn may be the largest of all.
        let large = names(&DiffQuestion { min_bytes: 200 << 20, ..all() });
        assert_eq!(large.len(), 2, "{large:?}");
        assert!(large.contains(&"main.hub.clients".to_owned()) && large.contains(&"main.sessions.byID".to_owned()));
        assert_eq!(names(&DiffQuestion { limit: Some(1), ..all() }).len(), 2, "one map and one type");
    }

    #[test]
    fn every_form_has_the_same_verdicts() {
        let view = View { format: crate::args::Format::Text, width: 100 };
        let text = plain(&render(&inspected(), &question(DiffForm::Text), view).expect("it renders"));
        let markdown = render(&inspected(), &question(DiffForm::Markdown), view).expect("it renders");
        for out in [&text, &markdown] {
            for what in ["drained", "gone", "torn", "main.sessions.byID", "1 steady"] {
                assert!(out.contains(what), "{what}: {out}");
            }
            assert!(!out.contains("main.index"), "{out}");
        }
        let all = DiffQuestion { all: true, ..question(DiffForm::Text) };
        assert!(plain(&render(&inspected(), &all, view).expect("it renders")).contains("main.index"));
    }

    #[test]
    fn a_process_is_inspected_as_often_as_asked() {
        let target = Target {
            containers: std::sync::Arc::default(),
            spec: TargetSpec::Process(7),
            exe: None,
            debug_info: Vec::new(),
            pause: mapscope_memory::PauseOptions::default(),
        };
        let again = Some(Again { after: Duration::from_secs(3), times: 4 });
        let question = DiffQuestion { targets: vec![target], again, ..question(DiffForm::Text) };
        let waits: Vec<u64> = steps(&question).iter().map(|step| step.after.as_secs()).collect();
        assert_eq!(waits, [0, 3, 3, 3]);
    }
}
