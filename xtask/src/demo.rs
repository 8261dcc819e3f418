//! Records what `mapscope demo` shows: a core of the testbed's leaking service, with its program.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::core::compact;
use crate::toolchain::install_one;
use crate::workspace::{root, run, testbed_directory};

const GO: &str = "1.27.3";

/// A core remembers where its program was and what its environment said, so it is recorded at a path that tells nothing
/// about a machine, and with no environment.
const HOME: &str = "/opt/sessions";

/// Both files are part of the repository and of the program.
const LARGEST: u64 = 4 << 20;

/// Anonymous memory and ELF headers: the program's own pages are in its file.
const COREDUMP_FILTER: &str = "0x33";

/// Builds, runs, records and packs.
pub(crate) fn record() -> Result<()> {
    let toolchain = install_one(GO)?;
    let home = Path::new(HOME);
    if home.exists() {
        bail!("{HOME} is there already; the demo is recorded in it and it is removed afterwards");
    }
    fs::create_dir(home).with_context(|| format!("cannot make {HOME}: record the demo as root"))?;
    let cleanup = Cleanup(home);
    let exe = home.join("sessions");
    run(toolchain
        .command()
        .current_dir(root().join("testbed"))
        .args(["build", "-buildvcs=false", "-trimpath", "-o"])
        .arg(&exe)
        .arg("./sessions"))?;
    fs::set_permissions(&exe, fs::Permissions::from_mode(0o755))?;

    let whole = testbed_directory().join("sessions.whole.core");
    let core = testbed_directory().join("sessions.core");
    let truth = dump(&exe, &whole)?;
    compact(&whole, &core)?;
    fs::remove_file(&whole)?;

    let demo = root().join("crates/mapscope/demo");
    fs::create_dir_all(&demo)?;
    fs::write(demo.join("sessions.truth.json"), truth)?;
    let packed = pack(&core, &demo.join("sessions.core.zst"))? + pack(&exe, &demo.join("sessions.exe.zst"))?;
    fs::remove_file(&core)?;
    drop(cleanup);
    if packed > LARGEST {
        bail!("the demo has {packed} bytes; it should have at most {LARGEST}");
    }
    Ok(())
}

/// Runs the program until it is ready, writes its core, and returns the line of truth it printed.
fn dump(exe: &Path, core: &Path) -> Result<String> {
    let mut child = Command::new(exe)
        .env_clear()
        .current_dir(HOME)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the program")?;
    let recorded = dump_ready(&mut child, core);
    // The end of its input ends the program.
    drop(child.stdin.take());
    child.wait()?;
    recorded
}

fn dump_ready(child: &mut Child, core: &Path) -> Result<String> {
    let mut output = BufReader::new(child.stdout.take().context("the program has no output")?);
    let (mut truth, mut ready) = (String::new(), String::new());
    output.read_line(&mut truth)?;
    output.read_line(&mut ready)?;
    if ready != "READY\n" {
        bail!("the program did not get ready");
    }
    let pid = child.id();
    fs::write(format!("/proc/{pid}/coredump_filter"), COREDUMP_FILTER)?;
    run(Command::new("gdb")
        .args(["-nx", "-batch", "-iex", "set auto-load off", "-p", &pid.to_string()])
        .args(["-ex", "set use-coredump-filter on"])
        .args(["-ex", &format!("generate-core-file {}", core.display())])
        .stdout(Stdio::null())
        .stderr(Stdio::null()))
    .context("the core is written by gdb")?;
    Ok(truth)
}

/// Compresses a file, hard: it is done once and read often. Returns the size of the result.
fn pack(from: &Path, to: &Path) -> Result<u64> {
    let mut encoder = zstd::Encoder::new(File::create(to)?, 19)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(27)?; // the most that decoders accept without being told
    encoder.include_checksum(true)?;
    let bytes = io::copy(&mut File::open(from)?, &mut encoder)?;
    encoder.finish()?.sync_all()?;
    let packed = fs::metadata(to)?.len();
    println!("{}: {bytes} bytes in {packed}", to.strip_prefix(root()).unwrap_or(to).display());
    Ok(packed)
}

/// Removes the directory of the recording, however it ends.
struct Cleanup<'a>(&'a Path);

impl Drop for Cleanup<'_> {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}
