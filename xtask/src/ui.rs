//! The page of the HTML report: built from `ui/` and checked in, so that `cargo build` needs no Node.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace::{cargo, root, run};

/// The page as it is embedded.
const PAGE: &str = "crates/mapscope-report/assets/report.html";
/// The oldest Node that Vite runs on.
const NODE: [u32; 2] = [20, 19];
/// The page must stay small: it is part of every report.
const LARGEST_PACKED: usize = 120 << 10;
const CHROMIUM: &str = "/usr/bin/chromium";

/// Builds the page anew.
pub(crate) fn build() -> Result<()> {
    if let Some(reason) = no_node() {
        bail!("{reason}");
    }
    let page = build_page()?;
    fs::copy(&page, root().join(PAGE)).with_context(|| format!("cannot write {PAGE}"))?;
    println!("{PAGE}: {} bytes", fs::metadata(page)?.len());
    Ok(())
}

/// Checks types and that the page is the one that its source makes, and runs its tests. Without Node none of this is
/// done, and without Chromium the tests in a browser are not; both are said, and `MAPSCOPE_REQUIRE_BROWSER=1` makes them
/// errors. Returns how many tests passed and failed.
pub(crate) fn check() -> Result<(u64, u64)> {
    let required = std::env::var_os("MAPSCOPE_REQUIRE_BROWSER").is_some_and(|value| value == "1");
    if let Some(reason) = no_node() {
        if required {
            bail!("{reason}");
        }
        println!("\n  THE PAGE OF THE HTML REPORT WAS NOT CHECKED: {reason}\n");
        return Ok((0, 0));
    }
    let page = build_page()?;
    run(&mut npm(["run", "--silent", "check"]))?;
    let (fresh, kept) = (fs::read(&page)?, fs::read(root().join(PAGE)).unwrap_or_default());
    if fresh != kept {
        bail!("{PAGE} is not what ui/ makes: run `cargo xtask ui` and commit it");
    }
    let packed = zstd::encode_all(fresh.as_slice(), 19)?.len();
    if packed > LARGEST_PACKED {
        bail!("the page has {packed} bytes compressed; it should have at most {LARGEST_PACKED}");
    }
    // Tests whose source is gone must not run.
    let compiled = directory().join("build");
    if compiled.exists() {
        fs::remove_dir_all(&compiled)?;
    }
    run(&mut npm(["run", "--silent", "compile"]))?;
    let mut counts = node_tests("unit", &[])?;
    if Path::new(CHROMIUM).exists() {
        let report = demo(&page)?;
        let environment =
            [("CHROMIUM", OsStr::new(CHROMIUM)), ("PAGE", page.as_os_str()), ("REPORT", report.as_os_str())];
        let more = node_tests("browser", &environment)?;
        counts = (counts.0 + more.0, counts.1 + more.1);
    } else if required {
        bail!("{CHROMIUM} is not there, and MAPSCOPE_REQUIRE_BROWSER=1 asks for the tests that need it");
    } else {
        println!("\n  THE TESTS IN A BROWSER DID NOT RUN: there is no {CHROMIUM}\n");
    }
    Ok(counts)
}

/// Installs what the lock file names, unless it is there, and builds below `target/`.
fn build_page() -> Result<PathBuf> {
    let modified = |path: &str| fs::metadata(directory().join(path)).and_then(|m| m.modified()).ok();
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_none() || installed < modified("package-lock.json") {
        run(&mut npm(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]))?;
    }
    let out = root().join("target/ui");
    run(npm(["run", "--silent", "build", "--"]).arg("--outDir").arg(&out).args([
        "--emptyOutDir",
        "--logLevel",
        "warn",
    ]))?;
    Ok(out.join("report.html"))
}

/// A report that the program writes, beside the page.
fn demo(page: &Path) -> Result<PathBuf> {
    let report = page.with_file_name("demo.html");
    let mut command = cargo();
    command.args(["run", "--quiet", "--profile", "testing", "-p", "mapscope", "--", "demo", "--format", "html", "-o"]);
    run(command.arg(&report))?;
    Ok(report)
}

/// Runs the compiled tests of one directory with Node's own runner.
fn node_tests(suite: &str, environment: &[(&str, &OsStr)]) -> Result<(u64, u64)> {
    let tests = directory().join("build/tests").join(suite);
    let mut files: Vec<PathBuf> = fs::read_dir(&tests)
        .with_context(|| format!("no tests in {}", tests.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    files.sort();
    let mut command = Command::new("node");
    command.current_dir(directory()).args(["--test", "--test-reporter=tap"]).args(files);
    let output =
        command.envs(environment.iter().copied()).stderr(Stdio::inherit()).output().context("cannot start node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let counts = counts(&text);
    println!("{suite} tests of the page: {} passed, {} failed", counts.0, counts.1);
    if !output.status.success() {
        println!("{text}");
        bail!("the {suite} tests of the page failed");
    }
    if counts.0 == 0 {
        bail!("no {suite} test of the page ran");
    }
    Ok(counts)
}

/// Reads the lines `# pass 12` and `# fail 0` at the end of TAP.
fn counts(text: &str) -> (u64, u64) {
    let count = |prefix: &str| text.lines().rev().find_map(|line| line.strip_prefix(prefix)?.trim().parse().ok());
    (count("# pass ").unwrap_or(0), count("# fail ").unwrap_or(0))
}

fn directory() -> PathBuf {
    root().join("ui")
}

fn npm<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(directory()).args(arguments);
    command
}

/// Why the page cannot be built here.
fn no_node() -> Option<String> {
    let version = |program| {
        let output = Command::new(program).arg("--version").stderr(Stdio::null()).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned())
    };
    let Some(node) = version("node") else { return Some("there is no Node".to_owned()) };
    if version("npm").is_none() {
        return Some("there is no npm".to_owned());
    }
    let numbers: Vec<u32> = node.split('.').map_while(|part| part.parse().ok()).take(2).collect();
    (numbers.as_slice() < NODE.as_slice()).then(|| format!("Node is {node}; {}.{} is needed", NODE[0], NODE[1]))
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_are_those_of_the_summary() {
        let text = "ok 1 - a\n# pass 3\nnot ok 2\n1..2\n# tests 14\n# pass 12\n# fail 2\n";
        assert_eq!(super::counts(text), (12, 2));
        assert_eq!(super::counts("nothing"), (0, 0));
    }
}
