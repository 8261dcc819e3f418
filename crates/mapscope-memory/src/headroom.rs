//! How much memory there is left: for us, and in the control groups of a process.

use std::path::{Path, PathBuf};

use crate::system;

/// The control groups that bound the memory of one process, tightest or not.
pub(crate) struct Groups(Vec<Group>);

struct Group {
    directory: PathBuf,
    files: &'static Files,
}

/// Names of files in version 1 and 2.
struct Files {
    most: &'static str,
    used: &'static str,
    /// The line of `memory.stat` with the page cache that is given back when memory is needed.
    cache: &'static str,
}

const VERSION_1: Files =
    Files { most: "memory.limit_in_bytes", used: "memory.usage_in_bytes", cache: "total_inactive_file " };
const VERSION_2: Files = Files { most: "memory.max", used: "memory.current", cache: "inactive_file " };

impl Groups {
    /// Those of the process `pid` (or `self`) and all above them, as far as they are visible here.
    pub(crate) fn of(pid: &str) -> Self {
        let text = system::text(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let mut groups = Vec::new();
        for line in text.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
            let (root, files) = match controllers {
                "" if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() => ("/sys/fs/cgroup", &VERSION_2),
                "" => ("/sys/fs/cgroup/unified", &VERSION_2),
                list if list.split(',').any(|c| c == "memory") => ("/sys/fs/cgroup/memory", &VERSION_1),
                _ => continue,
            };
            for ancestor in Path::new(path.trim_start_matches('/')).ancestors() {
                let directory = Path::new(root).join(ancestor);
                // A group without a limit now may get one, but one without the file never bounds anything.
                if directory.join(files.most).exists() {
                    groups.push(Group { directory, files });
                }
            }
        }
        Self(groups)
    }

    /// Bytes that can still be taken in the tightest of them; `None` when none has a limit.
    pub(crate) fn room(&self) -> Option<u64> {
        self.0.iter().filter_map(Group::room).min()
    }
}

impl Group {
    fn room(&self) -> Option<u64> {
        let number = |name: &str| system::text(self.directory.join(name)).ok()?.trim().parse::<u64>().ok();
        let (most, used) = (number(self.files.most)?, number(self.files.used)?);
        // Version 1 writes the largest number there is when there is no limit.
        if most >= i64::MAX as u64 / 2 {
            return None;
        }
        let stat = system::text(self.directory.join("memory.stat")).unwrap_or_default();
        let cache = field(&stat, self.files.cache).unwrap_or(0);
        Some(most.saturating_sub(used.saturating_sub(cache)))
    }
}

/// Bytes that the system can give without harm, in kernels that say so.
pub(crate) fn of_system() -> Option<u64> {
    Some(field(&system::text("/proc/meminfo").ok()?, "MemAvailable:")? * 1024)
}

/// The number after a name.
pub(crate) fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn numbers_are_found_by_name() {
        let text = "MemTotal:       24634988 kB\nMemAvailable:   23127508 kB\n";
        assert_eq!(field(text, "MemAvailable:"), Some(23_127_508));
        assert_eq!(field(text, "SwapFree:"), None);
    }

    #[test]
    fn a_group_without_a_limit_has_all_the_room() {
        let directory = std::env::temp_dir().join(format!("mapscope-group-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let group = |most: &str, files: &'static Files| {
            for (name, text) in [(files.most, most), (files.used, "1000\n"), ("memory.stat", "inactive_file 300\n")] {
                fs::write(directory.join(name), text).expect("a file");
            }
            Group { directory: directory.clone(), files }.room()
        };
        assert_eq!(group("max\n", &VERSION_2), None);
        assert_eq!(group("5000\n", &VERSION_2), Some(4300));
        assert_eq!(group("500\n", &VERSION_2), Some(0));
        assert_eq!(group("9223372036854771712\n", &VERSION_1), None);
        assert_eq!(group("5000\n", &VERSION_1), Some(4000));
        fs::remove_dir_all(&directory).expect("it can be removed");
    }
}
