//! Says why a result is partial, and which of its figures are uncertain for it.
//!
//! A reader that leaves something out adds a sentence and the figures that it makes uncertain itself; what follows from
//! those is added here:
//!
//! ```
//! use mapscope_memory::{Figure, Partial};
//!
//! let mut partial = Partial::default();
//! partial.add(Figure::Goroutines, "3 of 40 goroutines could not be read");
//! partial.add(Figure::Maps | Figure::Storage, "data was overwritten");
//! assert!(partial.of(Figure::Leaks).is_some(), "who is leaked cannot be known without all goroutines");
//! assert!(partial.of(Figure::Live).is_none());
//! ```

use std::fmt;
use std::ops::{BitOr, Deref};

/// Figures that stand or fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Which slots are allocated: objects and their bytes, free slots.
    Objects,
    /// What is reachable: live objects and bytes, garbage, roots.
    Live,
    /// The rows of types.
    Types,
    /// The list of maps, and what their rows count.
    Maps,
    /// The names of what holds objects, and the paths to them.
    Owners,
    /// Retained bytes, of whatever.
    Retained,
    /// How many goroutines there are, and what each of them does.
    Goroutines,
    /// Which goroutines are leaked.
    Leaks,
    /// The heap profile, and where live objects were allocated.
    Profile,
    /// The parts of resident memory, but for the division of objects into live ones and garbage.
    Memory,
    /// Of those parts, stacks, the runtime's own and what Go does not know.
    RuntimeMemory,
    /// Slices, strings, channels, pools, timers, finalizers.
    Storage,
    /// What rules find.
    Findings,
}

impl Figure {
    /// All there are.
    pub const ALL: [Self; 13] = [
        Self::Objects,
        Self::Live,
        Self::Types,
        Self::Maps,
        Self::Owners,
        Self::Retained,
        Self::Goroutines,
        Self::Leaks,
        Self::Profile,
        Self::Memory,
        Self::RuntimeMemory,
        Self::Storage,
        Self::Findings,
    ];

    /// What is worked out from it, directly or not.
    fn leads_to(self) -> &'static [Self] {
        use Figure::{Findings, Leaks, Live, Maps, Owners, Profile, Retained, RuntimeMemory, Storage, Types};
        match self {
            Self::Objects => &[Live, Types, Maps, Owners, Retained, Leaks, Profile, Storage, Findings],
            Live => &[Types, Maps, Owners, Retained, Leaks, Profile, Storage, Findings],
            Types => &[Maps, Owners, Storage, Findings],
            Self::Goroutines => &[Leaks, Findings],
            Self::Memory => &[RuntimeMemory, Findings],
            Maps | Retained | Leaks | Storage => &[Findings],
            Owners | Profile | RuntimeMemory | Findings => &[],
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of figures, with all that is worked out from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures(u16);

impl Figures {
    /// All figures: nobody knows what is missing.
    pub const EVERY: Self = Self((1 << Figure::ALL.len()) - 1);

    /// Whether the set has the figure.
    #[must_use]
    pub fn has(self, figure: Figure) -> bool {
        self.0 & figure.bit() != 0
    }

    /// The figures of the set.
    pub fn iter(self) -> impl Iterator<Item = Figure> {
        Figure::ALL.into_iter().filter(move |figure| self.has(*figure))
    }
}

impl From<Figure> for Figures {
    fn from(figure: Figure) -> Self {
        Self(figure.leads_to().iter().fold(figure.bit(), |bits, next| bits | next.bit()))
    }
}

impl<F: Into<Figures>> BitOr<F> for Figures {
    type Output = Self;

    fn bitor(self, other: F) -> Self {
        Self(self.0 | other.into().0)
    }
}

impl BitOr for Figure {
    type Output = Figures;

    fn bitor(self, other: Self) -> Figures {
        Figures::from(self) | other
    }
}

/// One reason for being partial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is missing, and where.
    pub sentence: String,
    /// What is uncertain for it: the figure may be another one.
    pub figures: Figures,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Why a result is partial. Empty when it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial(Vec<Reason>);

impl Partial {
    /// Adds a reason. Figures that are worked out from those given need not be named.
    pub fn add(&mut self, figures: impl Into<Figures>, sentence: impl Into<String>) {
        self.0.push(Reason { sentence: sentence.into(), figures: figures.into() });
    }

    /// The first reason that makes the figure uncertain.
    #[must_use]
    pub fn of(&self, figure: Figure) -> Option<&Reason> {
        self.iter().find(|reason| reason.figures.has(figure))
    }

    /// What is said, without what it is about.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        self.iter().map(Reason::to_string).collect()
    }
}

impl Deref for Partial {
    type Target = [Reason];

    fn deref(&self) -> &[Reason] {
        &self.0
    }
}

impl Extend<Reason> for Partial {
    fn extend<I: IntoIterator<Item = Reason>>(&mut self, reasons: I) {
        self.0.extend(reasons);
    }
}

impl IntoIterator for Partial {
    type Item = Reason;
    type IntoIter = std::vec::IntoIter<Reason>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'p> IntoIterator for &'p Partial {
    type Item = &'p Reason;
    type IntoIter = std::slice::Iter<'p, Reason>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_figure_is_uncertain_with_it() {
        for figure in Figure::ALL {
            let figures = Figures::from(figure);
            assert!(figures.has(figure));
            for next in figures.iter() {
                let further = Figures::from(next);
                assert_eq!(figures | further, figures, "{figure:?} leads to {next:?}, and not to all that does");
            }
        }
    }

    #[test]
    fn figures_are_numbered_in_their_order() {
        assert!(Figure::ALL.iter().enumerate().all(|(index, figure)| figure.bit() == 1 << index));
        assert_eq!(Figures::EVERY.iter().collect::<Vec<_>>(), Figure::ALL);
        assert_eq!(Figures::default().iter().count(), 0);
    }

    #[test]
    fn a_figure_that_no_reason_touches_stands() {
        let mut partial = Partial::default();
        partial.add(Figure::Profile, "first");
        partial.add(Figure::Objects | Figure::Memory, String::from("second"));
        assert_eq!(partial.of(Figure::Profile).map(Reason::to_string).as_deref(), Some("first"));
        assert_eq!(partial.of(Figure::Leaks).map(Reason::to_string).as_deref(), Some("second"));
        assert!(partial.of(Figure::Goroutines).is_none());
        assert_eq!(partial.sentences(), ["first", "second"]);
    }
}
