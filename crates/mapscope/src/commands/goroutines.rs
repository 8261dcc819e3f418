//! `mapscope goroutines`.

use anyhow::Result;
use mapscope_report::model::{GoroutineList, GoroutineRow};
use mapscope_report::{TextOptions, text, to_json};

use crate::args::Format;
use crate::config::{GoroutineFilter, View};

/// The groups that pass the filter, in their order.
pub(crate) fn render(mut list: GoroutineList, filter: &GoroutineFilter, view: View) -> Result<String> {
    list.groups.retain(|group| passes(group, filter));
    list.matched_groups = list.groups.len() as u64;
    match view.format {
        Format::Text => {
            Ok(text::goroutines(&list, &TextOptions { width: view.width, limit: filter.limit, keep: None }))
        }
        Format::Json => {
            list.groups.truncate(filter.limit.unwrap_or(usize::MAX));
            Ok(to_json(&list)?)
        }
    }
}

fn passes(group: &GoroutineRow, filter: &GoroutineFilter) -> bool {
    let state = filter.state.as_ref().is_none_or(|regex| regex.is_match(&group.state));
    let mut functions = group.stack.iter().chain(&group.created_by).map(|frame| &frame.function);
    let function = filter.function.as_ref().is_none_or(|regex| functions.any(|f| regex.is_match(f)));
    state && function && (!filter.leaked || group.leaked || group.suspect)
}

#[cfg(test)]
mod tests {
    use mapscope_report::model::CodeLine;
    use regex::Regex;

    use super::*;
    use crate::testing::{json, plain};

    fn list() -> GoroutineList {
        let group = |state: &str, function: &str, leaked| GoroutineRow {
            state: state.into(),
            count: 3,
            leaked,
            stack: vec![CodeLine { function: function.into(), file: "/src/main.go".into(), line: 7 }],
            ids: vec![4, 5, 6],
            ..GoroutineRow::default()
        };
        let groups = vec![group("chan receive", "main.worker", true), group("select", "net/http.serve", false)];
        GoroutineList {
            total_groups: 2,
            total_goroutines: 6,
            program_goroutines: 6,
            groups,
            ..GoroutineList::default()
        }
    }

    fn matched(filter: &GoroutineFilter) -> Vec<String> {
        let view = View { format: Format::Json, width: 80 };
        let out = json(&render(list(), filter, view).expect("it renders"));
        let groups = out["groups"].as_array().expect("a list").iter();
        groups.map(|g| g["stack"][0]["function"].as_str().expect("a function").to_owned()).collect()
    }

    #[test]
    fn that_leaks_are_not_known_is_said_where_none_is_shown() {
        let mut list = list();
        list.groups[0].leaked = false;
        list.leaks_unknown = Some("the reading is partial: a page is missing".into());
        let filter = GoroutineFilter { state: None, function: None, leaked: true, limit: None };
        let view = View { format: Format::Text, width: 200 };
        let out = plain(&render(list.clone(), &filter, view).expect("it renders"));
        assert!(out.contains("which goroutines are leaked is not known: the reading is partial"), "{out}");
        list.groups[0].leaked = true;
        let out = plain(&render(list, &filter, view).expect("it renders"));
        assert!(out.contains("is not known of all; those that are marked are: the reading is partial"), "{out}");
    }

    #[test]
    fn filters_are_joined() {
        let regex = |text| Some(Regex::new(text).expect("a regex"));
        let all = GoroutineFilter { state: None, function: None, leaked: false, limit: None };
        assert_eq!(matched(&all), ["main.worker", "net/http.serve"]);
        assert_eq!(matched(&GoroutineFilter { leaked: true, ..all.clone() }), ["main.worker"]);
        assert_eq!(matched(&GoroutineFilter { state: regex("^select$"), ..all.clone() }), ["net/http.serve"]);
        assert_eq!(matched(&GoroutineFilter { function: regex("^main"), state: regex("sel"), ..all.clone() }).len(), 0);
        assert_eq!(matched(&GoroutineFilter { limit: Some(1), ..all.clone() }), ["main.worker"]);
        let view = View { format: Format::Text, width: 80 };
        let out = plain(&render(list(), &GoroutineFilter { leaked: true, ..all }, view).expect("it renders"));
        assert!(out.contains("3 × chan receive · leaked") && out.contains("1 of 2 groups"), "{out}");
        assert!(out.contains("main.worker") && !out.contains("net/http"), "{out}");
    }
}
