//! Opens what somebody named as an input: takes a path, or `-` for standard input, and gives its bytes, within bounds.
//!
//! A regular file is mapped. A pipe is read once, to its end, into memory or a file without a name; so is standard input
//! where it is not a file itself. A device is not opened. What a target names is none of this: [`FileBytes::open`].

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Seek};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::file::named;
use crate::temporary::Temporary;
use crate::{FileBytes, MemoryError, system};

/// What is said for `-`.
const STANDARD_INPUT: &str = "standard input";
/// Where the file is that is standard input.
const STANDARD_INPUT_PATH: &str = "/proc/self/fd/0";

/// It can be read once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Bytes read before it is known what something is.
const BEGINNING: usize = 64;
/// Bytes read at a time.
const CHUNK: usize = 256 << 10;
/// Bytes of a pipe that stay in memory; more go to a file.
const IN_MEMORY: usize = 16 << 20;

/// How much of an input is read, and for how long: anybody can name one that has no end.
#[derive(Clone, Copy, Debug)]
pub struct InputBounds {
    /// How many bytes there may be, also of a file, when they begin like this; `None` where nothing that is wanted does. A
    /// pipe that begins otherwise is read no further: who wanted it will say what is wrong.
    pub most: fn(&[u8]) -> Option<u64>,
    /// How long a pipe may be silent.
    pub silence: Duration,
    /// How long a pipe may take in all.
    pub total: Duration,
}

impl InputBounds {
    /// Of an ELF file, perhaps compressed: a core or an executable.
    pub const ELF: Self = Self { most: elf, silence: Duration::from_secs(300), total: Duration::from_secs(3600) };
}

/// The largest ELF file, also when a compressed one begins like this: an address space.
fn elf(start: &[u8]) -> Option<u64> {
    let known = [&b"\x7fELF"[..], b"\x28\xb5\x2f\xfd"];
    known.iter().any(|magic| start.starts_with(magic)).then_some(1 << 47)
}

/// The bytes of an input, and how it is named. It was read once, and is not read again.
#[derive(Debug)]
pub struct Input {
    name: PathBuf,
    /// Where the file is, when it is one.
    place: Option<PathBuf>,
    bytes: FileBytes,
}

impl Input {
    /// Opens what `path` leads to; `-` is standard input.
    pub fn open(path: &Path, bounds: &InputBounds) -> Result<Self, MemoryError> {
        if path == Path::new("-") {
            return Self::standard(bounds);
        }
        let error = |source| MemoryError::File { path: path.to_path_buf(), source };
        if fs::metadata(path).map_err(error)?.file_type().is_fifo() {
            let pipe = system::open(path).map_err(error)?;
            if pipe.metadata().map_err(error)?.file_type().is_fifo() {
                return Ok(Self {
                    name: path.to_path_buf(),
                    place: None,
                    bytes: Stream { pipe, name: path }.read(bounds)?,
                });
            }
        }
        Self::file(path.to_path_buf(), path.to_path_buf(), FileBytes::open(path)?, bounds)
    }

    fn standard(bounds: &InputBounds) -> Result<Self, MemoryError> {
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Err(MemoryError::ReadTwice);
        }
        let name = PathBuf::from(STANDARD_INPUT);
        let error = |source| MemoryError::File { path: name.clone(), source };
        let mut pipe = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(error)?);
        if pipe.is_terminal() {
            return Err(MemoryError::Terminal);
        }
        let kind = pipe.metadata().map_err(error)?.file_type();
        if kind.is_dir() {
            return Err(MemoryError::NotRegular { path: name, kind: named(kind) });
        }
        // Somebody may have read a part of the file.
        if kind.is_file() && pipe.stream_position().is_ok_and(|at| at == 0) {
            let bytes = FileBytes::of(&pipe).map_err(error)?;
            return Self::file(name, STANDARD_INPUT_PATH.into(), bytes, bounds);
        }
        let bytes = Stream { pipe, name: &name }.read(bounds)?;
        Ok(Self { name, place: None, bytes })
    }

    fn file(name: PathBuf, place: PathBuf, bytes: FileBytes, bounds: &InputBounds) -> Result<Self, MemoryError> {
        match (bounds.most)(bytes.get(..BEGINNING).unwrap_or(&bytes)) {
            Some(most) if bytes.len() as u64 > most => Err(MemoryError::TooMuch { path: name, most }),
            _ => Ok(Self { name, place: Some(place), bytes }),
        }
    }

    /// How messages name it: the path, or `standard input`.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Where the file is; `None` when it was a pipe.
    pub fn place(&self) -> Option<&Path> {
        self.place.as_deref()
    }

    /// Its bytes alone.
    pub fn into_bytes(self) -> FileBytes {
        self.bytes
    }
}

