//! What cannot be compared, and what to keep in mind: said on top, so that nobody takes a difference of the inspections
//! for one of the program.

use std::path::Path;

use super::names::is_offset;
use super::rows::{Side, Subject, left_out};
use super::{Inspected, all_alike, moments, out_of_order};
use crate::model::{Figure, RowKind, Target};
use crate::text::count;

/// `A (before.json)`, as the views name an inspection.
pub(super) fn label(index: usize, source: &str) -> String {
    format!("{} ({source})", letter(index))
}

/// `A`, `B`, ... and numbers after `Z`.
pub(crate) fn letter(index: usize) -> String {
    match u8::try_from(index) {
        Ok(index) if index < 26 => char::from(b'A' + index).to_string(),
        _ => (index + 1).to_string(),
    }
}

/// One sentence for each thing. `in_time`: it is known when each inspection was taken, one after the other.
pub(super) fn notes(inspected: &[Inspected], subjects: &[Subject], in_time: bool) -> Vec<String> {
    let targets: Vec<&Target> = inspected.iter().map(|i| &i.inspection.target).collect();
    let mut notes = Vec::new();
    notes.extend(programs(&targets));
    notes.extend(versions(&targets));
    notes.extend(implementations(&targets));
    notes.extend(names(&targets, subjects));
    notes.extend(kinds(&targets));
    notes.extend(inspected.iter().enumerate().filter_map(|(index, i)| unlisted(&label(index, &i.source), i)));
    notes.extend(inspected.iter().enumerate().filter_map(|(index, i)| partial(&label(index, &i.source), i)));
    notes.extend(torn(subjects));
    notes.extend(time(inspected, in_time));
    notes
}

fn programs(targets: &[&Target]) -> Option<String> {
    let names: Vec<String> = targets.iter().map(|target| file_name(&target.exe)).collect();
    (!all_alike(names.iter().map(String::as_str))).then(|| {
        format!("These are different programs ({}): owners and types are matched by name alone.", listed(&names))
    })
}

fn versions(targets: &[&Target]) -> Option<String> {
    let versions: Vec<String> = targets.iter().map(|target| target.go_version.clone()).collect();
    (!all_alike(versions.iter().map(String::as_str))).then(|| {
        format!(
            "Built with different versions of Go ({}): the runtime and the standard library have other objects, so their types are new or gone.",
            listed(&versions)
        )
    })
}

fn implementations(targets: &[&Target]) -> Option<String> {
    (!all_alike(targets.iter().map(|target| target.map_impl.as_str()))).then(|| {
        "Swiss maps and legacy maps: entries and bytes can be compared; slots cannot, so no map is called drained, and \
         what maps consist of has other types."
            .to_owned()
    })
}

/// Names of variables are missing in some, or in all.
fn names(targets: &[&Target], subjects: &[Subject]) -> Option<String> {
    let offsets = subjects.iter().any(|s| matches!(s.kind, RowKind::Map | RowKind::Holder) && is_offset(&s.name));
    if !offsets {
        return None;
    }
    let stripped = targets.iter().filter(|target| target.stripped).count();
    // Also with names there are words of data that belong to no variable.
    if stripped == 0 {
        return None;
    }
    Some(if stripped == targets.len() {
        "The binaries are stripped: owners that begin at an offset (bss+0x…, data+0x…) match only within one build of the \
         program; --debug-info brings the names back."
            .to_owned()
    } else {
        "Some of the binaries are stripped: their owners begin at an offset (bss+0x…, data+0x…) and match none of the \
         others; --debug-info brings the names back."
            .to_owned()
    })
}

fn kinds(targets: &[&Target]) -> Option<String> {
    (!all_alike(targets.iter().map(|target| target.kind.as_str()))).then(|| {
        "A process and a core: parts of memory count resident pages of the one, and what the other holds.".to_owned()
    })
}

