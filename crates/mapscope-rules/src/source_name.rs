//! From an owner to what a person can write in source: an expression, or, where the owner has no name there, words.
//!
//! Owners of stripped programs are places (`bss+0x8`), and a frame has maps that no variable covers. Advice shows code
//! only where every name in it exists.

/// The owner as code can name it: without the goroutine and the path of the package, with an index where it is one of
/// many. `None` when the owner is a place, or something that the runtime holds.
pub(crate) fn variable(owner: &str) -> Option<String> {
    let name = match owner.strip_prefix("goroutine ") {
        // The variable may have been captured, or not be known.
        Some(frame) => frame.rsplit_once(": ")?.1.to_owned(),
        None => package_variable(owner)?,
    };
    // A captured variable has its own name in the function.
    let name = name.rsplit_once('{').map_or(name.clone(), |(_, rest)| rest.replacen('}', "", 1));
    let name = name.replace("[]", "[i]");
    name.split('.').all(is_element).then_some(name)
}

/// What the advice is about, in words: the map itself, where code cannot name it.
pub(crate) fn the_map(owner: &str) -> String {
    if owner.is_empty() {
        return "the map".to_owned();
    }
    let link = if owner.starts_with("goroutine ") { "of" } else { "at" };
    format!("the map {link} {owner}")
}

/// `cache.users` of `github.com/you/app/cache.users`, and `users` in package `main`.
fn package_variable(owner: &str) -> Option<String> {
    let (path, rest) = owner.rsplit_once('/').unwrap_or(("", owner));
    let (package, variable) = rest.split_once('.')?;
    if ["runtime", "finalizer", "cleanup"].contains(&package) || !is_identifier(package) {
        return None;
    }
    let is_version = package.strip_prefix('v').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let package = if is_version && !path.is_empty() { path.rsplit('/').next()? } else { package };
    Some(if package == "main" { variable.to_owned() } else { format!("{package}.{variable}") })
}

/// A name, and indices after it. A key of a map is no variable.
fn is_element(part: &str) -> bool {
    let mut name = part;
    while let Some(rest) = name.strip_suffix("[i]") {
        name = rest;
    }
    is_identifier(name)
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_alphabetic() || c == '_') && letters.all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_source() {
        for (owner, name) in [
            ("main.sessions.byID", "sessions.byID"),
            ("main.reg.items[].buf", "reg.items[i].buf"),
            ("main.grid[][]", "grid[i][i]"),
            ("main.handler{seen}", "seen"),
            ("goroutine 7 main.worker: seen", "seen"),
            ("goroutine 7 main.(*Store).watch: s.all[]", "s.all[i]"),
            ("github.com/you/app/cache.users", "cache.users"),
            ("github.com/you/otter/v2.all", "otter.all"),
        ] {
            assert_eq!(variable(owner).as_deref(), Some(name), "{owner}");
        }
    }

    #[test]
    fn places_are_no_names() {
        for owner in [
            "bss+0x8",
            "data+0x1f40.items[]",
            "0xc000012000",
            "goroutine 7 main.worker",
            "finalizer",
            "cleanup.cache",
            "runtime.pool",
            "main.index[key]",
            "main..stmp_1",
            "main.a[]…b",
            "gopkg.in/yaml%2ev3.all",
            "",
        ] {
            assert_eq!(variable(owner), None, "{owner}");
        }
        assert_eq!(the_map("bss+0x8"), "the map at bss+0x8");
        assert_eq!(the_map("goroutine 7 main.worker"), "the map of goroutine 7 main.worker");
        assert_eq!(the_map(""), "the map");
    }
}
