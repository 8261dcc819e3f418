//! The name that somebody may have meant.

/// Of `names`, the one that `typed` is a part of, or that it differs from least; `None` when all are far.
pub(crate) fn nearest<'n>(typed: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let last = |name: &str| name.rsplit(['.', '/']).next().unwrap_or_default().to_lowercase();
    let wanted = last(typed);
    let score = |name: &&str| (distance(&wanted, &last(name)), !name.starts_with("main."), name.len());
    let near = names.min_by_key(score)?;
    // As many letters may be wrong as leave two thirds right.
    (distance(&wanted, &last(near)) * 3 <= wanted.chars().count()).then_some(near)
}

/// Letters to change, insert or leave out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let best = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let names = ["main.Session", "net/http.Request", "other.Sessions"];
        assert_eq!(nearest("main.Sesion", names.into_iter()), Some("main.Session"));
        assert_eq!(nearest("http.request", names.into_iter()), Some("net/http.Request"));
        assert_eq!(nearest("Widget", names.into_iter()), None);
    }
}
