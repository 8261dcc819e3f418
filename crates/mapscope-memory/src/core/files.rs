//! The files a core refers to: its executable, and the libraries whose pages it leaves out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::records::Mapping;
use crate::{FileBytes, Input, InputBounds, MemoryError};

/// Where they come from.
pub(super) enum Files<'a> {
    /// From disk; the executable perhaps under another path than the core's.
    OnDisk {
        /// What the user named.
        exe: Option<&'a Path>,
    },
    /// Only the executable, in memory.
    Given(Arc<FileBytes>),
}

/// The executable, under the path by which we know it.
pub(super) struct Executable {
    pub(super) path: PathBuf,
    pub(super) bytes: Arc<FileBytes>,
}

impl Executable {
    /// That of `core`, which its mapping `main` names.
    pub(super) fn open(core: &Path, main: Option<&Mapping>) -> Result<Self, MemoryError> {
        let Some(main) = main else { return Err(MemoryError::UnknownExecutable { core: core.to_path_buf() }) };
        match FileBytes::open(&main.path) {
            Ok(bytes) => Ok(Self { path: main.path.clone(), bytes: Arc::new(bytes) }),
            Err(source) => {
                // The path is said already; a reason is wanted.
                let reason = match source {
                    MemoryError::File { source, .. } => source.to_string(),
                    MemoryError::NotRegular { kind, .. } => format!("it is {kind}"),
                    other => other.to_string(),
                };
                Err(MemoryError::NoExecutable { core: core.to_path_buf(), wanted: main.path.clone(), reason })
            }
        }
    }
}

impl Files<'_> {
    /// The file that stands for the executable or a library of the core.
    pub(super) fn given(&self) -> Result<Option<Executable>, MemoryError> {
        Ok(match self {
            Self::Given(bytes) => Some(Executable { path: "(executable in memory)".into(), bytes: Arc::clone(bytes) }),
            Self::OnDisk { exe: Some(path) } => {
                let given = Input::open(path, &InputBounds::ELF)?;
                Some(Executable { path: given.name().to_path_buf(), bytes: Arc::new(given.into_bytes()) })
            }
            Self::OnDisk { exe: None } => None,
        })
    }

    /// Opens a library, when files may be opened and it is one. Data files are left alone: they may have changed
    /// since, and a hostile core may name anything.
    pub(super) fn library(&self, path: &Path) -> Option<FileBytes> {
        match self {
            Self::Given(_) => None,
            Self::OnDisk { .. } => FileBytes::open(path).ok().filter(|f| f.starts_with(b"\x7fELF")),
        }
    }
}
