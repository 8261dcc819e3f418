//! Queued finalizers and cleanups, and the blocks that tiny objects are being put into.

use mapscope_memory::{Figure, Partial};
use rustc_hash::FxHashSet;

use super::{Context, Root, RootKind};
use crate::GoError;
use crate::runtime::Field;

/// Bytes of a block of queued finalizers (`_FinBlockSize`).
const FINALIZER_BLOCK: usize = 4096;
/// Bytes of a block of queued cleanups (`cleanupBlockSize`).
const CLEANUP_BLOCK: usize = 512;
/// Bytes of a cache's list of spans that are looked at; it has one for each of 136 classes.
const MAX_CACHE: u64 = 8 * 136;
/// Processors; more is a damaged list.
const MAX_LIST: usize = 1 << 20;

/// Adds what the queues hold.
pub(super) fn add(context: &Context<'_>, roots: &mut Vec<Root>, partial: &mut Partial) {
    type Read = fn(&Context<'_>, &mut Vec<Root>) -> Result<(), GoError>;
    let queues: [(&str, Read); 3] =
        [("queued finalizers", finalizers), ("queued cleanups", cleanups), ("blocks of tiny objects", tiny_blocks)];
    for (what, read) in queues {
        if let Err(e) = read(context, roots) {
            partial.add(Figure::Live, format!("{what} could not be read: {e}"));
        }
    }
}

fn finalizers(context: &Context<'_>, roots: &mut Vec<Root>) -> Result<(), GoError> {
    let (block, queued) = (&context.layout.finalizer_block, &context.layout.queued_finalizer);
    let Some(global) = context.globals.all_finalizers else { return Ok(()) };
    let mut at = context.memory.u64(global)?;
    let mut seen = FxHashSet::default();
    while at != 0 {
        check_new(&mut seen, at, "block of queued finalizers")?;
        let mut bytes = [0; FINALIZER_BLOCK];
        context.memory.read_into(at, &mut bytes)?;
        for index in 0..block.count.get(&bytes).min(FINALIZER_BLOCK as u64 / queued.size.max(8)) {
            let entry = block.entries.offset + index * queued.size;
            for field in [queued.function, queued.argument, queued.interface, queued.object] {
                push(roots, at, &bytes, entry + field.offset, RootKind::Finalizer);
            }
        }
        at = block.all_link.get(&bytes);
    }
    Ok(())
}

fn cleanups(context: &Context<'_>, roots: &mut Vec<Root>) -> Result<(), GoError> {
    let (Some(queue), Some(block)) = (context.layout.cleanup_queue, context.layout.cleanup_block) else {
        return Ok(());
    };
    let Some(global) = context.globals.cleanups else { return Ok(()) };
    let mut at = context.memory.u64(global.wrapping_add(queue.all.offset))?;
    let mut seen = FxHashSet::default();
    while at != 0 {
        check_new(&mut seen, at, "block of queued cleanups")?;
        let mut bytes = [0; CLEANUP_BLOCK];
        context.memory.read_into(at, &mut bytes)?;
        let stride = context.layout.queued_cleanup_bytes.max(8);
        let end = block.entries.offset + block.count.get(&bytes).min(CLEANUP_BLOCK as u64 / stride) * stride;
        for offset in (block.entries.offset..end).step_by(8) {
            push(roots, at, &bytes, offset, RootKind::Cleanup);
        }
        at = block.all_link.get(&bytes);
    }
    Ok(())
}

/// `gcMarkTinyAllocs`: a block that is being filled is live whoever points to it.
fn tiny_blocks(context: &Context<'_>, roots: &mut Vec<Root>) -> Result<(), GoError> {
    let memory = context.memory;
    let (array, count) =
        (memory.u64(context.globals.all_processors)?, memory.u64(context.globals.all_processors.wrapping_add(8))?);
    for index in 0..count.min(MAX_LIST as u64) {
        let processor = memory.u64(array.wrapping_add(index * 8))?;
        let cache = memory.u64(processor.wrapping_add(context.layout.p.cache.offset))?;
        if cache == 0 {
            continue;
        }
        check_cache(context, cache)?;
        let address = cache.wrapping_add(context.layout.cache.tiny.offset);
        let value = memory.u64(address)?;
        if value != 0 {
            roots.push(Root { address, value, kind: RootKind::Runtime });
        }
    }
    Ok(())
}

/// A cache has a span of each class, if only the empty one (`allocmcache`).
fn check_cache(context: &Context<'_>, cache: u64) -> Result<(), GoError> {
    let Some(field) = context.layout.cache.spans else { return Ok(()) };
    let at = cache.wrapping_add(field.offset);
    let mut words = vec![0; field.size.min(MAX_CACHE) as usize];
    context.memory.read_into(at, &mut words)?;
    let mut spans = words.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default()));
    let is_span = |span: u64| context.memory.is_mapped(span, context.layout.span.size.max(1));
    if spans.all(is_span) {
        Ok(())
    } else {
        Err(GoError::inconsistent("runtime.mcache", at, "it points to spans that are not there"))
    }
}

/// A list that comes back to itself has no end.
pub(super) fn check_new(seen: &mut FxHashSet<u64>, at: u64, what: &'static str) -> Result<(), GoError> {
    if seen.insert(at) { Ok(()) } else { Err(GoError::inconsistent(what, at, "the list comes back to it")) }
}

fn push(roots: &mut Vec<Root>, base: u64, bytes: &[u8], offset: u64, kind: RootKind) {
    let value = Field { offset, size: 8 }.get(bytes);
    if value != 0 {
        roots.push(Root { address: base.wrapping_add(offset), value, kind });
    }
}
