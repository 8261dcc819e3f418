//! What is known of a target's executable: its bytes, and a file with its debug information.

use std::path::{Path, PathBuf};

use mapscope_memory::TargetInfo;

use crate::binary::hexadecimal;
use crate::{Binary, GoError, GoFile, GoFiles};

/// Where distributions put debug information that was split off.
const DEBUG_ROOT: &str = "/usr/lib/debug";

/// A Go executable, or a library with a Go runtime. Its debug information may be in a file of its own, or nowhere: then a
/// map's owner starts at an address instead of a name.
#[derive(Clone, Copy, Debug)]
pub struct Executable<'e> {
    pub(crate) bytes: &'e [u8],
    pub(crate) debug_info: Option<(&'e Path, &'e [u8])>,
    /// Its path and load bias, when they are not those of the target's executable.
    pub(crate) place: Option<(&'e Path, u64)>,
    /// Other files of Go code in the target.
    pub(crate) others: &'e [GoFile],
}

impl<'e> Executable<'e> {
    /// An executable with the debug information it carries itself, if any.
    pub fn new(bytes: &'e [u8]) -> Self {
        Self { bytes, debug_info: None, place: None, others: &[] }
    }

    /// What was found in a target.
    pub fn of(files: &'e GoFiles) -> Self {
        let GoFiles { runtime, others } = files;
        let debug_info = runtime.debug_info.as_ref().map(|(path, bytes)| (path.as_path(), &***bytes));
        Self { bytes: &runtime.bytes, debug_info, place: Some((&runtime.path, runtime.bias)), others }
    }

    /// Takes the debug information from another file: the same program unstripped, or what `objcopy
    /// --only-keep-debug` makes of it. `path` is for messages.
    #[must_use]
    pub fn with_debug_info(self, path: &'e Path, bytes: &'e [u8]) -> Self {
        Self { debug_info: Some((path, bytes)), ..self }
    }

    /// The executable, where the target has it.
    pub(crate) fn parse(&self, info: &TargetInfo) -> Result<Binary<'e>, GoError> {
        let (path, bias) = self.place.unwrap_or((&info.exe, info.load_bias));
        Binary::parse(&path.to_string_lossy(), self.bytes, bias)
    }

    /// The file with the debug information, when it is not the executable itself.
    ///
    /// # Errors
    /// When it is not an ELF file, or not of the same build as `binary`.
    pub(crate) fn debug_file(&self, binary: &Binary<'_>) -> Result<Option<Binary<'e>>, GoError> {
        let Some((path, bytes)) = self.debug_info else { return Ok(None) };
        let file = Binary::parse_debug_file(&path.to_string_lossy(), bytes, binary.bias)?;
        same_build(binary, &file)?;
        Ok(Some(file))
    }
}

/// Where the debug information of the executable at `path` may be: below `/usr/lib/debug` under its build id, and beside
/// it under the name of its debug link. Empty when it carries its own, or cannot be parsed.
pub fn debug_info_paths(path: &Path, executable: &[u8]) -> Vec<PathBuf> {
    let Ok(binary) = Binary::parse_debug_file(&path.to_string_lossy(), executable, 0) else { return Vec::new() };
    if binary.has_section(".debug_info") {
        return Vec::new();
    }
    let mut paths = Vec::new();
    if let Some((first, rest)) = binary.build_id().as_deref().and_then(<[u8]>::split_first) {
        let name = format!(".build-id/{first:02x}/{}.debug", hexadecimal(rest));
        paths.push(Path::new(DEBUG_ROOT).join(name));
    }
    // A name without a directory, or it could lead anywhere.
    let link = binary.debug_link().filter(|link| Path::new(link).file_name().is_some_and(|n| n == link.as_str()));
    if let Some((link, directory)) = link.zip(path.parent()) {
        let below = directory.strip_prefix("/").unwrap_or(directory);
        for place in [directory.to_path_buf(), directory.join(".debug"), Path::new(DEBUG_ROOT).join(below)] {
            paths.push(place.join(&link));
        }
    }
    paths
}

/// Whether a file has debug information, and of this very executable.
pub fn describes(file: &[u8], executable: &[u8]) -> bool {
    let parse = |bytes| Binary::parse_debug_file("", bytes, 0).ok();
    let files = parse(executable).zip(parse(file));
    files.is_some_and(|(binary, file)| file.has_section(".debug_info") && same_build(&binary, &file).is_ok())
}

/// Whether `file` describes `binary`: their build ids say so, or, where the linker was told to strip (which makes it
/// another build to the go command), all code and every section is the same and in the same place.
pub(crate) fn same_build(binary: &Binary<'_>, file: &Binary<'_>) -> Result<(), GoError> {
    let ids = [(binary.go_build_id(), file.go_build_id()), (binary.build_id(), file.build_id())];
    if ids.iter().any(|(a, b)| a.is_some() && a == b) {
        return Ok(());
    }
    let other = |reason: String| {
        Err(GoError::OtherBuild { path: file.path().to_owned(), executable: binary.path().to_owned(), reason })
    };
    for name in [".text", ".rodata", ".noptrdata", ".data", ".bss", ".noptrbss"] {
        if binary.section_range(name) != file.section_range(name) {
            return other(format!("it has another build id, and section {name} elsewhere"));
        }
    }
    let code = |b: &Binary<'_>| b.section(".text").ok().flatten().map(std::borrow::Cow::into_owned);
    match (code(binary), code(file)) {
        (Some(a), Some(b)) if !a.is_empty() && a == b => Ok(()),
        _ => other("it has another build id, and other code".to_owned()),
    }
}
