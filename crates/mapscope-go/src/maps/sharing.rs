//! How many values hold one map: a map is a pointer, and copying a struct copies it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use mapscope_heap::BitSet;

use crate::Session;
use crate::storage::references;

impl Session<'_> {
    /// How many pointers in live objects lead to each live map whose header is an object, by the number of the map.
    pub fn map_pointers(&self) -> Vec<u32> {
        let spans = &self.stages.heap.spans;
        let mut wanted = BitSet::new(self.graph().len());
        for map in self.maps.iter() {
            if let Some((object, 0, _)) = spans.object(map.address()) {
                wanted.insert(object as usize);
            }
        }
        let counts: Vec<AtomicU32> = self.maps.iter().map(|_| AtomicU32::new(0)).collect();
        references::from_objects(&self.stages, &wanted, |_, target| {
            let map = self.maps.at(self.graph().blocks.address(target));
            if let Some(count) = map.and_then(|map| counts.get(map.id().0 as usize)) {
                // A count that does not fit stays at the most.
                let _ = count.fetch_update(Relaxed, Relaxed, |n| n.checked_add(1));
            }
        });
        counts.into_iter().map(AtomicU32::into_inner).collect()
    }
}
