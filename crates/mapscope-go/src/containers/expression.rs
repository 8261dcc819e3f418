//! Parses what a table says of a figure: a sum of counters, lengths and counts, each at the end of a path from a
//! container's value. `5 * len(.table(mapTable).buckets)`, `.shards[].count`, `count(.buckets[]~next.deleted)`.

/// Terms of a sum, and steps of a path; nobody writes more.
const MAX_PARTS: usize = 32;

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) terms: Vec<Term>,
}

/// So many times what a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) factor: u64,
    pub(super) measure: Measure,
    pub(super) path: Path,
}

/// What is added up at the ends of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// The number itself.
    Value,
    /// The length of an array, slice, string or Go map.
    Len,
    /// The capacity of a slice, or the slots of a Go map.
    Cap,
    /// One for whatever is not zero.
    Count,
}

pub(super) type Path = Vec<Step>;

/// One step of a path. Pointers and interfaces are followed without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `.name`
    Field(String),
    /// `[]`: every element of an array or slice.
    Elements,
    /// `~name`: the value, and whatever its field `name` leads to, to the end of the list.
    Chain(String),
    /// `(Type)`: a pointer without a type leads to this one, of the package that declares the field.
    Cast(String),
}

/// Parses a sum.
///
/// # Errors
/// What is wrong, and what to try.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let terms = text.split('+').take(MAX_PARTS).map(|term| parse_term(term.trim()));
    Ok(Expression { terms: terms.collect::<Result<_, _>>()? })
}

fn parse_term(text: &str) -> Result<Term, String> {
    let (factor, rest) = match text.split_once('*') {
        Some((factor, rest)) => {
            let bad = || format!("`{}` is not a number: write 5 * len(.buckets)", factor.trim());
            (factor.trim().parse::<u32>().map_err(|_| bad())?.into(), rest.trim())
        }
        None => (1, text),
    };
    let measures = [("len(", Measure::Len), ("cap(", Measure::Cap), ("count(", Measure::Count)];
    for (start, measure) in measures {
        if let Some(rest) = rest.strip_prefix(start) {
            let path = rest.strip_suffix(')').ok_or_else(|| format!("`{text}` has no ) at its end"))?;
            return Ok(Term { factor, measure, path: parse_path(path.trim())? });
        }
    }
    Ok(Term { factor, measure: Measure::Value, path: parse_path(rest)? })
}

/// Parses a path.
///
/// # Errors
/// What is wrong, and what to try.
pub(super) fn parse_path(text: &str) -> Result<Path, String> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && steps.len() < MAX_PARTS {
        let step;
        (step, rest) = parse_step(rest).ok_or_else(|| {
            format!("`{rest}` is not a step of a path: there are .field, [], ~next, (Type), and len(), cap(), count() around a path")
        })?;
        steps.push(step);
    }
    if steps.is_empty() || !rest.is_empty() {
        return Err(format!("a path has 1 to {MAX_PARTS} steps: write .field"));
    }
    Ok(steps)
}

fn parse_step(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix("[]") {
        return Some((Step::Elements, rest));
    }
    let mut chars = text.chars();
    let mark = chars.next()?;
    let (name, rest) = name(chars.as_str())?;
    match mark {
        '.' => Some((Step::Field(name), rest)),
        '~' => Some((Step::Chain(name), rest)),
        '(' => Some((Step::Cast(name), rest.strip_prefix(')')?)),
        _ => None,
    }
}

/// An identifier of Go, and what follows it.
fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_paths() {
        let parsed = parse("5 * len(.table(mapTable).buckets) + .size[].c+count(.head~next.deleted)").unwrap();
        let field = |name: &str| Step::Field(name.into());
        let term = |factor, measure, path: Vec<Step>| Term { factor, measure, path };
        let want = vec![
            term(5, Measure::Len, vec![field("table"), Step::Cast("mapTable".into()), field("buckets")]),
            term(1, Measure::Value, vec![field("size"), Step::Elements, field("c")]),
            term(1, Measure::Count, vec![field("head"), Step::Chain("next".into()), field("deleted")]),
        ];
        assert_eq!(parsed.terms, want);
        assert_eq!(parse_path("[].items").unwrap(), vec![Step::Elements, field("items")]);
    }

    #[test]
    fn mistakes_say_what_there_is() {
        for text in ["", "size", ".a..b", "len(.a", "x * .a", ".a[1]", "(.a)", ".a(b", "len()", ".a +", "-1 * .a", "."]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("size").unwrap_err().contains(".field"));
        assert!(parse(&".a".repeat(100)).is_err());
    }
}
