//! Names with `*` in them, which stands for any letters, or none. Nothing else is special, so that types and owners can be
//! given as they are shown.

/// A pattern of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// As it was given.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether all of `name` is like the pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut name) = name.strip_prefix(first) else { return false };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or_default();
        // The first place that fits is the best: it leaves most to what follows.
        for part in parts {
            match name.find(part) {
                Some(at) => name = &name[at + part.len()..],
                None => return false,
            }
        }
        name.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything() {
        let cases = [
            ("main.cache.*", "main.cache.byID", true),
            ("main.cache.*", "main.cache.", true),
            ("main.cache.*", "main.cache", false),
            ("main.cache.*", "xmain.cache.byID", false),
            ("*", "", true),
            ("*.byID", "main.a.byID", true),
            ("*.byID", "main.byID.x", false),
            ("a*b*a", "aba", true),
            ("a*a", "a", false),
            ("*main.Session", "*main.Session", true),
            ("map[string]*", "map[string]*main.T", true),
            ("main.a?", "main.ab", false),
            ("goroutine * main.worker: seen", "goroutine 7 main.worker: seen", true),
        ];
        for (pattern, name, want) in cases {
            assert_eq!(Glob::new(pattern).matches(name), want, "{pattern} {name}");
        }
    }
}
