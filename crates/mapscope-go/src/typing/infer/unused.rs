//! Maps that never had an entry and that nobody need know of: packages that can map files have one each, whether or not
//! the program ever does.

use rustc_hash::FxHashSet;

use crate::roots::RootKind;
use crate::typing::Typing;

/// The function that a package's `mmapper` calls, next to its map (`syscall/syscall_unix.go`, and the same in
/// `golang.org/x/sys/unix`).
const CALLED: &str = "syscall.mmap";
const CALLED_TOO: &str = "golang.org/x/sys/unix.mmap";

impl Typing<'_> {
    /// Which of these headers are the list of mappings of a package's `mmapper`: `active`, followed by a function. With
    /// debug information nothing leads to it either, unless the program maps files: then code passes it with its type.
    pub(super) fn lists_of_mappings(&self, headers: &FxHashSet<u64>) -> FxHashSet<u64> {
        let memory = self.context.memory;
        let calls = |word: u64| -> Option<bool> {
            let entry = memory.u64(memory.u64(word.checked_add(8)?).ok()?).ok()?;
            let name = self.context.functions.iter().find_map(|t| Some(t.name(&t.find(entry)?)))?;
            Some(name == CALLED || name.ends_with(CALLED_TOO))
        };
        let words =
            self.roots.words.iter().filter(|root| root.kind == RootKind::Static && headers.contains(&root.value));
        words.filter(|root| calls(root.address) == Some(true)).map(|root| root.value).collect()
    }
}
