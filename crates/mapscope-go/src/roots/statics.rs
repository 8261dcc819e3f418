//! Words of data and bss, by the masks of their module.

use super::{Context, Root, RootKind, words};
use crate::heap::read_bits;
use mapscope_memory::{Figure, Partial};

/// Adds every pointer word of every module.
pub(super) fn add(context: &Context<'_>, roots: &mut Vec<Root>, partial: &mut Partial) {
    for module in context.modules {
        for (range, (bits, mask)) in [(&module.data, module.data_mask), (&module.bss, module.bss_mask)] {
            let len = range.end - range.start;
            let read =
                words(context.memory, range.start, len).ok().zip(read_bits(context.memory, mask, bits.min(len / 8)));
            let Some((values, pointers)) = read else {
                partial.add(
                    Figure::Live,
                    format!("data at {:#x} (+{len} bytes) could not be read; its pointers are no roots", range.start),
                );
                continue;
            };
            roots.extend(pointers.into_iter().filter_map(|w| {
                let value = values[w as usize];
                let root = Root { address: range.start + u64::from(w) * 8, value, kind: RootKind::Static };
                (value != 0).then_some(root)
            }));
        }
    }
}