impl std::ops::Deref for Input {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What can be read only once, and perhaps for ever.
struct Stream<'n> {
    pipe: File,
    name: &'n Path,
}

impl Stream<'_> {
    fn read(mut self, bounds: &InputBounds) -> Result<FileBytes, MemoryError> {
        let started = Instant::now();
        let mut kept = Kept::default();
        let mut chunk = vec![0; CHUNK];
        let mut most = None;
        loop {
            self.wait(started, bounds)?;
            match self.pipe.read(&mut chunk) {
                Ok(0) => return kept.finish(),
                Ok(n) => kept.add(chunk.get(..n).unwrap_or_default(), self.name)?,
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(source) => return Err(MemoryError::File { path: self.name.to_path_buf(), source }),
            }
            if most.is_none() && kept.len >= BEGINNING as u64 {
                most = (bounds.most)(kept.memory.get(..BEGINNING).unwrap_or(&kept.memory));
                if most.is_none() {
                    return kept.finish();
                }
            }
            if let Some(most) = most.filter(|most| kept.len > *most) {
                return Err(MemoryError::TooMuch { path: self.name.to_path_buf(), most });
            }
        }
    }

    /// Until there is something to read, or the end.
    fn wait(&self, started: Instant, bounds: &InputBounds) -> Result<(), MemoryError> {
        let path = || self.name.to_path_buf();
        let silent_since = Instant::now();
        loop {
            let left = bounds.total.saturating_sub(started.elapsed());
            let patience = bounds.silence.saturating_sub(silent_since.elapsed());
            if left.is_zero() {
                return Err(MemoryError::Endless { path: path(), seconds: bounds.total.as_secs() });
            }
            if patience.is_zero() {
                return Err(MemoryError::Silent { path: path(), seconds: bounds.silence.as_secs() });
            }
            // A millisecond is the shortest that it waits.
            let time = left.min(patience).max(Duration::from_millis(1));
            let mut files = [PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN)];
            match poll(&mut files, PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(MemoryError::File { path: path(), source: error.into() }),
            }
        }
    }
}

/// What was read so far: in memory, and all of it in a file once there is much.
#[derive(Default)]
struct Kept {
    memory: Vec<u8>,
    disk: Option<(Temporary, u64)>,
    len: u64,
}

