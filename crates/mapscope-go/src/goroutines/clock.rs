//! What time it is for a target's goroutines.

use crate::roots::Context;
use crate::runtime::Field;

/// The target's monotonic clock in nanoseconds, as `runtime.nanotime` reads it, and whether that is only a bound: a core
/// does not say when it was taken, but it was not before the last collection, nor before the last look at the network.
pub(super) fn now(context: &Context<'_>) -> (Option<u64>, bool) {
    if let Some(now) = context.memory.info().monotonic_ns {
        return (Some(now), false);
    }
    let (layout, waits) = (context.layout, &context.globals.waits);
    let times = [
        (waits.statistics, layout.collections.map(|s| s.last_collection)),
        (waits.scheduler, layout.scheduler.map(|s| s.last_poll)),
    ];
    let read = |(at, field): (Option<u64>, Option<Field>)| context.memory.u64(at?.checked_add(field?.offset)?).ok();
    // A time that is negative is none.
    let latest = times.into_iter().filter_map(read).filter(|t| i64::try_from(*t).is_ok()).max();
    (latest.filter(|t| *t != 0), true)
}
