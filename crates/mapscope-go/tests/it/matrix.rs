//! The list of programs that `cargo xtask testbed` built.

use std::path::PathBuf;

use serde_json::Value;

/// One program, built by one toolchain in one way.
#[derive(Clone, Debug)]
pub struct Program {
    pub toolchain: String,
    pub variant: String,
    pub program: String,
    pub path: PathBuf,
}

impl Program {
    /// What may be given in place of its executable: that of a script is nothing of ours, but its library is.
    pub fn file(&self) -> PathBuf {
        if self.program == "python" { self.path.with_file_name("libembedded.so") } else { self.path.clone() }
    }

    /// Whether it is Go code in a program of another language, or in plugins.
    pub fn has_modules(&self) -> bool {
        matches!(self.program.as_str(), "carchive" | "cshared" | "python" | "plugin")
    }

    /// Whether it has debug information and symbols.
    pub fn has_names(&self) -> bool {
        !self.variant.starts_with("stripped")
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}/{}", self.toolchain, self.variant, self.program)
    }
}

/// Every program of the matrix; `MAPSCOPE_ONLY` keeps those whose name contains it.
pub fn programs() -> Vec<Program> {
    let directory = std::env::var_os("MAPSCOPE_TESTBED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/testbed"), PathBuf::from);
    let list = std::fs::read(directory.join("matrix.json")).unwrap_or_else(|e| {
        panic!("{}: {e}; run `cargo xtask testbed` first", directory.join("matrix.json").display())
    });
    let list: Vec<Value> = serde_json::from_slice(&list).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let only = std::env::var("MAPSCOPE_ONLY").unwrap_or_default();
    list.iter()
        .map(|e| Program {
            toolchain: text(e, "toolchain"),
            variant: text(e, "variant"),
            program: text(e, "program"),
            path: directory.join(text(e, "path")),
        })
        .filter(|p| p.to_string().contains(&only))
        .collect()
}
