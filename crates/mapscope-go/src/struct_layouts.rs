//! The layout of the structs that a reading met, for rules that look for padding.

use crate::Session;
use crate::heap::Allocator;
use crate::types::{StructLayout, TypeId};

impl Session<'_> {
    /// Every struct type that was met with a name, and its layout: those of live objects among them, by the names that
    /// [`Session::types`](field@Session::types) has.
    pub fn struct_layouts(&self) -> Vec<(String, StructLayout)> {
        let types = self.stages.context.types;
        let met = (0..types.len()).map(|id| TypeId(id as u32));
        let layouts = met.filter_map(|id| Some((types.get(id).name.clone(), types.struct_layout(id)?)));
        layouts.filter(|(name, _)| !name.is_empty()).collect()
    }

    /// The allocator of the target, for [`StructLayout::slot`].
    pub fn allocator(&self) -> Allocator {
        self.stages.heap.spans.allocator()
    }
}
