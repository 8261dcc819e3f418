//! The Go code of a target: takes the files that it has mapped, and says which has the runtime and which belong to it.
//!
//! The executable has it when it is a Go program. Otherwise a library has (`-buildmode=c-shared`), and the host is in
//! another language. Plugins have Go code too, but the runtime is the executable's. A process may even have several
//! runtimes, in libraries that know nothing of each other: one is read.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mapscope_memory::{FileBytes, MappedFiles, MappedObject};

use crate::executable::same_build;
use crate::{Binary, GoError};

/// Files that could not be opened, of which an error speaks.
const SAID: usize = 3;

/// A file of Go code, and where a target has it.
#[derive(Clone, Debug)]
pub struct GoFile {
    /// Its path, as the target knows it.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Arc<FileBytes>,
    /// What to add to addresses in the file to get those in the target.
    pub bias: u64,
    /// Where it is mapped.
    pub range: Range<u64>,
    /// The file with its debug information, when that is not the file itself.
    pub debug_info: Option<(PathBuf, Arc<FileBytes>)>,
}

/// All files of Go code of a target.
#[derive(Clone, Debug)]
pub struct GoFiles {
    /// The one with the runtime that is read.
    pub runtime: GoFile,
    /// The others: plugins, and what has a runtime of its own. Sorted by path.
    pub others: Vec<GoFile>,
}

impl GoFiles {
    /// Looks at every program and library that is mapped. The runtime is that of the file that the user named; else of
    /// the executable; else of the first library by path, so that two looks at one process see the same.
    ///
    /// # Errors
    /// When there is no Go code, with what was looked at.
    pub fn find(target: &dyn MappedFiles) -> Result<Self, GoError> {
        let mut found = Vec::new();
        let mut looked = Looked::default();
        for object in target.objects() {
            match target.file_of(&object) {
                Ok(bytes) => {
                    looked.libraries += usize::from(!target.is_executable(&object));
                    found.extend(go_file(target, &object, bytes));
                }
                Err(error) => looked.failed.push(error.to_string()),
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let at = |path: &Path| found.iter().position(|file| file.path == path);
        let exe = &target.info().exe;
        let named = target.named().filter(|path| path != exe);
        // What is wrong is the file that was given.
        let blamed = target.named_by().unwrap_or(exe);
        if named.is_some_and(|path| at(path).is_none()) {
            return Err(GoError::NotGo { path: blamed.to_string_lossy().into_owned() });
        }
        let first = named.and_then(at).or_else(|| at(exe)).or((!found.is_empty()).then_some(0));
        let Some(first) = first else { return Err(looked.nothing(blamed)) };
        let runtime = found.remove(first);
        Ok(Self { runtime, others: found })
    }

    /// Takes a file with debug information for the one that it describes.
    ///
    /// # Errors
    /// When it describes none of them, or is no ELF file.
    pub fn describe(&mut self, path: &Path, bytes: Arc<FileBytes>) -> Result<(), GoError> {
        let file = Binary::parse_debug_file(&path.to_string_lossy(), &bytes, 0)?;
        let alone = self.others.is_empty();
        let mut refused = None;
        for one in self.all() {
            let binary = Binary::parse_debug_file(&one.path.to_string_lossy(), &one.bytes, 0)?;
            match same_build(&binary, &file) {
                Ok(()) => {
                    one.debug_info = Some((path.to_path_buf(), bytes));
                    return Ok(());
                }
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(match refused {
            Some(GoError::OtherBuild { path, executable, reason }) if !alone => {
                let executable = format!("{executable}, nor of any other file of Go code in the target");
                GoError::OtherBuild { path, executable, reason }
            }
            Some(error) => error,
            None => GoError::NotGo { path: self.runtime.path.to_string_lossy().into_owned() },
        })
    }

    /// All of them, the one with the runtime first.
    pub fn all(&mut self) -> impl Iterator<Item = &mut GoFile> {
        std::iter::once(&mut self.runtime).chain(&mut self.others)
    }
}

/// What was looked at.
#[derive(Default)]
struct Looked {
    libraries: usize,
    /// Why some could not be.
    failed: Vec<String>,
}

impl Looked {
    fn nothing(self, exe: &Path) -> GoError {
        let path = exe.to_string_lossy().into_owned();
        let Self { libraries, failed } = self;
        if libraries == 0 && failed.is_empty() {
            return GoError::NotGo { path };
        }
        let more = failed.len().saturating_sub(SAID);
        let more = (more > 0).then(|| format!("and {more} more"));
        let failed = failed.into_iter().take(SAID).chain(more).flat_map(|f| ["; ".to_owned(), f]).collect();
        GoError::NoGo { path, libraries, failed }
    }
}

/// A file of Go code; `None` for any other.
fn go_file(target: &dyn MappedFiles, object: &MappedObject, bytes: Arc<FileBytes>) -> Option<GoFile> {
    if !is_go(&bytes) {
        return None;
    }
    let bias = if object.range.is_empty() { target.info().load_bias } else { object.load_bias(&bytes)? };
    Some(GoFile { path: object.path.clone(), bytes, bias, range: object.range.clone(), debug_info: None })
}

/// Whether a file has Go code: the linker puts build information into every program, library and plugin.
pub fn is_go(bytes: &[u8]) -> bool {
    Binary::parse_debug_file("", bytes, 0).is_ok_and(|binary| binary.has_section(".go.buildinfo"))
}
