//! Words of data and bss, by the masks of their module.

use std::ops::Range;

use mapscope_memory::{Memory, Region};

use super::{Context, Root, RootKind, words};
use crate::heap::read_bits;
use mapscope_memory::{Figure, Partial};

/// Pages of a mapping that are tried; the data of a program has fewer.
const MAX_PAGES: usize = 1 << 20;

/// Adds every pointer word of every module.
pub(super) fn add(context: &Context<'_>, roots: &mut Vec<Root>, partial: &mut Partial) {
    for module in context.modules {
        for (range, (bits, mask)) in [(&module.data, module.data_mask), (&module.bss, module.bss_mask)] {
            let len = range.end - range.start;
            let values = words(context.memory, range.start, len).ok();
            // The runtime's own variables are always written to; a plugin's copies of them need never be.
            let values = values.or_else(|| module.plugin.as_ref().and_then(|_| touched(context.memory, range)));
            let read = values.zip(read_bits(context.memory, mask, bits.min(len / 8)));
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

/// The words of `range` where a core left out what was never written to: there they are zero. `None` when it lacks
/// anything else.
///
/// The kernel and gdb leave out anonymous mappings that were never touched, wholly. So what is missing must be of a mapping
/// without a file, of which the core has no byte.
fn touched(memory: &dyn Memory, range: &Range<u64>) -> Option<Vec<u64>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let region = memory.regions().iter().find(|r| r.start <= at && at < r.end)?;
        let end = region.end.min(range.end);
        let whole_words = (end - at) / 8 * 8;
        match words(memory, at, whole_words) {
            Ok(mut words) => found.append(&mut words),
            Err(_) if region.file.is_none() && is_left_out(memory, region) => {
                found.resize(found.len() + (whole_words / 8) as usize, 0);
            }
            Err(_) => return None,
        }
        at = end;
    }
    Some(found)
}

/// Whether no page of a region can be read.
fn is_left_out(memory: &dyn Memory, region: &Region) -> bool {
    let pages = (region.start..region.end).step_by(memory.arch().page_size as usize);
    pages.take(MAX_PAGES).all(|page| memory.u8(page).is_err())
}
