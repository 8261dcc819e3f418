//! Says who shares what nothing dominates: for each object that ways of several holders lead to, the group of the holder
//! that reached it first, and how many other groups there are.
//!
//! The tops of the dominator tree are such objects. A top is reached by whoever holds a predecessor of it, and by whoever
//! reaches the top above a predecessor. One depth-first pass against the pointers visits each top once, and gives all tops
//! of a cycle together what leads to any of them (Tarjan's components come out in that order).

use rustc_hash::FxHashMap;

use super::semi_nca::Preorder;

/// Groups that are told apart among those that lead to one object.
const MAX_GROUPS: usize = 16;
/// Sets of groups that are told apart; a graph that has more is out to be large.
const MAX_SETS: usize = 1 << 16;
/// Set in what is above a node when that is no top but a holder; the rest is its group.
pub(super) const GROUP: u32 = 1 << 31;

/// Who shares an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// The group of the holder that reached it first.
    pub group: u32,
    /// Other groups that lead to it. Without any, it is shared by several holders of one group.
    pub others: u32,
    /// There are more than that.
    pub more: bool,
}

/// Some groups, the lowest numbers of all that lead somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Set {
    groups: [u32; MAX_GROUPS],
    len: u8,
    more: bool,
}

impl Set {
    fn of(group: u32) -> Self {
        let mut set = Self { len: 1, ..Self::default() };
        set.groups[0] = group;
        set
    }

    fn groups(&self) -> &[u32] {
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
struct Sets {
    all: Vec<Set>,
    numbers: FxHashMap<Set, u32>,
    unions: FxHashMap<(u32, u32), u32>,
    last: ((u32, u32), u32),
}

const EMPTY: u32 = 0;
const MANY: u32 = 1;

impl Sets {
    fn new() -> Self {
        let all = vec![Set::default(), Set { more: true, ..Set::default() }];
        Self { all, numbers: FxHashMap::default(), unions: FxHashMap::default(), last: ((EMPTY, EMPTY), EMPTY) }
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

    /// The union of two sets that have not met yet, or so many others have since.
    fn meet(&mut self, key: (u32, u32)) -> u32 {
        let union = self.all[key.0 as usize].union(&self.all[key.1 as usize]);
        let number = self.number(union);
        if self.unions.len() < MAX_SETS * 4 {
            self.unions.insert(key, number);
        }
        number
    }

    fn union(&mut self, a: u32, b: u32) -> u32 {
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

/// The tops of a dominator tree.
pub(super) struct Tops<'t, A: Fn(u32) -> u32> {
    pub(super) graph: &'t Preorder,
    /// The number of each top in the graph.
    pub(super) numbers: &'t [u32],
    /// What a node of the graph is below: the index of a top, or [`GROUP`] and the group of a holder.
    pub(super) above: A,
}

/// Not visited.
const UNSEEN: u32 = 0;
/// All that leads to it is known.
const DONE: u32 = u32::MAX;

/// A top whose predecessors are being looked at.
struct Frame {
    top: u32,
    next: u32,
    /// Its place in the order of visits.
    index: u32,
}

/// The pass over all tops.
struct Pass<'p, 't, A: Fn(u32) -> u32> {
    tops: &'p Tops<'t, A>,
    sets: Sets,
    /// The groups known to lead to each top.
    found: Vec<u32>,
    /// [`UNSEEN`], the lowest place in the order of visits that is known to lead to it, or [`DONE`].
    low: Vec<u32>,
    visited: u32,
    waiting: Vec<u32>,
    frames: Vec<Frame>,
}

impl<A: Fn(u32) -> u32> Tops<'_, A> {
    /// Who shares each top, by number in the list, when `first` is the group that reached each first.
    pub(super) fn shares(&self, first: &[u32]) -> (Vec<u32>, Vec<Share>) {
        let len = self.numbers.len();
        let (found, low) = (vec![EMPTY; len], vec![UNSEEN; len]);
        let (waiting, frames) = (Vec::new(), Vec::new());
        let mut pass = Pass { tops: self, sets: Sets::new(), found, low, visited: 0, waiting, frames };
        for top in 0..len as u32 {
            pass.visit(top);
        }
        let Pass { sets, mut found, .. } = pass;
        let (mut shares, mut numbers) = (Vec::new(), FxHashMap::default());
        for (set, group) in found.iter_mut().zip(first) {
            let all = &sets.all[*set as usize];
            let among = all.groups().contains(group);
            let others = u32::from(all.len) - u32::from(among);
            let share = Share { group: *group, others, more: all.more };
            *set = *numbers.entry(share).or_insert_with(|| {
                shares.push(share);
                shares.len() as u32 - 1
            });
        }
        (found, shares)
    }
}

impl<A: Fn(u32) -> u32> Pass<'_, '_, A> {
    fn visit(&mut self, top: u32) {
        if self.low[top as usize] == UNSEEN {
            self.enter(top);
        }
        while let Some(frame) = self.frames.last_mut() {
            let (top, next) = (frame.top, frame.next as usize);
            frame.next += 1;
            let row = self.tops.graph.predecessors(self.tops.numbers[top as usize] as usize);
            let Some(&predecessor) = row.get(next) else {
                self.leave();
                continue;
            };
            let above = (self.tops.above)(predecessor);
            if above & GROUP != 0 {
                let set = self.sets.number(Set::of(above & !GROUP));
                self.add(top, set);
            } else if self.low[above as usize] == UNSEEN {
                self.enter(above);
            } else if self.low[above as usize] == DONE {
                self.add(top, self.found[above as usize]);
            } else {
                self.low[top as usize] = self.low[top as usize].min(self.low[above as usize]);
            }
        }
    }

    fn add(&mut self, top: u32, set: u32) {
        self.found[top as usize] = self.sets.union(self.found[top as usize], set);
    }

    fn enter(&mut self, top: u32) {
        // Fewer objects than numbers.
        self.visited += 1;
        self.low[top as usize] = self.visited;
        self.waiting.push(top);
        self.frames.push(Frame { top, next: 0, index: self.visited });
    }

    fn leave(&mut self) {
        let Some(Frame { top, index, .. }) = self.frames.pop() else { return };
        let set = self.found[top as usize];
        if self.low[top as usize] == index {
            while let Some(member) = self.waiting.pop() {
                self.low[member as usize] = DONE;
                self.found[member as usize] = set;
                if member == top {
                    break;
                }
            }
        }
        if let Some(above) = self.frames.last().map(|f| f.top) {
            self.add(above, set);
            if self.low[top as usize] != DONE {
                self.low[above as usize] = self.low[above as usize].min(self.low[top as usize]);
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
