//! From addresses to objects and back, by arithmetic.

use std::sync::Arc;

use crate::HeapError;

/// The number of an object: slots are counted through all blocks in address order, allocated or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// A row of equally sized slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Address of the first slot.
    pub start: u64,
    /// Bytes of one slot.
    pub slot_size: u64,
    /// Number of the first slot.
    pub first: u32,
    /// Slots.
    pub count: u32,
}

impl Block {
    /// One past the last byte of the last slot.
    pub fn end(&self) -> u64 {
        self.start + self.slot_size * u64::from(self.count)
    }

    /// The numbers of its slots.
    pub fn objects(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.count
    }

    /// Address of the slot with number `object`, which must be one of this block.
    pub fn address(&self, object: u32) -> u64 {
        self.start + u64::from(object - self.first) * self.slot_size
    }
}

/// Bytes of a page of the lookup table; no two blocks share one.
const PAGE: u64 = 8192;
/// Pages of one leaf of the lookup table: a leaf covers 64 MiB, Go's arena.
const LEAF_PAGES: u64 = 8192;
/// Leaves that a directly indexed root may have (4 TiB of address range); beyond it the root is searched.
const DIRECT_ROOT: u64 = 1 << 16;

/// All blocks of a heap, found by address or by object number. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct BlockTable {
    blocks: Arc<[Block]>,
    pages: Pages,
    objects: u32,
}

/// Which block covers a page.
#[derive(Clone, Debug, Default)]
struct Pages {
    /// Leaf numbers (address / 64 MiB) in ascending order, parallel to `leaves`.
    leaf_numbers: Arc<[u64]>,
    /// Index of the block that covers a page, plus one; 0 where there is none.
    leaves: Arc<[Box<[u32]>]>,
    /// Index + 1 into `leaves` by leaf number less the first; empty when the range is too wide.
    root: Arc<[u32]>,
}

/// Blocks that one thread looks at in a row, at least.
pub(crate) const MIN_BLOCKS: usize = 64;
/// Slots that can be numbered: 31 bits, and room for what stands beside objects in a graph.
const MAX_OBJECTS: u32 = (1 << 31) - (1 << 24);

impl BlockTable {
    /// Numbers the slots of `rows`: (start address, slot size, slots). Rows are sorted by address here. Rows that
    /// overlap a page of an earlier one, are empty, or wrap around the address space are refused.
    ///
    /// # Errors
    /// [`HeapError::BadBlock`] for such a row, [`HeapError::TooManyObjects`] when the slots do not fit 32 bits.
    pub fn new(mut rows: Vec<(u64, u64, u32)>) -> Result<Self, HeapError> {
        rows.sort_unstable();
        let mut blocks = Vec::with_capacity(rows.len());
        let (mut objects, mut next_free) = (0u32, 0);
        for (start, slot_size, count) in rows {
            let bytes = slot_size.checked_mul(u64::from(count)).filter(|b| *b > 0);
            let end = bytes.and_then(|b| start.checked_add(b)).filter(|e| *e < 1 << 56);
            let Some(end) = end.filter(|_| start / PAGE >= next_free) else {
                return Err(HeapError::BadBlock { start, slot_size, count });
            };
            next_free = end.div_ceil(PAGE);
            let first = objects;
            objects = first
                .checked_add(count)
                .filter(|n| *n <= MAX_OBJECTS)
                .ok_or(HeapError::TooManyObjects { at_least: u64::from(first) + u64::from(count) })?;
            blocks.push(Block { start, slot_size, first, count });
        }
        Ok(Self { pages: Pages::new(&blocks), blocks: blocks.into(), objects })
    }

    /// All blocks, by address.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Slots in all blocks: object numbers are below this.
    pub fn len(&self) -> usize {
        self.objects as usize
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.objects == 0
    }

    /// Index of the block whose slots cover `address`.
    #[inline]
    pub fn block_index(&self, address: u64) -> Option<usize> {
        let page = address / PAGE;
        let entry = self.pages.leaf(page / LEAF_PAGES)?[(page % LEAF_PAGES) as usize];
        (entry as usize).checked_sub(1)
    }

    /// The object whose slot covers `address`, and the offset of `address` in it.
    #[inline]
    pub fn find(&self, address: u64) -> Option<(ObjectId, u64)> {
        self.locate(address).map(|(_, object, offset)| (object, offset))
    }

