//! Doors for the tests of what stands in for debug information. No part of the interface.

use mapscope_memory::Memory;

use crate::dwarf::{Dwarf, DwarfIndex, DwarfSections};
use crate::roots::{ProfileGlobals, RuntimeGlobals, WaitGlobals};
use crate::runtime::{Cached, DebugOffsets, FunctionTable, modules, record, table_layout, table_name, table_text};
use crate::search::{self, Variables};
use crate::{Binary, GoError};

/// The name of the table of offsets that an executable would need if it were stripped, and the text of that table
/// according to its debug information.
pub fn layout_table(path: &str, executable: &[u8]) -> Result<(String, String), GoError> {
    let binary = Binary::parse(path, executable, 0)?;
    let sections = DwarfSections::load(&binary)?;
    let dwarf = Dwarf::of(&sections, path, 0)?;
    let index = DwarfIndex::build(&dwarf)?;
    let text = record(&DebugOffsets { dwarf: &dwarf, index: &index })?;
    Ok((table_name(binary.minor, &binary.go_version), text))
}

/// How what is found in a target without its debug information differs from what that says; empty when it does not.
pub fn differences(memory: &dyn Memory, executable: &[u8]) -> Result<Vec<String>, GoError> {
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
    let mut partial = Vec::new();
    let found = search::find(&cached, &layout, &functions, &binary, &mut partial)?;
    let named = Variables::named(&dwarf, &index)?;
    // What nothing works without but saying so is not searched for.
    let globals = RuntimeGlobals { waits: WaitGlobals::default(), profile: ProfileGlobals::default(), ..named.globals };
    let named = Variables { globals, ..named };
    if found != named {
        differences.push(format!("the variables are {named:x?}, found {found:x?}"));
    }
    differences.extend(partial);
    Ok(differences)
}
