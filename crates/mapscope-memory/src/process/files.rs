//! The files that a process has mapped, opened as it has them: also when they were deleted or replaced, or are in another
//! mount namespace.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{GivenFile, Process, status};
use crate::elf::Header;
use crate::notes::BuildId;
use crate::objects::{Candidate, begins_as, build_id_at, which};
use crate::{FileBytes, Input, MappedFiles, MappedObject, Memory, MemoryError};

impl Process {
    /// Takes the file `given` in place of the executable or library of the same build, for its debug information: the
    /// same program before it was stripped. What it stands for is [`MappedFiles::named`] from then on.
    ///
    /// # Errors
    /// [`MemoryError::OtherBuild`] when nothing that is mapped is of that build; when the file cannot be read.
    pub fn give(&mut self, given: Input) -> Result<(), MemoryError> {
        let path = given.name();
        let id = BuildId::of_file(&Header::parse(&given, path)?, &given);
        let mut objects = self.objects();
        objects.sort_by_key(|object| !self.is_executable(object));
        let candidate = |object: &MappedObject| -> BuildId {
            if self.is_executable(object)
                && let Ok(file) = self.executable()
                && let Ok(header) = Header::parse(&file, &object.path)
            {
                return BuildId::of_file(&header, &file);
            }
            build_id_at(object.range.start..object.first_end, &object.path, |address, len| self.some(address, len))
        };
        let candidates: Vec<_> =
            objects.iter().map(|o| Candidate { path: &o.path, id: candidate(o), fits: false }).collect();
        let object = which(path, &id, &candidates)?;
        let stands_for = objects.get(object).map_or_else(|| self.info().exe.clone(), |o| o.path.clone());
        let path = path.to_path_buf();
        self.given = Some(GivenFile { stands_for, path, bytes: Arc::new(given.into_bytes()) });
        Ok(())
    }

    /// `len` bytes at `address`, which is short.
    fn some(&self, address: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        self.read_into(address, &mut bytes).ok()?;
        Some(Cow::Owned(bytes))
    }

    /// The kernel's own link to the file of a mapping, which needs rights of its own, and the path as the process sees it.
    fn ways_to(&self, object: &MappedObject) -> (PathBuf, PathBuf) {
        let link = format!("map_files/{:x}-{:x}", object.range.start, object.first_end);
        let below = object.path.strip_prefix("/").unwrap_or(&object.path);
        (status::proc_path(self.source(), &link), status::proc_path(self.source(), "root").join(below))
    }
}

impl MappedFiles for Process {
    fn file_of(&self, object: &MappedObject) -> Result<Arc<FileBytes>, MemoryError> {
        if let Some(given) = &self.given
            && given.stands_for == object.path
        {
            return Ok(Arc::clone(&given.bytes));
        }
        if self.is_executable(object) {
            return self.executable().map(Arc::new);
        }
        let (link, path) = self.ways_to(object);
        if let Ok(file) = FileBytes::open(&link) {
            return Ok(Arc::new(file));
        }
        let reason = match FileBytes::open(&path) {
            Ok(file) if begins_as(self, object, &file) => return Ok(Arc::new(file)),
            Ok(_) => "another file has its name now".to_owned(),
            Err(MemoryError::File { source, .. }) => source.to_string(),
            Err(other) => other.to_string(),
        };
        Err(MemoryError::NoLibrary { path: object.path.clone(), reason })
    }

    fn named(&self) -> Option<&Path> {
        self.given.as_ref().map(|given| given.stands_for.as_path())
    }

    fn named_by(&self) -> Option<&Path> {
        self.given.as_ref().map(|given| given.path.as_path())
    }
}
