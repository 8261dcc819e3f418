//! What is attached to objects: finalizers, cleanups, weak handles (`markrootSpans`).

use mapscope_memory::{Figure, Partial};
use rustc_hash::FxHashSet;

use super::queues::check_new;
use super::{Context, Root, RootKind, Roots};
use crate::GoError;
use crate::heap::Span;
use crate::runtime::{Field, Layout};

/// No version has more kinds of specials.
const MAX_KIND: u64 = 16;

/// Numbers of the kinds that are read, which moved between versions (`runtime/mheap.go`).
struct Kinds {
    finalizer: u64,
    profile: u64,
    weak_handle: Option<u64>,
    cleanup: Option<u64>,
}

fn kinds(minor: u32) -> Kinds {
    match minor {
        ..=22 => Kinds { finalizer: 1, profile: 2, weak_handle: None, cleanup: None },
        23 => Kinds { finalizer: 1, profile: 3, weak_handle: Some(2), cleanup: None },
        24 => Kinds { finalizer: 1, profile: 3, weak_handle: Some(2), cleanup: Some(6) },
        _ => Kinds { finalizer: 2, profile: 4, weak_handle: Some(3), cleanup: Some(7) },
    }
}

/// How many specials of each kind the spans have, of the kinds that are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpecialCounts {
    pub(crate) finalizers: u64,
    pub(crate) profiled: u64,
    pub(crate) weak_handles: u64,
    pub(crate) cleanups: u64,
}

impl SpecialCounts {
    /// Counts a special that has what its kind has. One that does not was not made by the runtime.
    fn add(&mut self, kinds: &Kinds, layout: &Layout, special: &Special<'_>) {
        let has = |field: Option<Field>| field.is_none_or(|field| field.get(special.bytes) != 0);
        let (count, content) = match special.kind {
            kind if kind == kinds.finalizer => (&mut self.finalizers, Some(layout.special_finalizer.function)),
            kind if kind == kinds.profile => (&mut self.profiled, layout.profile.map(|p| p.special.bucket)),
            kind if Some(kind) == kinds.weak_handle => {
                (&mut self.weak_handles, layout.special_weak_handle.map(|weak| weak.handle))
            }
            kind if Some(kind) == kinds.cleanup => (&mut self.cleanups, layout.special_cleanup_fn),
            _ => return,
        };
        *count += u64::from(special.object.is_some() && has(content));
    }
}

/// Adds the specials of every span; to `found` go the objects that have a finalizer (what they point to is live, they
/// themselves are not), those that weak pointers lead to, and what cleanups are called with.
pub(super) fn add(context: &Context<'_>, roots: &mut Vec<Root>, found: &mut Roots, partial: &mut Partial) {
    let kinds = kinds(context.minor);
    let mut failed = None;
    // A special belongs to one object of one span.
    let mut seen = FxHashSet::default();
    for (index, span) in context.spans.spans.iter().enumerate() {
        if span.specials != 0
            && let Err(e) = span_specials(context, &kinds, (index, span), roots, found, &mut seen)
        {
            failed = Some(e);
        }
    }
    if let Some(e) = failed {
        partial.add(
            Figure::Live | Figure::Storage,
            format!("finalizers and cleanups of some objects could not be read: {e}"),
        );
    }
}

/// A special, as far as all kinds have it.
struct Special<'b> {
    /// Its address.
    at: u64,
    kind: u64,
    /// The object it belongs to; none when its offset makes no sense.
    object: Option<u32>,
    bytes: &'b [u8],
}