fn unlisted(label: &str, inspected: &Inspected) -> Option<String> {
    let of = |kind, listed: usize, what: &str| {
        let left_out = left_out(&inspected.inspection, kind);
        (left_out > 0).then(|| format!("{} of {} {what}", count(listed as u64), count(listed as u64 + left_out)))
    };
    let maps = of(RowKind::Map, inspected.inspection.maps.len(), "maps");
    let types = of(RowKind::Type, inspected.inspection.types.len(), "types");
    let lists: Vec<String> = maps.into_iter().chain(types).collect();
    (!lists.is_empty()).then(|| {
        format!(
            "{label} was saved with a limit and lists {}: what it does not list is neither new nor gone; save it without \
             --limit.",
            lists.join(" and ")
        )
    })
}

fn partial(label: &str, inspected: &Inspected) -> Option<String> {
    let reasons = inspected.inspection.uncertain();
    let touched: Vec<&str> =
        Figure::ALL.iter().filter(|figure| reasons.has(**figure)).map(|figure| figure.name()).collect();
    match touched.len() {
        0 => None,
        all if all == Figure::ALL.len() => {
            Some(format!("{label} is partial: what it does not have may have been there."))
        }
        _ => Some(format!(
            "{label} is partial: what it does not have may have been there. That bears on {}; everything else can be \
             compared.",
            touched.join(", ")
        )),
    }
}

fn torn(subjects: &[Subject]) -> Option<String> {
    let torn = subjects.iter().filter(|s| s.sides.contains(&Side::Torn)).count() as u64;
    let (owners, have) = if torn == 1 { ("owner has", "it has") } else { ("owners have", "they have") };
    (torn > 0).then(|| {
        format!("{} {owners} maps that were being written when they were read: {have} no figures there.", count(torn))
    })
}

