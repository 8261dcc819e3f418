//! A file that is there under its name only when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::linkat;

use crate::MemoryError;

/// For the owner alone: a core holds whatever the process knew.
const MODE: u32 = 0o600;

/// A file to be written, which has no name yet.
pub(super) struct Output {
    pub(super) file: File,
    path: PathBuf,
    /// Replace what is there.
    force: bool,
    /// Its name for the time being, where the file system has no files without one.
    partial: Option<PathBuf>,
}

impl Output {
    /// Prepares to write `path`, which must not exist unless `force`.
    pub(super) fn create(path: &Path, force: bool) -> Result<Self, MemoryError> {
        let fail = |source| MemoryError::File { path: path.to_path_buf(), source };
        match fs::symlink_metadata(path) {
            Ok(there) if there.is_dir() => {
                return Err(MemoryError::NotRegular { path: path.to_path_buf(), kind: "a directory" });
            }
            Ok(_) if !force => return Err(MemoryError::Exists { path: path.to_path_buf() }),
            _ => {}
        }
        if path.file_name().is_none() {
            return Err(fail(io::ErrorKind::InvalidFilename.into()));
        }
        return_errors_for_size()?;
        let unnamed =
            OpenOptions::new().read(true).write(true).mode(MODE).custom_flags(libc::O_TMPFILE).open(directory(path));
        if let Ok(file) = unnamed {
            return Ok(Self { file, path: path.to_path_buf(), force, partial: None });
        }
        // Whatever the reason: if nothing can be written there at all, this says so.
        let partial = partial_name(path);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(MODE).open(&partial);
        Ok(Self { file: file.map_err(fail)?, path: path.to_path_buf(), force, partial: Some(partial) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The error for a write that failed, with what there is room for.
    pub(super) fn failure(&self, needed: u64, source: io::Error) -> MemoryError {
        let path = self.path.clone();
        match source.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => {
                let free = fstatvfs(&self.file).map_or(0, |s| s.blocks_available() * s.fragment_size());
                let taken = self.file.metadata().map_or(0, |m| m.blocks() * 512);
                MemoryError::DiskFull { path, needed, free: free + taken, source }
            }
            Some(libc::EFBIG) => MemoryError::TooLarge { path, needed },
            _ => MemoryError::File { path, source },
        }
    }

    /// Gives the file its name, once its bytes are on the disk; how many bytes it takes there, which is not known before.
    pub(super) fn finish(mut self) -> Result<u64, MemoryError> {
        self.file.sync_all().and_then(|()| self.publish()).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => MemoryError::Exists { path: self.path.clone() },
            _ => self.failure(0, source),
        })?;
        self.partial = None;
        // The name is on the disk when its directory is; not all file systems can say so.
        let _ = File::open(directory(&self.path)).and_then(|directory| directory.sync_all());
        self.file.metadata().map(|m| m.blocks() * 512).map_err(|e| self.failure(0, e))
    }

    fn publish(&mut self) -> io::Result<()> {
        if self.partial.is_none() {
            let here = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let name = if self.force { partial_name(&self.path) } else { self.path.clone() };
            linkat(AT_FDCWD, here.as_str(), AT_FDCWD, &name, nix::fcntl::AtFlags::AT_SYMLINK_FOLLOW)?;
            if !self.force {
                return Ok(());
            }
            self.partial = Some(name);
        }
        let Some(partial) = &self.partial else { return Ok(()) };
        if self.force {
            return fs::rename(partial, &self.path);
        }
        // A link fails where a name exists; a rename would replace it.
        match fs::hard_link(partial, &self.path) {
            Ok(()) => fs::remove_file(partial),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            Err(_) if self.path.exists() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(partial, &self.path),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn partial_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    directory(path).join(format!(".{name}.{}.partial", std::process::id()))
}

/// Has a write beyond a limit of size (`ulimit -f`) fail, where the system would end this process.
fn return_errors_for_size() -> Result<(), MemoryError> {
    // SAFETY: ignoring a signal runs no code of ours.
    #[allow(unsafe_code)]
    let ignored = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    ignored.map(drop).map_err(|e| MemoryError::File { path: "SIGXFSZ".into(), source: e.into() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("mapscope-output-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    fn names(directory: &Path) -> Vec<String> {
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// With a file that has no name for the time being, or one that has.
    fn create(directory: &Path, name: &str, (force, named): (bool, bool)) -> Output {
        let mut output = Output::create(&directory.join(name), force).unwrap();
        if named && output.partial.is_none() {
            let partial = partial_name(&output.path);
            output.file = OpenOptions::new().read(true).write(true).create_new(true).open(&partial).unwrap();
            output.partial = Some(partial);
        }
        output
    }

    #[test]
    fn nothing_is_there_until_it_is_whole() {
        let directory = scratch("whole");
        for named in [false, true] {
            let mut output = create(&directory, "core", (false, named));
            output.file.write_all(b"bytes").unwrap();
            assert!(!output.path.exists());
            output.finish().unwrap();
            assert_eq!(fs::read(directory.join("core")).unwrap(), b"bytes");
            assert_eq!(names(&directory), ["core"]);
            fs::remove_file(directory.join("core")).unwrap();
        }
        for named in [false, true] {
            drop(create(&directory, "core", (false, named)));
        }
        assert_eq!(names(&directory), Vec::<String>::new());
        fs::remove_dir(directory).unwrap();
    }

    #[test]
    fn what_exists_is_kept_unless_forced() {
        let directory = scratch("exists");
        let path = directory.join("core");
        // It appears while the file is written.
        for named in [false, true] {
            let output = create(&directory, "core", (false, named));
            fs::write(&path, "before").unwrap();
            assert!(matches!(output.finish(), Err(MemoryError::Exists { .. })));
            assert_eq!((fs::read(&path).unwrap(), names(&directory)), (b"before".to_vec(), vec!["core".to_owned()]));
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, "before").unwrap();
        assert!(matches!(Output::create(&path, false), Err(MemoryError::Exists { .. })));
        for named in [false, true] {
            let mut output = create(&directory, "core", (true, named));
            output.file.write_all(b"after").unwrap();
            output.finish().unwrap();
            assert_eq!((fs::read(&path).unwrap(), names(&directory)), (b"after".to_vec(), vec!["core".to_owned()]));
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
