//! Doors for the tests of what stands in for debug information. No part of the interface.

use mapscope_memory::{Memory, Partial};

use crate::dwarf::{Dwarf, DwarfIndex, DwarfSections};
use crate::goroutines::names_in;
use crate::roots::{NameList, ProfileGlobals, RuntimeGlobals, WaitGlobals};
use crate::runtime::{
    Cached, DebugOffsets, FunctionTable, modules, record, record_names, table_layout, table_name, table_text,
};
use crate::search::{self, Variables};
use crate::{Binary, GoError};

/// The name of the table of offsets that an executable would need if it were stripped, and the text of that table
/// according to its debug information.
pub fn layout_table(path: &str, executable: &[u8]) -> Result<(String, String), GoError> {
    let binary = Binary::parse(path, executable, 0)?;
    let sections = DwarfSections::load(&binary)?;
    let dwarf = Dwarf::of(&sections, path, 0)?;
    let index = DwarfIndex::build(&dwarf)?;
    let mut text = record(&DebugOffsets { dwarf: &dwarf, index: &index })?;
    let image = binary.image();
    for variable in ["runtime.gStatusStrings", "runtime.waitReasonStrings"] {
        if let Some(array) = index.array(&dwarf, variable) {
            text += &record_names(variable, &names_in(&image, NameList::Target(array)));
        }
    }
    Ok((table_name(binary.minor, &binary.go_version), text))
}

/// How what is found in a target without its debug information differs from what that says; empty when it does not. Code
/// that was not `optimised` need not tell what can be done without.
pub fn differences(memory: &dyn Memory, executable: &[u8], optimised: bool) -> Result<Vec<String>, GoError> {
    let info = memory.info();
    let binary = Binary::parse(&info.exe.to_string_lossy(), executable, info.load_bias)?;
    let sections = DwarfSections::load(&binary)?;
    let dwarf = Dwarf::of(&sections, binary.path(), binary.bias)?;
    let index = DwarfIndex::build(&dwarf)?;
    let layout = table_layout(binary.path(), binary.minor, &binary.go_version)?;
    let mut differences = Vec::new();
    // Debug information lacks the structures that a program does not use.
    let name = table_name(binary.minor, &binary.go_version);
    let (known, said) = (table_text(&name), record(&DebugOffsets { dwarf: &dwarf, index: &index })?);
    if let Some(line) = said.lines().find(|line| !known.lines().any(|k| k == *line)) {
        differences.push(format!("the table {name} lacks {line}"));
    }
    let cached = Cached::new(memory, None);
    let first = search::first_module(&cached, &layout, &binary)?;
    let named = index.global("runtime.firstmoduledata")?;
    if first != named {
        differences.push(format!("the module is at {named:#x}, found at {first:#x}"));
    }
    let modules = modules(&cached, &layout, first)?;
    let functions = modules.iter().map(|m| FunctionTable::read(&cached, m)).collect::<Result<Vec<_>, _>>()?;
    let mut partial = Partial::default();
    let found = search::find(&cached, &layout, &functions, &binary, &mut partial)?;
    let named = Variables::named(&dwarf, &index)?;
    let heap = found.heap;
    let mut known = without_own_names(&named, &mut differences, &found, &cached);
    if !optimised {
        leave_out(&mut known, &found);
    }
    let (known, found) = (format!("{known:#x?}"), format!("{found:#x?}"));
    let differ = known.lines().zip(found.lines()).find(|(k, f)| k != f);
    if let Some((known, found)) = differ {
        differences.push(format!("a variable is {}, found {}", known.trim(), found.trim()));
    }
    let phase = search::find_phase(&cached, &layout, &functions, heap);
    if optimised && phase != index.global("runtime.gcphase").ok() {
        differences.push(format!("the collector's phase is found at {phase:#x?}"));
    }
    differences.extend(partial.sentences());
    Ok(differences)
}

/// Leaves out of `known` what was not found and can be done without.
fn leave_out(known: &mut Variables, found: &Variables) {
    let (waits, profile) = (&mut known.globals.waits, &mut known.globals.profile);
    waits.semaphores = waits.semaphores.filter(|_| found.globals.waits.semaphores.is_some());
    waits.statistics = waits.statistics.filter(|_| found.globals.waits.statistics.is_some());
    waits.scheduler = waits.scheduler.filter(|_| found.globals.waits.scheduler.is_some());
    profile.rate = profile.rate.filter(|_| found.globals.profile.rate.is_some());
    profile.buckets = profile.buckets.filter(|_| found.globals.profile.buckets.is_some());
    profile.cycle = profile.cycle.filter(|_| found.globals.profile.cycle.is_some());
    known.own = known.own.filter(|_| found.own.is_some());
}

/// The variables as they can be found: names come from a table, and what the linker left out from the function table.
fn without_own_names(
    named: &Variables,
    differences: &mut Vec<String>,
    found: &Variables,
    memory: &dyn Memory,
) -> Variables {
    let (said, known) = (named.globals.waits, found.globals.waits);
    for (said, known) in [(said.status_names, known.status_names), (said.reason_names, known.reason_names)] {
        let [said, known] = [said, known].map(|list| list.map(|list| names_in(memory, list)));
        if said != known {
            differences.push(format!("the names are {said:?}, known are {known:?}"));
        }
    }
    let waits = WaitGlobals { status_names: known.status_names, reason_names: known.reason_names, ..said };
    let profile = ProfileGlobals { disabled: None, ..named.globals.profile };
    // Only what is compared with the lists is not compared without their names.
    Variables { globals: RuntimeGlobals { profile, waits, finalizer_lists: None, ..named.globals }, ..*named }
}
