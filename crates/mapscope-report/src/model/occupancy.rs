//! The picture of a map, small enough to keep: what its groups hold, put together where there are many.

use super::GroupState;

/// Cells of a picture at most: more cannot be told apart on a screen.
const CELLS: usize = 4096;

/// The state of a map's groups, in the order they lie in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Address of the map's header, as in its row.
    pub addr: String,
    /// Groups of the map.
    pub groups: usize,
    /// Neighbouring groups that a cell stands for; the last may stand for fewer.
    pub groups_per_cell: usize,
    /// For each cell the shares of slots with an entry and with a tombstone, of 255; 0 only where there is none.
    pub cells: Vec<[u8; 2]>,
    /// `entries_per_group[n]`: groups with n entries.
    pub entries_per_group: Vec<u64>,
}

impl Occupancy {
    /// Puts groups together.
    pub fn new(addr: String, groups: &[GroupState]) -> Self {
        let groups_per_cell = groups.len().div_ceil(CELLS).max(1);
        let mut entries_per_group = Vec::new();
        for group in groups {
            let entries = group.entries as usize;
            if entries_per_group.len() <= entries {
                entries_per_group.resize(entries + 1, 0);
            }
            entries_per_group[entries] += 1;
        }
        let cells = groups.chunks(groups_per_cell).map(cell).collect();
        Self { addr, groups: groups.len(), groups_per_cell, cells, entries_per_group }
    }
}

fn cell(run: &[GroupState]) -> [u8; 2] {
    let sum = |figure: fn(&GroupState) -> u32| run.iter().map(|group| u64::from(figure(group))).sum::<u64>();
    let slots = sum(|g| g.slots).max(1);
    let share = |n: u64| (n * 255).div_ceil(slots).min(255) as u8;
    [share(sum(|g| g.entries)), share(sum(|g| g.tombstones))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_empty_only_without_entries() {
        let group = |entries, tombstones, slots| GroupState { entries, tombstones, slots };
        assert_eq!(cell(&[group(0, 0, 8), group(0, 0, 8)]), [0, 0]);
        assert_eq!(cell(&[group(1, 0, 8); 1]), [32, 0]);
        let mut run = vec![group(0, 0, 8); 1000];
        run[999] = group(1, 1, 8);
        assert_eq!(cell(&run), [1, 1]);
        assert_eq!(cell(&[group(8, 0, 8)]), [255, 0]);
        assert_eq!(cell(&[group(9, 0, 0)]), [255, 0]);
    }

    #[test]
    fn a_large_map_has_a_picture_of_bounded_size() {
        let groups = vec![GroupState { entries: 3, tombstones: 0, slots: 8 }; 1_000_001];
        let picture = Occupancy::new("0x1".into(), &groups);
        assert_eq!((picture.groups, picture.groups_per_cell), (1_000_001, 245));
        assert!(picture.cells.len() <= CELLS);
        assert_eq!(picture.entries_per_group, [0, 0, 0, 1_000_001]);
    }
}
