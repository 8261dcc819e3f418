//! How much memory there is left for the reader itself.

use std::fs;

/// Bytes that this process can still take without harm: what the kernel calls available, less where a control group or a
/// limit of the process says less. `None` when nothing says.
pub fn available_memory() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| Some(field(&text, "MemAvailable:")? * 1024));
    let status = read("/proc/self/status").unwrap_or_default();
    let address_space = read("/proc/self/limits").and_then(|text| limit(&text, "Max address space"));
    let address_space = address_space.map(|l| l.saturating_sub(field(&status, "VmSize:").unwrap_or(0) * 1024));
    [system, control_group(), address_space].into_iter().flatten().min()
}

/// The number after a name.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// A soft limit of `/proc/PID/limits`; `None` when there is none.
fn limit(text: &str, name: &str) -> Option<u64> {
    field(text, name)
}

/// Room in the tightest control group (version 2) that this process is in.
fn control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let number = |path: String| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let ancestors = std::path::Path::new(path).ancestors();
    let room = ancestors.filter_map(|group| {
        let directory = format!("/sys/fs/cgroup{}", group.display());
        let (most, used) = (number(format!("{directory}/memory.max"))?, number(format!("{directory}/memory.current"))?);
        // The page cache is given back when it is needed.
        let stat = fs::read_to_string(format!("{directory}/memory.stat")).unwrap_or_default();
        let cache = field(&stat, "inactive_file ").unwrap_or(0);
        Some(most.saturating_sub(used.saturating_sub(cache)))
    });
    room.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_name() {
        let text = "MemTotal:       24634988 kB\nMemAvailable:   23127508 kB\n";
        assert_eq!(field(text, "MemAvailable:"), Some(23_127_508));
        assert_eq!(field(text, "SwapFree:"), None);
        let text = "Max data size  unlimited unlimited bytes\nMax address space         61440000  unlimited  bytes\n";
        assert_eq!((limit(text, "Max address space"), limit(text, "Max data size")), (Some(61_440_000), None));
    }

    #[test]
    fn this_machine_says_something() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }
}
