//! The figures of a core, each with what it is worked out from.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use mapscope_go::{Executable, GoError, Session, Silent, StorageOptions, with_session};
use mapscope_memory::Figure::{
    self, Goroutines, Leaks, Live, Maps, Memory, Objects, Owners, Profile, Retained, RuntimeMemory, Storage, Types,
};
use mapscope_memory::{Core, Figures, Memory as _, Partial};

/// The runtime's own page, which spans are made of.
const SPAN_PAGE: u64 = 8192;

/// A figure, by its value or, where there are many, by a hash of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub name: &'static str,
    pub of: &'static [Figure],
    pub value: String,
}

/// What a session says.
#[derive(Clone, Debug)]
pub struct Reading {
    pub compared: Vec<Compared>,
    pub partial: Vec<String>,
    pub uncertain: Figures,
    /// Ranges of memory whose words only the program knows.
    pub own: Vec<std::ops::Range<u64>>,
}

impl Reading {
    /// Figures that differ from those of `whole` without a reason for it. Those of `but` may.
    pub fn unmarked<'r>(&'r self, whole: &'r Self, but: Figures) -> Vec<(&'r Compared, &'r Compared)> {
        let differs = |pair: &(&Compared, &Compared)| pair.0 != pair.1;
        let marked = self.uncertain | but;
        let is_marked = |pair: &(&Compared, &Compared)| pair.0.of.iter().any(|figure| marked.has(*figure));
        self.compared.iter().zip(&whole.compared).filter(differs).filter(|pair| !is_marked(pair)).collect()
    }

    /// Whether only the program knows the words at an address.
    pub fn is_own(&self, address: u64) -> bool {
        self.own.iter().any(|range| range.contains(&address))
    }
}

/// Reads a core, and everything that can be asked of it.
pub fn read(core: &Path, exe: &Path) -> Result<Reading, String> {
    let core = Core::open(core, Some(exe)).map_err(|e| e.to_string())?;
    let executable = core.executable().clone();
    let read: Result<Reading, GoError> = with_session(&core, Executable::new(&executable), &Silent, of);
    let mut reading = read.map_err(|e| e.to_string())?;
    // Data, and bss behind it.
    let regions = core.regions();
    let data = regions.iter().filter(|r| r.write && r.file.as_ref().is_some_and(|(path, _)| *path == core.info().exe));
    let end = |end: u64| regions.iter().find(|r| r.start == end && r.write && r.file.is_none()).map_or(end, |r| r.end);
    reading.own.extend(data.map(|r| r.start..end(r.end)));
    Ok(reading)
}

fn of(session: &Session<'_>) -> Reading {
    let sites = session.sites();
    let storage = session.storage(&StorageOptions { values: true, whole_texts: false });
    let mut reasons: Partial = session.partial.clone();
    reasons.extend(sites.partial.clone());
    reasons.extend(storage.partial.clone());

    let totals = session.totals;
    let mut compared = Vec::new();
    let mut add = |name, of, value: String| compared.push(Compared { name, of, value });
    add("objects", &[Objects], format!("{:?}", (totals.objects, totals.object_bytes, totals.fragmentation_bytes)));
    add("live", &[Live], format!("{:?}", (totals.live_objects, totals.live_bytes, totals.roots)));
    let maps = session.maps.iter().map(|m| (m.address(), m.figures(), m.torn_reason(), m.type_name(), m.heuristic()));
    add("maps", &[Maps], sorted(maps));
    add("owners", &[Owners, Maps], sorted(session.maps.iter().map(|m| (m.address(), m.owner()))));
    add("holders", &[Owners], sorted(session.holders().iter().map(|h| &h.name)));
    add("retained by maps", &[Retained, Maps], sorted(session.maps.iter().map(|m| (m.address(), m.retained_bytes()))));
    add("types", &[Types], sorted(session.types.iter().map(|t| (&t.name, t.count, t.bytes))));
    add("retained by types", &[Retained, Types], sorted(session.types.iter().map(|t| (&t.name, t.retained))));

    let census = session.goroutines();
    let groups = || census.groups.iter();
    let states = groups().map(|g| (&g.ids, &g.state, &g.stack, &g.created_by, g.system, g.locked, g.stack_bytes));
    add("goroutines", &[Goroutines], sorted(states));
    // The clock that waiting is measured by is a variable like those of the program.
    add("waiting", &[Goroutines, Leaks], sorted(groups().map(|g| (&g.ids, &g.creators, g.waiting, &g.waited_ns))));
    add("held by goroutines", &[Goroutines, Retained], sorted(groups().map(|g| (&g.ids, g.retained_bytes))));
    let leaked = sorted(groups().filter(|g| g.leaked).map(|g| &g.ids));
    add("leaks", &[Leaks], format!("{leaked} {:?}", census.leaks));

    add("allocations", &[Profile], hash(&sites.heap_profile().records));
    if let Some(m) = &session.memory {
        add("live and garbage in memory", &[Live, Memory], format!("{:?}", (m.live, m.garbage)));
        add("fragmentation", &[Objects, Memory], format!("{:?}", m.fragmentation));
        add("memory", &[Memory], format!("{:?}", (m.resident, m.free, m.binary)));
        add("memory of the runtime", &[RuntimeMemory], format!("{:?}", (m.stacks, m.runtime, m.other)));
    }
    add("storage", &[Storage], hash(&storage));

    // Objects of one size lie side by side; the bitmaps of small ones lie behind them.
    let blocks = session.graph().blocks.blocks().iter();
    let own =
        blocks.map(|block| block.start / SPAN_PAGE * SPAN_PAGE..block.end().next_multiple_of(SPAN_PAGE)).collect();
    let uncertain = reasons.iter().fold(Figures::default(), |all, reason| all | reason.figures);
    Reading { compared, partial: reasons.sentences(), uncertain, own }
}

/// Rows in any order.
fn sorted<T: Debug>(rows: impl Iterator<Item = T>) -> String {
    let mut rows: Vec<String> = rows.map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    format!("{} rows, {}", rows.len(), hash(&rows))
}

fn hash(value: &impl Debug) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
