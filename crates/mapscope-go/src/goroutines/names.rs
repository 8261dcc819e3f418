//! The runtime's own names of what goroutines do. They grow with each version: where there is debug information the
//! target's own are read, else those in the table of its version.

use mapscope_memory::Memory;

use crate::dwarf::Array;
use crate::roots::{Context, NameList, Standing};
use crate::runtime::known_names;

const SYSCALL: u64 = 3;
const WAITING: u64 = 4;
/// From 1.26: waiting, and found to be leaked by the runtime's own profile.
const LEAKED: u64 = 10;

/// Names in a table, and bytes of a name; more is a damaged table.
const MAX_NAMES: u64 = 256;
const MAX_NAME: u64 = 64;

/// Why a goroutine waits, as far as it matters for what could wake it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// For a channel that is nil, or a `select` without a case.
    Nothing,
    /// For one channel.
    Channel,
    /// For one of the channels of a `select`.
    Select,
    /// For a semaphore: that of a mutex or a wait group, or a bare one.
    Semaphore,
    /// For a `sync.Cond`.
    Condition,
    /// For whoever resumes the coroutine that it is (`iter.Pull`).
    Coroutine,
    /// For something else: time, the network, the collector.
    Other,
}

/// Whether the reason to wait means anything.
pub(super) fn waits(standing: &Standing) -> bool {
    matches!(standing.status, WAITING | LEAKED)
}

/// Whether the runtime has noted since when it waits.
pub(super) fn is_timed(standing: &Standing) -> bool {
    standing.since != 0 && matches!(standing.status, SYSCALL | WAITING | LEAKED)
}

/// The tables of one target.
pub(super) struct Names {
    statuses: Vec<String>,
    reasons: Vec<String>,
}

impl Names {
    /// Reads both; a table that cannot be read is empty.
    pub(super) fn read(context: &Context<'_>) -> Self {
        let waits = &context.globals.waits;
        let table = |list: Option<NameList>| list.map_or_else(Vec::new, |list| names_in(context.memory, list));
        Self { statuses: table(waits.status_names), reasons: table(waits.reason_names) }
    }

    /// Whether the reasons to wait have no names.
    pub(super) fn are_missing(&self) -> bool {
        self.reasons.iter().all(String::is_empty)
    }

    /// What stack traces print: the reason of one that waits, else the status.
    pub(super) fn state(&self, standing: &Standing) -> String {
        let Standing { status, reason, .. } = *standing;
        let name = |table: &[String], index: u64| {
            let name = usize::try_from(index).ok().and_then(|i| table.get(i));
            name.filter(|n| !n.is_empty()).cloned()
        };
        if waits(standing) && reason != 0 {
            return name(&self.reasons, reason).unwrap_or_else(|| format!("waiting (reason {reason})"));
        }
        name(&self.statuses, status).unwrap_or_else(|| format!("status {status}"))
    }

    /// Why it waits; `None` when its name is not known.
    pub(super) fn reason(&self, standing: &Standing) -> Option<Reason> {
        let name = self.reasons.get(usize::try_from(standing.reason).ok()?)?;
        Some(match name.as_str() {
            "chan receive (nil chan)" | "chan send (nil chan)" | "select (no cases)" => Reason::Nothing,
            "chan receive" | "chan send" => Reason::Channel,
            "select" => Reason::Select,
            "semacquire" | "sync.Mutex.Lock" | "sync.RWMutex.RLock" | "sync.RWMutex.Lock" | "sync.WaitGroup.Wait" => {
                Reason::Semaphore
            }
            "sync.Cond.Wait" => Reason::Condition,
            "coroutine" => Reason::Coroutine,
            _ => Reason::Other,
        })
    }
}

/// The names of a list; one that cannot be read is empty.
pub(crate) fn names_in(memory: &dyn Memory, list: NameList) -> Vec<String> {
    match list {
        NameList::Target(array) => strings(memory, array),
        NameList::Known(text) => known_names(text),
    }
}

fn strings(memory: &dyn Memory, array: Array) -> Vec<String> {
    let string = |index: u64| {
        let at = array.address.checked_add(index * array.stride)?;
        let (text, len) = (memory.u64(at).ok()?, memory.u64(at.checked_add(8)?).ok()?);
        if len > MAX_NAME {
            return None;
        }
        let mut bytes = vec![0; len as usize];
        memory.read_into(text, &mut bytes).ok()?;
        String::from_utf8(bytes).ok()
    };
    (0..array.len.min(MAX_NAMES)).map(|i| string(i).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_without_a_name_is_a_number() {
        let table = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        let names = Names {
            statuses: table(&["idle", "runnable", "running", "syscall", "waiting"]),
            reasons: table(&["", "chan receive"]),
        };
        let state = |status, reason| names.state(&Standing { status, reason, ..Standing::default() });
        assert_eq!(state(2, 1), "running");
        assert_eq!(state(4, 0), "waiting");
        assert_eq!((state(4, 1), state(10, 1)), ("chan receive".to_owned(), "chan receive".to_owned()));
        assert_eq!((state(4, 9), state(9, 0)), ("waiting (reason 9)".to_owned(), "status 9".to_owned()));
    }
}
