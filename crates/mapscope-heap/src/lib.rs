//! The heap graph, language-neutral.
//!
//! A heap is a set of *blocks*, each a row of equally sized slots; an object is one slot. [`BlockTable`] turns an
//! address into an [`ObjectId`] and back by arithmetic, without a table of addresses. [`HeapGraph`] adds columns: which
//! slots are allocated, the type of each, and the pointers between them in compressed sparse rows. [`Reachability`]
//! is our own mark from a list of roots; it also remembers how each object was first reached.
//!
//! ```
//! use mapscope_heap::{Block, BlockTable, EdgeRows, HeapGraph, Reachability};
//!
//! // Two blocks: four objects of 16 bytes, then one of 4096.
//! let blocks = BlockTable::new(vec![(0x10_0000, 16, 4), (0x20_0000, 4096, 1)]).unwrap();
//! let (object, offset) = blocks.find(0x10_0018).unwrap();
//! assert_eq!((object.0, offset), (1, 8));
//!
//! let mut rows = EdgeRows::new(0);
//! rows.push_row([]); // object 0 points nowhere
//! rows.push_row([4]); // object 1 points to the large one
//! for _ in 2..5 {
//!     rows.push_row([]);
//! }
//! let graph = HeapGraph::new(blocks, vec![rows]).unwrap();
//! let reached = Reachability::from_roots(&graph, [1]);
//! assert!(reached.is_live(4) && !reached.is_live(0));
//! ```

mod audit;
mod bits;
mod blocks;
mod cycles;
mod dominators;
mod freed;
mod graph;
mod merged;
mod paths;
mod prefetch;
mod reach;
mod suspects;
#[cfg(test)]
mod testing;

pub use audit::{GroupFill, MapAudit, MapImplementation};
pub use bits::{BitSet, SharedBits};
pub use blocks::{Block, BlockTable, ObjectId};
pub use cycles::Cycles;
pub use dominators::{Dominator, Dominators, HolderTree, Share};
pub use freed::{Freed, FreedShare, Seed};
pub use graph::{EdgeRows, HeapError, HeapGraph};
pub use mapscope_model::MapFigures;
pub use merged::{Label, MergedNode, MergedTree};
pub use paths::{Way, WaySearch};
pub use reach::{Parent, Reachability};
pub use suspects::Suspect;
