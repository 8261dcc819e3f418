//! The files of Go code beside the one with the runtime: takes files and the runtime's modules, and says which are its
//! plugins, with their debug information, and which have a runtime of their own.

use mapscope_memory::{Figure, Partial};

use crate::dwarf::{Dwarf, DwarfIndex, DwarfSections};
use crate::executable::same_build;
use crate::runtime::Module;
use crate::{Binary, GoError, GoFile};

/// A plugin: a file that the runtime's list of modules names.
struct Plugin<'e> {
    binary: Binary<'e>,
    /// Its debug information, with its path.
    sections: Option<(String, DwarfSections<'e>)>,
    /// The number of its module.
    module: usize,
}

/// The other files of one target.
pub(crate) struct Others<'e> {
    plugins: Vec<Plugin<'e>>,
    runtimes: Vec<String>,
}

impl<'e> Others<'e> {
    /// Tells plugins from what else there is, and names their modules. What is wrong with a plugin goes to `partial`.
    pub(crate) fn of(files: &'e [GoFile], modules: &mut [Module], partial: &mut Partial) -> Self {
        let (mut plugins, mut runtimes) = (Vec::new(), Vec::new());
        // Until its file is known, and if it cannot be opened.
        for (number, module) in modules.iter_mut().enumerate().skip(1) {
            module.plugin = Some(format!("plugin {number}"));
        }
        for file in files {
            match modules.iter().position(|m| file.range.contains(&m.text.start)) {
                Some(module) => {
                    modules[module].plugin = file.path.file_name().map(|name| name.to_string_lossy().into_owned());
                    match plugin(file, module) {
                        Ok(plugin) => plugins.push(plugin),
                        Err(error) => {
                            partial.add(Figure::Types, format!("the variables of a plugin have no names: {error}"));
                        }
                    }
                }
                None => runtimes.push(file.path.to_string_lossy().into_owned()),
            }
        }
        Self { plugins, runtimes }
    }

    /// Adds the debug information of the plugins. What is damaged is left out, and `partial` says so.
    pub(crate) fn describe<'d>(&'d self, dwarf: &mut Dwarf<'d>, index: &mut DwarfIndex<'d>, partial: &mut Partial) {
        for plugin in &self.plugins {
            let Some((path, sections)) = &plugin.sections else { continue };
            let added = dwarf.add(sections, path, plugin.binary.bias, plugin.module);
            let indexed = added.and_then(|file| index.add_file(dwarf, file).inspect_err(|_| dwarf.forget(file)));
            if let Err(error) = indexed {
                partial.add(Figure::Types, format!("the variables of a plugin have no names: {error}"));
            }
        }
    }

    /// The files of the plugins.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &Binary<'e>> {
        self.plugins.iter().map(|plugin| &plugin.binary)
    }

    /// The files that have a runtime of their own.
    pub(crate) fn runtimes(&self) -> Vec<String> {
        self.runtimes.clone()
    }
}

fn plugin(file: &GoFile, module: usize) -> Result<Plugin<'_>, GoError> {
    let binary = Binary::parse_debug_file(&file.path.to_string_lossy(), &file.bytes, file.bias)?;
    let given = match &file.debug_info {
        None => None,
        Some((path, bytes)) => {
            let given = Binary::parse_debug_file(&path.to_string_lossy(), bytes, file.bias)?;
            same_build(&binary, &given)?;
            Some(given)
        }
    };
    let described = given.as_ref().unwrap_or(&binary);
    let sections = described.has_section(".debug_info").then(|| DwarfSections::load(described)).transpose()?;
    let sections = sections.map(|sections| (described.path().to_owned(), sections));
    Ok(Plugin { binary, sections, module })
}