/// Growth over time is looked for in three inspections or more.
fn time(inspected: &[Inspected], in_time: bool) -> Option<String> {
    let targets = || inspected.iter().map(|i| &i.inspection.target);
    let labelled = |index: usize| label(index, &inspected[index].source);
    if out_of_order(targets()) {
        return Some(
            "The inspections are not in the order in which they were taken: give the earliest first.".to_owned(),
        );
    }
    let not_looked_for = if in_time || inspected.len() < 3 { "" } else { ": growth over time is not looked for" };
    let unknown = targets().position(|target| moments(std::iter::once(target)).is_none());
    if let Some(index) = unknown.filter(|_| !not_looked_for.is_empty()) {
        return Some(format!("{} does not say when it was taken{not_looked_for}.", labelled(index)));
    }
    if let Some(index) = targets().position(|target| target.file_time) {
        let label = labelled(index);
        return Some(format!(
            "The time of {label} is that of its file, which a copy may have changed{not_looked_for}."
        ));
    }
    (!not_looked_for.is_empty()).then(|| format!("Some of these are of the same moment{not_looked_for}."))
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// Each name once, in order.
fn listed(names: &[String]) -> String {
    let mut listed: Vec<&str> = Vec::new();
    for name in names {
        if !listed.contains(&name.as_str()) {
            listed.push(name);
        }
    }
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff;
    use crate::diff::tests::{inspected, map};
    use crate::model::{Inspection, MapRow, PartialScope};

    /// The notes of two inspections that differ in what `change` does to the second.
    fn notes_of(change: impl Fn(&mut Inspection)) -> Vec<String> {
        let mut list = vec![inspected("before.json", vec![map("main.a", 10, 1)]); 2];
        list[1].source = "after.json".into();
        list[1].inspection.target.taken_at = Some("2026-11-21T10:10:00Z".into());
        change(&mut list[1].inspection);
        diff(&list).notes
    }

    fn one(change: impl Fn(&mut Inspection)) -> String {
        let notes = notes_of(change);
        assert_eq!(notes.len(), 1, "{notes:?}");
        notes.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn alike_inspections_need_no_note() {
        assert_eq!(notes_of(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let differs = one(|i| i.target.exe = "/new/place/other".into());
        assert!(differs.starts_with("These are different programs (sessions, other)"), "{differs}");
        assert_eq!(notes_of(|i| i.target.exe = "/new/place/sessions".into()), Vec::<String>::new());
        assert!(one(|i| i.target.go_version = "go1.23.4".into()).contains("(go1.27.3, go1.23.4)"));
        assert!(one(|i| i.target.map_impl = "legacy".into()).contains("slots cannot"));
        assert!(one(|i| i.target.kind = "core".into()).starts_with("A process and a core"));
        assert_eq!(notes_of(|i| i.maps.edit(|maps| maps.push(map("bss+0x80", 10, 1)))), Vec::<String>::new());
        let mut stripped = vec![inspected("a", vec![map("bss+0x80", 10, 1)]); 2];
        stripped[1].inspection.target.taken_at = Some("2026-11-21T10:10:00Z".into());
        for one in &mut stripped {
            one.inspection.target.stripped = true;
        }
        assert!(diff(&stripped).notes[0].contains("only within one build"));
        let stripped = one(|i| {
            i.target.stripped = true;
            i.maps.edit(|maps| maps.push(map("bss+0x80", 10, 1)));
        });
        assert!(stripped.contains("--debug-info"), "{stripped}");
    }

    #[test]
    fn what_is_missing_is_said_of_the_one_that_lacks_it() {
        let limited = one(|i| (i.total_maps, i.total_types) = (Some(57), Some(0)));
        assert!(limited.starts_with("B (after.json) was saved with a limit and lists 1 of 57 maps:"), "{limited}");
        let cut = |i: &mut Inspection| i.partial.push("cut short".into());
        assert!(one(cut).starts_with("B (after.json) is partial") && !one(cut).contains("bears on"));
        let scoped = one(|i| {
            cut(i);
            let figures = vec![Figure::Maps, Figure::Findings];
            i.partial_scope.push(PartialScope { reason: "cut short".into(), figures });
        });
        assert!(scoped.ends_with("That bears on maps, findings; everything else can be compared."), "{scoped}");
        let torn = MapRow { torn: true, figures: None, ..map("main.a", 0, 0) };
        assert!(one(|i| i.maps = vec![torn.clone()].into()).starts_with("1 owner has maps that were being written"));
    }

    #[test]
    fn times_are_needed_for_more_than_two() {
        assert_eq!(notes_of(|i| i.target.taken_at = None), Vec::<String>::new());
        assert!(one(|i| i.target.taken_at = Some("2026-11-21T09:00:00Z".into())).contains("earliest first"));
        assert!(one(|i| i.target.file_time = true).starts_with("The time of B (after.json) is that of its file"));
        // One capture, inspected twice; and a core whose file is older than what was read before.
        let same = Some("2026-11-21T10:00:00Z".to_owned());
        assert_eq!(notes_of(|i| i.target.taken_at.clone_from(&same)), Vec::<String>::new());
        let copied = one(|i| (i.target.taken_at, i.target.file_time) = (Some("2026-11-21T09:00:00Z".into()), true));
        assert!(copied.starts_with("The time of B (after.json) is that of its file"), "{copied}");
        let mut three = vec![inspected("a", Vec::new()), inspected("b", Vec::new()), inspected("c", Vec::new())];
        three[1].inspection.target.taken_at = Some("yesterday".into());
        assert_eq!(diff(&three).notes, ["B (b) does not say when it was taken: growth over time is not looked for."]);
        three[1].inspection.target.taken_at = three[0].inspection.target.taken_at.clone();
        assert_eq!(diff(&three).notes, ["Some of these are of the same moment: growth over time is not looked for."]);
    }

    #[test]
    fn inspections_have_letters() {
        assert_eq!((letter(0), letter(25), letter(26)), ("A".into(), "Z".into(), "27".into()));
    }
}