impl Kept {
    fn add(&mut self, bytes: &[u8], name: &Path) -> Result<(), MemoryError> {
        if self.disk.is_none() && self.memory.len() + bytes.len() > IN_MEMORY {
            let disk = Temporary::new().map_err(|(path, source)| MemoryError::File { path, source })?;
            let room = disk.room() / 2;
            Self::write(&disk, room, &self.memory, 0, name)?;
            self.memory = Vec::new();
            self.disk = Some((disk, room));
        }
        match &self.disk {
            Some((disk, room)) => Self::write(disk, *room, bytes, self.len, name)?,
            None => self.memory.extend_from_slice(bytes),
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn write(disk: &Temporary, room: u64, bytes: &[u8], at: u64, name: &Path) -> Result<(), MemoryError> {
        let none = || MemoryError::NoRoomToKeep { path: name.to_path_buf(), directory: disk.directory.clone(), room };
        // Zeros take no room, so what was taken counts, and that is looked at when it could be too much.
        if at + bytes.len() as u64 > room && disk.taken() + bytes.len() as u64 > room {
            return Err(none());
        }
        disk.write_sparse(bytes, at).map_err(|source| match source.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => none(),
            _ => MemoryError::File { path: disk.directory.clone(), source },
        })
    }

    fn finish(self) -> Result<FileBytes, MemoryError> {
        let Some((disk, _)) = self.disk else { return Ok(self.memory.into()) };
        let error = |source| MemoryError::File { path: disk.directory.clone(), source };
        disk.file.set_len(self.len).map_err(error)?;
        FileBytes::of(&disk.file).map_err(error)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::{PipeReader, Write, pipe};
    use std::os::fd::OwnedFd;
    use std::thread;

    use super::*;

    const BOUNDS: InputBounds = InputBounds { most: |_| Some(40 << 20), ..InputBounds::ELF };

    fn read(pipe: PipeReader, bounds: &InputBounds) -> Result<FileBytes, MemoryError> {
        Stream { pipe: File::from(OwnedFd::from(pipe)), name: Path::new("x") }.read(bounds)
    }

    #[test]
    fn a_pipe_is_read_to_its_end_whatever_its_length() {
        for len in [0, 1, BEGINNING, CHUNK + 1, IN_MEMORY, IN_MEMORY + 1, 2 * IN_MEMORY + 4097] {
            // Zeros in between, which take no room in a file.
            let wanted: Vec<u8> = (0..len).map(|i| if i % 9 == 0 || i / 8192 % 2 == 0 { 0 } else { i as u8 }).collect();
            let (reader, mut writer) = pipe().unwrap();
            let bytes = wanted.clone();
            let writing = thread::spawn(move || writer.write_all(&bytes).unwrap());
            let got = read(reader, &BOUNDS).unwrap();
            writing.join().unwrap();
            assert!(got[..] == wanted[..], "{len}");
        }
    }

    #[test]
    fn what_has_no_end_is_given_up() {
        let zeros = || Stream { pipe: File::open("/dev/zero").unwrap(), name: Path::new("/dev/zero") };
        let error = zeros().read(&BOUNDS).unwrap_err().to_string();
        assert!(error.starts_with("/dev/zero has more than 41943040 bytes"), "{error}");
        let error = zeros()
            .read(&InputBounds { most: |_| Some(u64::MAX), total: Duration::from_millis(20), ..BOUNDS })
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/dev/zero has not ended after 0 s: write a file first"), "{error}");
        // What it begins with tells, at once.
        assert!(zeros().read(&InputBounds::ELF).unwrap().iter().all(|b| *b == 0));
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_given_up() {
        let bounds = InputBounds { silence: Duration::from_millis(20), ..BOUNDS };
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"\x7fELF").unwrap();
        let error = read(reader, &bounds).unwrap_err().to_string();
        assert!(error.starts_with("x: nothing came for 0 s: does anybody write to it?"), "{error}");
        drop(writer);

        let path = std::env::temp_dir().join(format!("mapscope-fifo-{}", std::process::id()));
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = Input::open(&path, &bounds).unwrap_err().to_string();
        let refused = FileBytes::open(&path).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert!(error.contains("nothing came"), "{error}");
        assert!(refused.contains("is a pipe, not a regular file"), "{refused}");
    }

    #[test]
    fn files_are_bounded_and_devices_are_refused() {
        let path = std::env::temp_dir().join(format!("mapscope-input-{}", std::process::id()));
        fs::write(&path, b"12345").unwrap();
        let open = |most| Input::open(&path, &InputBounds { most, ..BOUNDS });
        let (whole, cut) = (open(|_| Some(5)).unwrap(), open(|_| Some(4)).unwrap_err().to_string());
        fs::remove_file(&path).unwrap();
        assert_eq!((&whole[..], whole.place(), whole.name()), (&b"12345"[..], Some(path.as_path()), path.as_path()));
        assert!(cut.contains("has more than 4 bytes"), "{cut}");
        let error = Input::open(Path::new("/dev/zero"), &BOUNDS).unwrap_err().to_string();
        assert!(error.starts_with("/dev/zero is a device, not a regular file"), "{error}");
    }
}
