//! The executable of a core, or the library that the user gave; and any other file that the core had mapped, opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Executable, Files};
use super::pieces::Pieces;
use super::records::{Mapping, Records};
use super::{Core, fill};
use crate::elf::{ET_DYN, ET_EXEC, Header};
use crate::objects::begins_as;
use crate::{FileBytes, MappedFiles, MappedObject, MemoryError};

/// The one file that a core is opened with.
pub(super) struct Program {
    pub(super) file: Executable,
    pub(super) header: Header,
    /// The path in the target of what the user gave; `None` when it is the core's own executable.
    pub(super) given: Option<PathBuf>,
    /// It stands for a library, not for the executable.
    library: bool,
}

impl Program {
    /// What the user gave, which is of the build of the executable or of a library; else what `main` names.
    pub(super) fn find(
        path: &Path,
        source: &Files<'_>,
        (core, stored): (&[u8], &Pieces),
        main: Option<&Mapping>,
        mappings: &[Mapping],
    ) -> Result<Self, MemoryError> {
        let given = source.given()?;
        let own = given.is_none();
        let file = given.map_or_else(|| Executable::open(path, main), Ok)?;
        let header = Header::parse(&file.bytes, &file.path)?;
        if header.kind != ET_EXEC && header.kind != ET_DYN {
            return Err(MemoryError::NotExecutable { path: file.path, kind: header.kind_name() });
        }
        if own {
            fill::same_build(core, stored, &file, &header, main)?;
            return Ok(Self { file, header, given: None, library: false });
        }
        let given = fill::stands_for(core, stored, &file, main, mappings)?;
        let library = given.as_ref().is_some_and(|path| main.is_some_and(|m| m.path != *path));
        let given = given.or_else(|| Some(file.path.clone()));
        Ok(Self { file, header, given, library })
    }

    /// What to add to addresses of the executable; 0 when the executable is not known.
    pub(super) fn load_bias(&self, records: &Records, main: Option<&Mapping>) -> u64 {
        if self.library { 0 } else { records.load_bias(&self.header, &self.file.bytes, main) }
    }

    /// Whether it stands for a library, not for the executable.
    pub(super) fn is_library(&self) -> bool {
        self.library
    }

    /// The path in the target of this file, where `main` is that of the executable.
    pub(super) fn place<'p>(&'p self, main: &'p Path) -> &'p Path {
        self.given.as_deref().filter(|_| self.library).unwrap_or(main)
    }
}

impl MappedFiles for Core {
    fn file_of(&self, object: &MappedObject) -> Result<Arc<FileBytes>, MemoryError> {
        if object.path == self.first {
            return Ok(Arc::clone(self.executable()));
        }
        let refused = |reason: &str| MemoryError::NoLibrary { path: object.path.clone(), reason: reason.to_owned() };
        if !self.on_disk {
            return Err(refused("files are not opened for a core in memory"));
        }
        match FileBytes::open(&object.path) {
            Ok(file) if begins_as(self, object, &file) => Ok(Arc::new(file)),
            Ok(_) => Err(refused("another build has its name here")),
            Err(MemoryError::File { source, .. }) => Err(refused(&source.to_string())),
            Err(other) => Err(refused(&other.to_string())),
        }
    }

    fn named(&self) -> Option<&Path> {
        self.given.as_deref()
    }

    fn named_by(&self) -> Option<&Path> {
        self.given_by.as_deref()
    }
}
