//! Sets of groups, interned: a set is told by its number, and two sets are united once.

use rustc_hash::FxHashMap;

/// Groups that are told apart among those that lead to one object.
const MAX_GROUPS: usize = 16;
/// Sets of groups that are told apart; a graph that has more is out to be large.
const MAX_SETS: usize = 1 << 16;
/// Some groups, the lowest numbers of all that lead somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Set {
    groups: [u32; MAX_GROUPS],
    len: u8,
    /// There are more.
    pub(super) more: bool,
}

impl Set {
    fn of(group: u32) -> Self {
        let mut set = Self { len: 1, ..Self::default() };
        set.groups[0] = group;
        set
    }

    pub(super) fn groups(&self) -> &[u32] {
        &self.groups[..usize::from(self.len)]
    }

    fn union(&self, other: &Self) -> Self {
        let mut all: Vec<u32> = self.groups().iter().chain(other.groups()).copied().collect();
        all.sort_unstable();
        all.dedup();
        let mut set = Self { more: self.more || other.more || all.len() > MAX_GROUPS, ..Self::default() };
        for (place, group) in set.groups.iter_mut().zip(all) {
            *place = group;
            set.len += 1;
        }
        set
    }
}

/// Sets by number. Set 0 is empty, set 1 is that of more groups than are told apart.
pub(super) struct Sets {
    pub(super) all: Vec<Set>,
    numbers: FxHashMap<Set, u32>,
    unions: FxHashMap<(u32, u32), u32>,
    last: ((u32, u32), u32),
    /// The group looked up last, and its set.
    last_group: (u32, u32),
}

/// The number of the empty set.
pub(super) const EMPTY: u32 = 0;
const MANY: u32 = 1;

impl Sets {
    pub(super) fn new() -> Self {
        let all = vec![Set::default(), Set { more: true, ..Set::default() }];
        Self {
            all,
            numbers: FxHashMap::default(),
            unions: FxHashMap::default(),
            last: ((EMPTY, EMPTY), EMPTY),
            last_group: (u32::MAX, EMPTY),
        }
    }

    fn number(&mut self, set: Set) -> u32 {
        if let Some(number) = self.numbers.get(&set) {
            return *number;
        }
        if self.all.len() >= MAX_SETS {
            return MANY;
        }
        self.all.push(set);
        let number = self.all.len() as u32 - 1;
        self.numbers.insert(set, number);
        number
    }

    /// The set of one group.
    pub(super) fn of_group(&mut self, group: u32) -> u32 {
        if self.last_group.0 != group {
            self.last_group = (group, self.number(Set::of(group)));
        }
        self.last_group.1
    }

    /// The union of two sets that have not met yet, or so many others have since.
    fn meet(&mut self, key: (u32, u32)) -> u32 {
        let union = self.all[key.0 as usize].union(&self.all[key.1 as usize]);
        let number = self.number(union);
        if self.unions.len() < MAX_SETS * 4 {
            self.unions.insert(key, number);
        }
        number
    }

    /// The union of two sets.
    pub(super) fn union(&mut self, a: u32, b: u32) -> u32 {
        match (a.min(b), a.max(b)) {
            (EMPTY, other) => other,
            (MANY, _) => MANY,
            (a, b) if a == b => a,
            key if key == self.last.0 => self.last.1,
            key => {
                let known = self.unions.get(&key).copied();
                let union = known.unwrap_or_else(|| self.meet(key));
                self.last = (key, union);
                union
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_keep_the_lowest_and_say_that_there_are_more() {
        let mut sets = Sets::new();
        let mut all = EMPTY;
        for group in (0..20).rev() {
            let one = sets.number(Set::of(group));
            all = sets.union(one, all);
        }
        let set = sets.all[all as usize];
        assert_eq!((set.groups(), set.more), (&(0..16).collect::<Vec<_>>()[..], true));
        let seven = sets.number(Set::of(7));
        assert_eq!((sets.union(all, seven), sets.union(all, MANY), sets.union(EMPTY, seven)), (all, MANY, seven));
    }
}
