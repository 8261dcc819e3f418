//! How much memory there is left for the reader itself.

use crate::headroom::{Groups, field, of_system};
use crate::system;

/// Bytes that this process can still take without harm: what the kernel calls available, less where a control group or a
/// limit of the process says less. `None` when nothing says.
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| system::text(path).ok();
    let status = read("/proc/self/status").unwrap_or_default();
    let address_space = read("/proc/self/limits").and_then(|text| limit(&text, "Max address space"));
    let address_space = address_space.map(|l| l.saturating_sub(field(&status, "VmSize:").unwrap_or(0) * 1024));
    [of_system(), Groups::of("self").room(), address_space].into_iter().flatten().min()
}

/// A soft limit of `/proc/PID/limits`; `None` when there is none.
fn limit(text: &str, name: &str) -> Option<u64> {
    field(text, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_name() {
        let text = "Max data size  unlimited unlimited bytes\nMax address space         61440000  unlimited  bytes\n";
        assert_eq!((limit(text, "Max address space"), limit(text, "Max data size")), (Some(61_440_000), None));
    }

    #[test]
    fn this_machine_says_something() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