    /// As [`BlockTable::find`], with the index of the object's block in front.
    #[inline]
    pub fn locate(&self, address: u64) -> Option<(usize, ObjectId, u64)> {
        let at = self.block_index(address)?;
        let block = self.blocks[at];
        let offset = address.checked_sub(block.start)?;
        if block.count == 1 {
            return (offset < block.slot_size).then_some((at, ObjectId(block.first), offset));
        }
        // A block of many slots is a few pages long, where 32-bit division is exact and quicker.
        let (index, rest) = if offset < u64::from(u32::MAX) && block.slot_size < u64::from(u32::MAX) {
            let (o, s) = (offset as u32, block.slot_size as u32);
            (o / s, u64::from(o % s))
        } else {
            (u32::try_from(offset / block.slot_size).ok()?, offset % block.slot_size)
        };
        (index < block.count).then_some((at, ObjectId(block.first + index), rest))
    }

    /// The block of an object number.
    ///
    /// # Panics
    /// When `object` is not below [`BlockTable::len`].
    pub fn block_of(&self, object: u32) -> &Block {
        &self.blocks[self.blocks.partition_point(|b| b.first <= object) - 1]
    }

    /// Address of an object's slot.
    pub fn address(&self, object: u32) -> u64 {
        self.block_of(object).address(object)
    }

    /// Bytes of an object's slot.
    pub fn size(&self, object: u32) -> u64 {
        self.block_of(object).slot_size
    }
}

impl Pages {
    fn new(blocks: &[Block]) -> Self {
        let (mut leaf_numbers, mut leaves, mut root) = (Vec::new(), Vec::new(), Vec::new());
        for (index, block) in blocks.iter().enumerate() {
            for page in block.start / PAGE..block.end().div_ceil(PAGE) {
                let leaf = page / LEAF_PAGES;
                if leaf_numbers.last() != Some(&leaf) {
                    leaf_numbers.push(leaf);
                    leaves.push(vec![0; LEAF_PAGES as usize].into_boxed_slice());
                }
                if let Some(last) = leaves.last_mut() {
                    last[(page % LEAF_PAGES) as usize] = index as u32 + 1;
                }
            }
        }
        if let (Some(&low), Some(&high)) = (leaf_numbers.first(), leaf_numbers.last())
            && high - low < DIRECT_ROOT
        {
            root = vec![0; (high - low + 1) as usize];
            for (index, number) in leaf_numbers.iter().enumerate() {
                root[(number - low) as usize] = index as u32 + 1;
            }
        }
        Self { leaf_numbers: leaf_numbers.into(), leaves: leaves.into(), root: root.into() }
    }

    #[inline]
    fn leaf(&self, number: u64) -> Option<&[u32]> {
        let index = if self.root.is_empty() {
            self.leaf_numbers.binary_search(&number).ok()?
        } else {
            let entry = *self.root.get(number.checked_sub(*self.leaf_numbers.first()?)? as usize)?;
            (entry as usize).checked_sub(1)?
        };
        self.leaves.get(index).map(|l| &**l)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_byte_of_every_slot_and_nothing_else() {
        let rows = vec![(0xc000_0000, 48, 170), (0xc000_2000, 8192 * 3, 1), (0x7f00_0000_0000, 112, 73)];
        let table = BlockTable::new(rows).unwrap();
        assert_eq!(table.len(), 244);
        for object in 0..table.len() as u32 {
            let (start, size) = (table.address(object), table.size(object));
            for offset in [0, 1, size / 2, size - 1] {
                assert_eq!(table.find(start + offset), Some((ObjectId(object), offset)));
            }
        }
        for outside in [0, 0xbfff_ffff, 0xc000_0000 + 48 * 170, 0xc000_8000, 0x7f00_0000_0000 - 1, u64::MAX] {
            assert_eq!(table.find(outside), None, "{outside:#x}");
        }
    }

    #[test]
    fn refuses_rows_that_cannot_be() {
        for rows in [
            vec![(0x2000, 0, 4)],
            vec![(0x2000, 16, 0)],
            vec![(u64::MAX - 100, 16, 100)],
            vec![(0x2000, 8192, 2), (0x4000, 16, 1)],
            vec![(0x2000, u64::MAX, 2)],
        ] {
            assert!(matches!(BlockTable::new(rows), Err(HeapError::BadBlock { .. })));
        }
        let many = (0..1024).map(|i| (i << 40, 8, u32::MAX / 64)).collect();
        assert!(matches!(BlockTable::new(many), Err(HeapError::TooManyObjects { .. })));
    }

    #[test]
    fn searches_when_the_address_range_is_too_wide_for_a_direct_root() {
        let table = BlockTable::new(vec![(0x2000, 16, 2), (1 << 50, 32, 2)]).unwrap();
        assert!(table.pages.root.is_empty());
        assert_eq!(table.find((1 << 50) + 40), Some((ObjectId(3), 8)));
        assert_eq!(table.find(0x2010), Some((ObjectId(1), 0)));
    }
}
