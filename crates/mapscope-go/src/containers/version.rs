//! Tells from the modules that a binary lists which version of a library it has, and whether a table is meant for it.

/// Modules that are kept; a program has hundreds.
const MAX_MODULES: usize = 1 << 14;

/// The modules of a binary, as its build information lists them (`runtime/debug.BuildInfo`).
#[derive(Debug, Default)]
pub(crate) struct Modules {
    /// Path and version; none where another module stands in for it.
    all: Vec<(String, Option<String>)>,
}

impl Modules {
    /// From the text in the binary: a line for each module, its parts apart by tabs.
    pub(crate) fn parse(text: &str) -> Self {
        let mut all: Vec<(String, Option<String>)> = Vec::new();
        for line in text.lines().take(MAX_MODULES) {
            let mut parts = line.split('\t');
            match (parts.next(), parts.next(), parts.next()) {
                (Some("dep" | "mod"), Some(path), version) => {
                    let version = version.filter(|v| v.starts_with('v')).map(str::to_owned);
                    all.push((path.to_owned(), version));
                }
                // What was replaced may be anything.
                (Some("=>"), ..) => {
                    if let Some(last) = all.last_mut() {
                        last.1 = None;
                    }
                }
                _ => {}
            }
        }
        Self { all }
    }

    /// The version of the module that a package is of, `v3.5.1`; `None` when the binary does not say.
    pub(super) fn version_of(&self, package: &str) -> Option<&str> {
        let holds =
            |path: &str| package.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let found = self.all.iter().filter(|(path, _)| holds(path)).max_by_key(|(path, _)| path.len());
        found?.1.as_deref()
    }
}

/// Major, minor and patch. What follows says how far it is from a release, and does not count.
type Version = [u64; 3];

fn version(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts = text.split(['-', '+']).next()?.split('.');
    let mut version = [0; 3];
    for number in &mut version {
        match parts.next() {
            Some(part) => *number = part.parse().ok()?,
            None => break,
        }
    }
    parts.next().is_none().then_some(version)
}

/// Versions from one on, and below another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    from: Version,
    below: Option<Version>,
}

impl Range {
    /// `>=3.0 <3.6`, or one of the two.
    ///
    /// # Errors
    /// What is wrong, and what to try.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut range = Self::default();
        let bad = |part: &str| format!("`{part}` is not a bound of versions: write \">=3.0 <3.6\"");
        for part in text.split([' ', ',']).filter(|part| !part.is_empty()) {
            if let Some(from) = part.strip_prefix(">=") {
                range.from = version(from).ok_or_else(|| bad(part))?;
            } else if let Some(below) = part.strip_prefix('<') {
                range.below = Some(version(below).ok_or_else(|| bad(part))?);
            } else {
                return Err(bad(part));
            }
        }
        Ok(range)
    }

    /// Whether a version is in it; one that makes no sense is in none.
    pub(super) fn holds(&self, text: &str) -> bool {
        let Some(version) = version(text) else { return false };
        version >= self.from && self.below.is_none_or(|below| version < below)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_the_version_of_its_module() {
        let text = "path\theld/x\nmod\theld/x\t(devel)\t\ndep\tgithub.com/a/b\tv1.2.3\th1:x=\n\
            dep\tgithub.com/a/b/v2\tv2.0.0-rc.1\th1:y=\ndep\tgithub.com/c/d\tv1.0.0\n=>\t../d\t(devel)\t\n";
        let modules = Modules::parse(text);
        assert_eq!(modules.version_of("github.com/a/b/internal/x"), Some("v1.2.3"));
        assert_eq!(modules.version_of("github.com/a/b/v2"), Some("v2.0.0-rc.1"));
        assert_eq!(modules.version_of("github.com/a/bc"), None);
        assert_eq!(modules.version_of("github.com/c/d"), None, "it was replaced");
        assert_eq!(modules.version_of("held/x"), None);
    }

    #[test]
    fn ranges_have_two_ends() {
        let range = Range::parse(">=3.0, <3.6").unwrap();
        let inside = |text: &str| range.holds(text);
        assert!(
            inside("v3.0.0") && inside("v3.5.1") && inside("v3.5.2-0.20250101-abc") && inside("v3.5.0+incompatible")
        );
        assert!(!inside("v2.9.9") && !inside("v3.6.0") && !inside("(devel)") && !inside("v3.5.1.9"));
        assert!(Range::parse("3.0").is_err() && Range::parse(">=x").is_err());
        assert!(Range::parse("").unwrap().holds("v9.9.9"));
    }
}
