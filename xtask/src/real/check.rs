//! What must hold of every look. Each complaint is a sentence.

use serde_json::Value;

use super::Variant;
use super::cases::Case;
use super::look::Look;
use super::programs::Program;

/// Live bytes without a type: of real programs, and of cases with and without debug information.
const UNTYPED: f64 = 0.03;
const UNTYPED_CASE: f64 = 0.02;
const UNTYPED_STRIPPED: f64 = 0.05;
/// What the huge program has at least, and the seconds that a snapshot may live by default.
const HUGE_OBJECTS: u64 = 29_000_000;
const HUGE_BINARY: u64 = 150_000_000;
const SNAPSHOT_SECONDS: f64 = 120.0;

/// What is wrong with what was said of a real program.
pub(super) fn program(program: &Program, variant: Variant, look: &Look) -> Vec<String> {
    let mut wrong = any(look, UNTYPED, variant);
    for finding in look.urgent() {
        let known =
            program.wrong.iter().find(|known| known.rule == finding.rule && finding.subject.contains(known.subject));
        wrong.extend(known.map(|known| format!("{} {} is wrong: {}", finding.rule, finding.subject, known.reason)));
    }
    wrong
}

/// What is wrong with what was said of a case.
pub(super) fn case(case: &Case, variant: Variant, truth: &Value, look: &Look) -> Vec<String> {
    let named = variant == Variant::Default;
    let mut wrong = any(look, if named { UNTYPED_CASE } else { UNTYPED_STRIPPED }, variant);
    wrong.extend(maps(named, truth, look));
    let holder = &look.holder.0;
    if named && !case.holders.iter().any(|start| holder.starts_with(start)) {
        wrong.push(format!("the first holder is {holder}"));
    }
    let says = |word: &str| {
        let mut texts = look.findings.iter().flat_map(|finding| [&finding.rule, &finding.subject, &finding.text]);
        texts.any(|text| text.contains(word))
    };
    // Without names a finding can name no variable.
    if named && !case.cause.is_empty() && !case.cause.iter().any(|word| says(word)) {
        wrong.push(format!("no finding says any of {:?}", case.cause));
    }
    wrong
}

/// What is wrong with what was said of the huge program.
pub(super) fn huge(truth: &Value, look: &Look) -> Vec<String> {
    let mut wrong = any(look, UNTYPED, Variant::Default);
    wrong.extend(maps(true, truth, look));
    if look.objects < HUGE_OBJECTS || look.binary < HUGE_BINARY {
        wrong.push(format!("{} objects in a binary of {} bytes are not huge", look.objects, look.binary));
    }
    if look.cost.wall > SNAPSHOT_SECONDS {
        wrong.push(format!("it took {:.0} s, longer than a snapshot may live", look.cost.wall));
    }
    wrong
}

/// Maps that are not listed with the entries, and the owner, that the program states.
fn maps(named: bool, truth: &Value, look: &Look) -> Vec<String> {
    let mut wrong = Vec::new();
    for stated in truth["maps"].as_array().into_iter().flatten() {
        let (owner, entries) = (stated["owner"].as_str().unwrap_or_default(), stated["entries"].as_u64());
        let of = look.maps.iter().filter(|map| Some(map.entries) == entries);
        let of = of.filter(|map| !named || owner.is_empty() || without_number(&map.owner) == owner).count() as u64;
        if Some(of) < stated["count"].as_u64() {
            wrong.push(format!("{of} of {} maps of {owner} with {} entries", stated["count"], stated["entries"]));
        }
    }
    wrong
}

fn any(look: &Look, untyped: f64, variant: Variant) -> Vec<String> {
    let mut wrong = Vec::new();
    if look.untyped_share() > untyped {
        wrong.push(format!("{:.1}% of live bytes have no type", look.untyped_share() * 100.0));
    }
    if look.holder.0 == "(shared)" {
        wrong.push("the first holder is (shared)".to_owned());
    }
    let promised: u64 = look.findings.iter().map(|finding| finding.reclaimable).sum();
    if promised > look.live {
        wrong.push(format!("{promised} bytes are promised of {}", look.live));
    }
    wrong.extend(look.ran.iter().map(|place| format!("called leaked, and ran later: {place}")));
    // Without debug information something is left out in the end; the page says what.
    if variant == Variant::Default {
        wrong.extend(look.partial.iter().map(|reason| format!("partial: {reason}")));
    }
    if !look.survived {
        wrong.push("the target is gone".to_owned());
    }
    wrong
}

/// `goroutine 7 main.run: srv` is `goroutine main.run: srv`.
fn without_number(owner: &str) -> String {
    match owner.strip_prefix("goroutine ").and_then(|rest| rest.split_once(' ')) {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => format!("goroutine {rest}"),
        _ => owner.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_number;

    #[test]
    fn a_goroutine_is_named_without_its_number() {
        assert_eq!(without_number("goroutine 7 main.run: srv.maps[]"), "goroutine main.run: srv.maps[]");
        assert_eq!(without_number("goroutine main.run"), "goroutine main.run");
        assert_eq!(without_number("main.x"), "main.x");
    }
}
