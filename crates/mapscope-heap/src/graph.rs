//! The columns of the heap graph.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::bits::RankedSet;
use crate::prefetch::prefetch;
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
    /// More slots than can be numbered.
    #[error("the heap has at least {at_least} object slots; at most 2130706432 can be numbered")]
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
    rows: u32,
    /// Objects that point somewhere, and where the edges of each end.
    pointing: Vec<u32>,
    ends: Vec<u32>,
    targets: Vec<u32>,
}

impl EdgeRows {
    /// No rows yet; the first pushed belongs to object `first`.
    pub fn new(first: u32) -> Self {
        Self { first, ..Self::default() }
    }

    /// Gives back the memory that further edges would have taken.
    pub fn shrink(&mut self) {
        self.pointing.shrink_to_fit();
        self.ends.shrink_to_fit();
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
        let end = self.targets.len() as u32;
        if self.ends.last().copied().unwrap_or(0) != end {
            self.pointing.push(self.first.saturating_add(self.rows));
            self.ends.push(end);
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Adds empty rows for the next `count` objects.
    pub fn skip_rows(&mut self, count: u32) {
        self.rows = self.rows.saturating_add(count);
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
    pub allocated: Arc<BitSet>,
    types: Vec<AtomicU32>,
    /// Objects that point somewhere. Half of a heap, as a rule, does not, and whether one does is asked for every edge.
    pointing: RankedSet,
    /// Where the edges of each of them start, and where the last one's end.
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
        let covered: u64 = rows.iter().map(|r| u64::from(r.rows)).sum();
        let mismatch = HeapError::RowMismatch { rows: covered, objects: objects as u64 };
        if covered != objects as u64 || types.len() != objects {
            return Err(mismatch);
        }
        let mut pointing = BitSet::new(objects);
        let mut offsets = Vec::with_capacity(rows.iter().map(|r| r.pointing.len()).sum::<usize>() + 1);
        let mut targets = Vec::with_capacity(count as usize);
        let mut next = 0;
        for chunk in rows {
            if chunk.first != next || chunk.targets.iter().any(|t| *t as usize >= objects) {
                return Err(mismatch);
            }
            next += chunk.rows;
            let base = targets.len() as u32;
            let ends = std::iter::once(0).chain(chunk.ends);
            offsets.extend(ends.take(chunk.pointing.len()).map(|end| base + end));
            for object in chunk.pointing {
                pointing.insert(object as usize);
            }
            targets.extend_from_slice(&chunk.targets);
        }
        offsets.push(targets.len() as u32);
        let pointing = RankedSet::new(pointing);
        Ok(Self { allocated: Arc::new(BitSet::new(objects)), blocks, types, pointing, offsets, targets })
    }

    /// The objects that `object` points to, in the order of its pointers; an object appears once for each pointer.
    #[inline]
    pub fn edges(&self, object: u32) -> &[u32] {
        self.row(self.span(object))
    }

    /// Where the edges of `object` are: for [`HeapGraph::row`], so that many can be looked up before any is looked at.
    #[inline]
    pub(crate) fn span(&self, object: u32) -> Range<u32> {
        match self.pointing.rank(object as usize) {
            Some(rank) => self.offsets[rank]..self.offsets[rank + 1],
            None => 0..0,
        }
    }

    /// Prepares for [`HeapGraph::prefetch_row`] of `object`.
    #[inline]
    pub(crate) fn prefetch_span(&self, object: u32) {
        if let Some(rank) = self.pointing.rank(object as usize) {
            prefetch(&self.offsets, rank);
        }
    }

    /// Prepares for [`HeapGraph::edges`] of `object`.
    #[inline]
    pub(crate) fn prefetch_row(&self, object: u32) {
        prefetch(&self.targets, self.span(object).start as usize);
    }

    /// The edges of an object, or some of them.
    #[inline]
    pub(crate) fn row(&self, span: Range<u32>) -> &[u32] {
        &self.targets[span.start as usize..span.end as usize]
    }

    /// Whether `object` points to any object.
    #[inline]
    pub fn points(&self, object: u32) -> bool {
        self.pointing.contains(object as usize)
    }

    /// The objects that point somewhere, numbered in their order.
    pub(crate) fn pointing(&self) -> &RankedSet {
        &self.pointing
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
