//! The columns of the heap graph.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::{BitSet, BlockTable};

/// What cannot be represented.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeapError {
    /// A block is empty, wraps around the address space or overlaps another.
    #[error("block at {start:#x} ({count} slots of {slot_size} bytes) is empty, wraps around or overlaps another")]
    BadBlock {
        /// Address of its first slot.
        start: u64,
        /// Bytes of a slot.
        slot_size: u64,
        /// Slots.
        count: u32,
    },
    /// More slots than 31 bits can number.
    #[error("the heap has at least {at_least} object slots; at most 2147483646 can be numbered")]
    TooManyObjects {
        /// Slots seen when counting stopped.
        at_least: u64,
    },
    /// More pointers than 32 bits can number.
    #[error("the heap has {count} pointers between objects; at most 4294967295 can be numbered")]
    TooManyEdges {
        /// Pointers counted.
        count: u64,
    },
    /// The rows of edges do not cover the objects one to one, or an edge leads nowhere.
    #[error("edge rows cover {rows} objects, the heap has {objects}, or an edge leads outside")]
    RowMismatch {
        /// Rows given.
        rows: u64,
        /// Objects in the block table.
        objects: u64,
    },
}

/// Edges of a contiguous run of objects, in object order: what one worker produces.
#[derive(Clone, Debug, Default)]
pub struct EdgeRows {
    first: u32,
    ends: Vec<u32>,
    targets: Vec<u32>,
}

impl EdgeRows {
    /// No rows yet; the first pushed belongs to object `first`.
    pub fn new(first: u32) -> Self {
        Self::with_capacity(first, 0)
    }

    /// As [`EdgeRows::new`], with room for `rows` rows.
    pub fn with_capacity(first: u32, rows: usize) -> Self {
        Self { first, ends: Vec::with_capacity(rows), targets: Vec::new() }
    }

    /// Gives back the memory that further edges would have taken.
    pub fn shrink(&mut self) {
        self.targets.shrink_to_fit();
    }

    /// Adds the row of the next object.
    pub fn push_row(&mut self, targets: impl IntoIterator<Item = u32>) {
        self.targets.extend(targets);
        self.end_row();
    }

    /// Adds one edge to the row that [`EdgeRows::end_row`] will close.
    #[inline]
    pub fn push_edge(&mut self, target: u32) {
        self.targets.push(target);
    }

    /// Closes the row of the next object.
    #[inline]
    pub fn end_row(&mut self) {
        self.ends.push(self.targets.len() as u32);
    }

    /// Adds empty rows for the next `count` objects.
    pub fn skip_rows(&mut self, count: usize) {
        self.ends.resize(self.ends.len() + count, self.targets.len() as u32);
    }
}

/// Objects, which of them are allocated, their types, and the pointers between them.
///
/// The bytes of an object are those of its slot. Its type is a number of the reader's own type table, 0 for none; the
/// column can be written by many threads at once, because a reader finds types while it walks the graph.
#[derive(Debug, Default)]
pub struct HeapGraph {
    /// Where the objects lie.
    pub blocks: BlockTable,
    /// Slots that hold an object, live or garbage.
    pub allocated: BitSet,
    types: Vec<AtomicU32>,
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl HeapGraph {
    /// Joins the rows of all workers. They must cover every object once, in order.
    ///
    /// # Errors
    /// [`HeapError::RowMismatch`] when they do not, [`HeapError::TooManyEdges`] when they hold more than 2^32 - 1 edges.
    pub fn new(blocks: BlockTable, rows: Vec<EdgeRows>) -> Result<Self, HeapError> {
        let types = (0..blocks.len()).map(|_| AtomicU32::new(0)).collect();
        Self::with_types(blocks, rows, types)
    }

    /// As [`HeapGraph::new`], with the types that are known already, one for each object.
    ///
    /// # Errors
    /// As [`HeapGraph::new`]; also when there is not one type for each object.
    pub fn with_types(blocks: BlockTable, rows: Vec<EdgeRows>, types: Vec<AtomicU32>) -> Result<Self, HeapError> {
        let objects = blocks.len();
        let count: u64 = rows.iter().map(|r| r.targets.len() as u64).sum();
        if count > u64::from(u32::MAX) {
            return Err(HeapError::TooManyEdges { count });
        }
        let covered: u64 = rows.iter().map(|r| r.ends.len() as u64).sum();
        let mismatch = HeapError::RowMismatch { rows: covered, objects: objects as u64 };
        if covered != objects as u64 || types.len() != objects {
            return Err(mismatch);
        }
        let mut offsets = Vec::with_capacity(objects + 1);
        let mut targets = Vec::with_capacity(count as usize);
        offsets.push(0);
        for chunk in rows {
            let base = targets.len() as u32;
            if chunk.first as usize + 1 != offsets.len() || chunk.targets.iter().any(|t| *t as usize >= objects) {
                return Err(mismatch);
            }
            offsets.extend(chunk.ends.iter().map(|end| base + end));
            targets.extend_from_slice(&chunk.targets);
        }
        Ok(Self { allocated: BitSet::new(objects), blocks, types, offsets, targets })
    }

    /// The objects that `object` points to, in the order of its pointers; an object appears once for each pointer.
    #[inline]
    pub fn edges(&self, object: u32) -> &[u32] {
        let (from, to) = (self.offsets[object as usize], self.offsets[object as usize + 1]);
        &self.targets[from as usize..to as usize]
    }

    /// The type column.
    pub fn types(&self) -> &[AtomicU32] {
        &self.types
    }

    /// Type of an object; 0 where none is known.
    #[inline]
    pub fn type_of(&self, object: u32) -> u32 {
        self.types[object as usize].load(Relaxed)
    }

    /// Objects, that is slots, allocated or not.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Pointers between objects.
    pub fn edge_count(&self) -> usize {
        self.targets.len()
    }
}
