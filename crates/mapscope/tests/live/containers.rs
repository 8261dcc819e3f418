//! Processes in pid, mount and user namespaces of their own, as in a container, looked at from outside.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::{differences, document, scratch};
use crate::program;

/// What a container's first process is started by: on a file system that nobody else sees, with a `/proc` of its own.
const ENTER: [&str; 7] = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc", "sh"];
/// Arguments: a program, and a directory for the file system. The debug information goes to a file beside the program.
const SPLIT: &str = "set -e; mount -t tmpfs none \"$1\"; cp \"$0\" \"$1/app\"; cd \"$1\"; objcopy --only-keep-debug app \
                     app.debug; objcopy --strip-debug --add-gnu-debuglink=app.debug app; cd /; exec \"$1/app\"";
const WHOLE: &str = "set -e; mount -t tmpfs none \"$1\"; cp \"$0\" \"$1/app\"; exec \"$1/app\"";

struct Container {
    unshare: Child,
    /// Of its first process, as seen from here.
    pid: String,
    truth: Value,
}

impl Container {
    fn start(script: &str, name: &str, toolchain: &str) -> Self {
        let directory = scratch(name);
        let mut unshare = Command::new("unshare")
            .args(ENTER)
            .args(["-c", script])
            .args([program(toolchain, "default", "maps"), directory])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux has unshare");
        let lines = BufReader::new(unshare.stdout.take().expect("its output")).lines();
        let said: Vec<String> = lines.map_while(Result::ok).take_while(|line| line != "READY").collect();
        let truth = said.first().expect("the program did not start: may this user make namespaces?");
        let truth = serde_json::from_str(truth).expect("the truth is JSON");
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let pid = fs::read_to_string(children).expect("unshare waits for its child").trim().to_owned();
        Self { unshare, pid, truth }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.unshare.stdin.take());
        let _ = self.unshare.wait();
    }
}

#[test]
fn a_process_in_a_container_is_read_from_outside() {
    for toolchain in ["1.23.", "1.27."] {
        let container = Container::start(WHOLE, "container-whole", toolchain);
        let said = document(&["inspect", &container.pid, "--format", "json"]);
        assert_eq!(differences(&container.truth, &said), Vec::<String>::new(), "{toolchain}");
        assert_eq!(said["target"]["pid"].to_string(), container.pid);
        let exe = said["target"]["exe"].as_str().expect("a path");
        assert!(exe.ends_with("/container-whole/app") && !fs::exists(exe).expect("it can be asked"), "{exe}");
        assert_eq!(said["target"]["pause"], "fork");
        // Nothing of the snapshot is left to a process that never asked for a child.
        let left = fs::read_to_string(format!("/proc/{0}/task/{0}/children", container.pid)).expect("it runs");
        assert_eq!(left, "");
    }
}

#[test]
fn debug_information_is_looked_for_where_the_container_has_it() {
    let container = Container::start(SPLIT, "container-split", "1.27.");
    let said = document(&["inspect", &container.pid, "--format", "json"]);
    assert_eq!(differences(&container.truth, &said), Vec::<String>::new());
    assert_eq!(said["target"]["stripped"], false);
    // The ids of its threads are others there.
    assert_eq!(said.get("partial"), None);
}
