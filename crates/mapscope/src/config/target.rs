//! What is examined, how it is held still, and what must not be written over.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use mapscope_memory::{Pause, PauseOptions};

use super::containers::containers;
use super::{Command, gate};
use crate::args::{PauseArg, PauseArgs, TargetArgs};
use crate::input;
use crate::source::{Target, TargetSpec};

/// A number is a pid, anything else a path.
pub(super) fn target(typed: TargetArgs) -> Result<Target> {
    let TargetArgs { target, exe, debug_info, config, pause } = typed;
    let pause = pause_options(pause);
    let containers = containers(config.as_deref())?;
    if target.is_empty() {
        bail!("TARGET is empty: give a pid, the path of a core, or - for standard input");
    }
    if !target.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Target { spec: TargetSpec::Path(target.into()), exe, debug_info, pause, containers });
    }
    match target.parse() {
        // The kernel's own limit, PID_MAX_LIMIT, is 2^22; the kernel itself will say so.
        Ok(pid) if pid > 0 => Ok(Target { spec: TargetSpec::Process(pid), exe, debug_info, pause, containers }),
        _ => bail!("{target} is not a pid: give the number of a process, or ./{target} for a file of that name"),
    }
}

pub(super) fn demo() -> Target {
    let (debug_info, pause, containers) = Default::default();
    Target { spec: TargetSpec::Demo, exe: None, debug_info, pause, containers }
}

pub(super) fn pause_options(typed: PauseArgs) -> PauseOptions {
    let pause = match typed.pause {
        PauseArg::Fork => Pause::Fork,
        PauseArg::Copy => Pause::Copy,
        PauseArg::None => Pause::None,
    };
    let max_snapshot = Duration::from_secs(typed.max_snapshot_seconds);
    PauseOptions { pause, max_snapshot, for_core: false, given_up: Some(crate::give_up) }
}

/// A core may be the only evidence there is: it is not overwritten by what was read from it.
pub(super) fn spare_target(command: &Command, output: Option<&Path>) -> Result<()> {
    if let Command::Diff(question) = command {
        return question.targets.iter().try_for_each(|target| spare(target, None, &[("--output", output)]));
    }
    let (Command::Inspect { target, .. }
    | Command::Report { target, .. }
    | Command::Maps { target, .. }
    | Command::Map { target, .. }
    | Command::Types { target, .. }
    | Command::Path { target, .. }
    | Command::Cycles { target, .. }
    | Command::Dominators { target, .. }
    | Command::Goroutines { target, .. }
    | Command::Layout { target, .. }
    | Command::Export { target, .. }
    | Command::Gate(gate::Gate { examined: gate::Examined::Target(target), .. })) = command
    else {
        return Ok(());
    };
    let mut outputs = vec![("--output", output)];
    if let Command::Gate(gate) = command {
        outputs.extend(gate.writes());
    }
    let before = if let Command::Report { before, .. } = command { before.as_ref() } else { None };
    spare(target, before, &outputs)
}

/// None of the `outputs`, each with its flag, is a file that is read.
fn spare(target: &Target, before: Option<&PathBuf>, outputs: &[(&str, Option<&Path>)]) -> Result<()> {
    let path = match &target.spec {
        TargetSpec::Path(path) => Some(path),
        _ => None,
    };
    let given = |path: &&PathBuf| !input::is_standard(path);
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for input in path.into_iter().chain(&target.exe).chain(&target.debug_info).chain(before).filter(given) {
        if let Some((flag, _)) = outputs.iter().find(|(_, output)| output.is_some_and(|output| same(output, input))) {
            bail!("{flag}: {} is what is examined; give the name of another file", input.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, error};
    use super::*;

    #[test]
    fn a_number_is_a_pid() {
        let spec = |line| match config(line).expect("the line is right").command {
            Command::Inspect { target, .. } => target.spec,
            other => panic!("{other:?}"),
        };
        assert_eq!(spec("mapscope inspect 21291"), TargetSpec::Process(21291));
        assert_eq!(spec("mapscope inspect ./21291"), TargetSpec::Path("./21291".into()));
        assert_eq!(spec("mapscope inspect core.21291"), TargetSpec::Path("core.21291".into()));
        assert_eq!(spec("mapscope demo"), TargetSpec::Demo);
        assert!(error("mapscope inspect 0").contains("not a pid"));
        assert!(error("mapscope inspect 99999999999").contains("./99999999999"));
    }
}
