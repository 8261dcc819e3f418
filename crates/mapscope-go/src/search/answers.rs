//! Which of several lists that look alike is the one that is looked for.
//!
//! The runtime has copies of some of its lists: while it marks, `work.stackRoots` is what `allgs` was when marking
//! began. Lists of the same things are one answer, and a copy never has more than the list itself; so the longest is
//! it, when it has all that the others have.

use rustc_hash::FxHashSet;

/// A list of structures, and the address of its header or first link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) address: u64,
    pub(super) items: Vec<u64>,
}

/// What the collector is doing (`gcphase`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// `_GCoff`: nothing is being marked.
    Off,
    /// `_GCmark` or `_GCmarktermination`.
    Marking,
}

/// Copies that a list may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// Of the same things, in any order.
    Equal,
    /// Of some of them, too: made before the others came.
    Parts,
}

impl Copies {
    /// Of `allgs`: only while the collector marks is there one that can be older.
    pub(super) fn of_goroutines(phase: Option<Phase>) -> Self {
        if phase == Some(Phase::Off) { Self::Equal } else { Self::Parts }
    }
}

/// The address of the list that all of `lists` agree on; `None` when they contradict one another, and when there is
/// none.
pub(super) fn agreed(lists: &[List], copies: Copies) -> Option<u64> {
    if let [only] = lists {
        return Some(only.address);
    }
    let longest = lists.iter().max_by_key(|list| (list.items.len(), std::cmp::Reverse(list.address)))?;
    let all: FxHashSet<u64> = longest.items.iter().copied().collect();
    let agrees = |list: &List| {
        (copies == Copies::Parts || list.items.len() == longest.items.len())
            && list.items.iter().all(|item| all.contains(item))
    };
    lists.iter().all(agrees).then_some(longest.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(address: u64, items: &[u64]) -> List {
        List { address, items: items.to_vec() }
    }

    #[test]
    fn equal_lists_are_one_answer() {
        let lists = [list(8, &[1, 2, 3]), list(16, &[3, 1, 2])];
        assert_eq!(agreed(&lists, Copies::Equal), Some(8));
        assert_eq!((agreed(&lists[1..], Copies::Equal), agreed(&[], Copies::Parts)), (Some(16), None));
    }

    #[test]
    fn an_older_copy_has_a_part() {
        let lists = [list(8, &[1, 2]), list(16, &[1, 2, 3])];
        assert_eq!(agreed(&lists, Copies::of_goroutines(Some(Phase::Marking))), Some(16));
        assert_eq!(agreed(&lists, Copies::of_goroutines(None)), Some(16));
        assert_eq!(agreed(&lists, Copies::of_goroutines(Some(Phase::Off))), None, "nothing explains the second");
    }

    #[test]
    fn lists_of_other_things_are_no_answer() {
        let lists = [list(8, &[1, 2]), list(16, &[1, 2, 3]), list(24, &[4])];
        assert_eq!(agreed(&lists, Copies::Parts), None);
    }
}
