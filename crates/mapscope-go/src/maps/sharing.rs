//! How many values hold one map: a map is a pointer, and copying a struct copies it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mapscope_heap::BitSet;
use rustc_hash::FxHashMap;

use crate::Session;
use crate::storage::references;

impl Session<'_> {
    /// How many pointers in live objects lead to each live map whose header is an object, by the header's address.
    pub fn map_pointers(&self) -> FxHashMap<u64, u64> {
        let spans = &self.stages.heap.spans;
        let header = |address: u64| spans.object(address).filter(|o| o.1 == 0).map(|o| (o.0, address));
        let mut headers: Vec<(u32, u64)> = self.maps.iter().filter_map(|m| header(m.audit.address)).collect();
        headers.sort_unstable();
        let mut wanted = BitSet::new(self.graph().len());
        for (object, _) in &headers {
            wanted.insert(*object as usize);
        }
        let counts: Vec<AtomicU64> = headers.iter().map(|_| AtomicU64::new(0)).collect();
        references::from_objects(&self.stages, &wanted, |_, target| {
            if let Ok(index) = headers.binary_search_by_key(&target, |h| h.0) {
                counts[index].fetch_add(1, Relaxed);
            }
        });
        headers.iter().zip(&counts).map(|((_, address), count)| (*address, count.load(Relaxed))).collect()
    }
}