/// Calls `visit` with each special of a span.
fn walk(
    context: &Context<'_>,
    (index, span): (usize, &Span),
    seen: &mut FxHashSet<u64>,
    visit: &mut dyn FnMut(&Special<'_>),
) -> Result<(), GoError> {
    let special = &context.layout.special;
    let first = context.spans.blocks.blocks().get(index).map(|block| block.first);
    let (mut at, mut last) = (span.specials, (0, 0));
    while at != 0 {
        check_new(seen, at, "special")?;
        let mut bytes = [0; 64];
        context.memory.read_into(at, &mut bytes)?;
        // Kinds count from 1, and there are fewer than this (`runtime/mheap.go`).
        if !(1..=MAX_KIND).contains(&(special.kind.get(&bytes) & 0xff)) {
            return Err(GoError::inconsistent("runtime.special", at, "it is of a kind that there is not"));
        }
        // By offset, and those of one object by kind (`specialFindSplicePoint`).
        let place = (special.offset.get(&bytes), special.kind.get(&bytes) & 0xff);
        if place < last {
            return Err(GoError::inconsistent("runtime.special", at, "it is not where its list has it"));
        }
        last = place;
        let slot = special.offset.get(&bytes) / span.elem_size;
        let object = first.filter(|_| slot < u64::from(span.elems)).map(|first| first + slot as u32);
        visit(&Special { at, kind: special.kind.get(&bytes) & 0xff, object, bytes: &bytes });
        at = special.next.get(&bytes);
    }
    Ok(())
}

fn span_specials(
    context: &Context<'_>,
    kinds: &Kinds,
    span: (usize, &Span),
    roots: &mut Vec<Root>,
    found: &mut Roots,
    seen: &mut FxHashSet<u64>,
) -> Result<(), GoError> {
    let layout = context.layout;
    walk(context, span, seen, &mut |&Special { at, kind, object, bytes }| {
        let mut push = |field: Field, kind| {
            let value = field.get(bytes);
            if value != 0 {
                roots.push(Root { address: at.wrapping_add(field.offset), value, kind });
            }
        };
        found.specials.add(kinds, layout, &Special { at, kind, object, bytes });
        if kind == kinds.finalizer {
            push(layout.special_finalizer.function, RootKind::Finalizer);
            found.finalizers.extend(object.map(|object| (layout.special_finalizer.function.get(bytes), object)));
            found.finalized.extend(object);
        } else if Some(kind) == kinds.weak_handle {
            found.weak.extend(object);
            if let Some(special) = layout.special_weak_handle {
                push(special.handle, RootKind::Runtime);
                found.weak_handles.push(special.handle.get(bytes));
            }
        } else if Some(kind) == kinds.cleanup
            && let Some(function) = layout.special_cleanup_fn
        {
            push(function, RootKind::Cleanup);
            found.cleaned.extend(object);
            let mut keeps = vec![function.get(bytes)];
            if context.minor >= 26 {
                // cleanupFn {call, fn, arg}: `fn` is the second of three pointers.
                push(Field { offset: function.offset.saturating_sub(8), size: 8 }, RootKind::Cleanup);
                let argument = Field { offset: function.offset + 8, size: 8 };
                push(argument, RootKind::Cleanup);
                keeps.push(Field { offset: function.offset.saturating_sub(8), size: 8 }.get(bytes));
                keeps.push(argument.get(bytes));
                found.cleanup_arguments.push((function.get(bytes), argument.get(bytes)));
            }
            found.cleanups.extend(object.map(|object| (object, keeps)));
        }
    })
}

/// The objects that the memory profile sampled, in order, with the addresses of their buckets. One object can have
/// several: a block of tiny ones. What cannot be read is left out, and `partial` says so.
pub(crate) fn profiled(context: &Context<'_>, bucket: Field, partial: &mut Partial) -> Vec<(u32, u64)> {
    let kinds = kinds(context.minor);
    let (mut found, mut failed) = (Vec::new(), None);
    let mut seen = FxHashSet::default();
    for span in context.spans.spans.iter().enumerate().filter(|(_, span)| span.specials != 0) {
        let mut visit = |special: &Special<'_>| {
            if let Some(object) = special.object.filter(|_| special.kind == kinds.profile) {
                found.push((object, bucket.get(special.bytes)));
            }
        };
        if let Err(e) = walk(context, span, &mut seen, &mut visit) {
            failed = Some(e);
        }
    }
    if let Some(e) = failed {
        partial.add(Figure::Profile, format!("where some sampled objects were allocated could not be read: {e}"));
    }
    found.sort_unstable();
    found
}
