//! The first line of every view: what was examined.

use super::style::{DIM, NAME, WARN, join, paint, safe, wrap};
use super::units::{bytes, duration};
use crate::model::Target;

/// `pid 21291 · ./sessions · go1.27.3 · paused 18 ms · …`, broken between parts when the terminal is narrow.
pub(crate) fn header(target: &Target, more: &[String], width: usize) -> String {
    let mut parts = identity(target);
    parts.extend(stop(target));
    parts.extend_from_slice(more);

    let mut out = String::new();
    for (i, line) in join(&parts, width.max(20)).iter().enumerate() {
        match line.split_once(" ·") {
            Some((first, rest)) if i == 0 => out += &(paint(NAME, first) + &paint(DIM, " ·") + rest),
            _ if i == 0 => out += &paint(NAME, line),
            _ => out += line,
        }
        out.push('\n');
    }
    for other in &target.other_runtimes {
        let other = safe(other);
        let text = format!("another Go runtime is in this process, and was not read: --exe {other} reads it");
        for line in wrap(&text, width.max(20)) {
            out += &paint(WARN, line);
            out.push('\n');
        }
    }
    if let Some(reason) = &target.why_not_forked {
        for line in wrap(&format!("copied, not forked: {}", safe(reason)), width.max(20)) {
            out += &paint(WARN, line);
            out.push('\n');
        }
    }
    out
}

/// What was examined, a part each: `pid 21291`, `./sessions`, `go1.27.3`, `Swiss maps`.
pub(crate) fn identity(target: &Target) -> Vec<String> {
    let subject = match (target.kind.as_str(), target.pid) {
        ("process", Some(pid)) => format!("pid {pid}"),
        ("core", Some(pid)) => format!("core of pid {pid}"),
        (kind, _) => safe(kind).into_owned(),
    };
    let mut parts = vec![subject];
    let library = target.library.as_deref().unwrap_or_default();
    let named = [target.exe.as_str(), library, target.go_version.as_str()];
    parts.extend(named.into_iter().filter(|s| !s.is_empty()).map(|s| safe(s).into_owned()));
    match target.map_impl.as_str() {
        "swiss" => parts.push("Swiss maps".to_owned()),
        "legacy" => parts.push("legacy maps".to_owned()),
        _ => {}
    }
    if target.stripped {
        parts.push("stripped".to_owned());
    }
    parts
}

/// `paused 18 ms (fork, 12 MiB copied meanwhile)`.
fn stop(target: &Target) -> Option<String> {
    Some(paused(target.paused_ms?, target.pause.as_deref(), target.copied_bytes))
}

/// How long a process was stopped, how it was held still, and what that cost.
pub(crate) fn paused(ms: f64, how: Option<&str>, copied_bytes: Option<u64>) -> String {
    let paused = format!("paused {}", duration(ms));
    let copied = copied_bytes.filter(|&b| b > 0).map(bytes);
    match (how, copied) {
        (Some("none"), _) => "not paused".to_owned(),
        (Some("fork"), Some(copied)) => format!("{paused} (fork, {copied} copied meanwhile)"),
        (Some("copy"), Some(copied)) => format!("{paused} (copy of {copied})"),
        (Some(how), _) => format!("{paused} ({})", safe(how)),
        (None, _) => paused,
    }
}

/// How long reading took, as a part of the header.
pub(crate) fn read_time(target: &Target) -> Option<String> {
    (target.read_ms > 0.0).then(|| format!("read in {}", duration(target.read_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_stands_behind_its_host_and_other_runtimes_are_named() {
        let target = Target {
            kind: "process".into(),
            pid: Some(7),
            exe: "/usr/bin/python3".into(),
            library: Some("/app/liba.so".into()),
            other_runtimes: vec!["/app/libb.so".into()],
            go_version: "go1.27.3".into(),
            ..Target::default()
        };
        let out = header(&target, &[], 200);
        let plain: String = anstream::adapter::strip_str(&out).to_string();
        assert_eq!(
            plain,
            "pid 7 · /usr/bin/python3 · /app/liba.so · go1.27.3\n\
             another Go runtime is in this process, and was not read: --exe /app/libb.so reads it\n"
        );
    }
}
