//! Writing the result, once it is there.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use mapscope_report::text::printable;
use mapscope_report::write_json;
use serde::Serialize;

use crate::args::Color;
use crate::config::Config;

/// A result: text, or a document that is made while it is written, for it can be larger than all that it is made of.
pub(crate) enum Output {
    Text(String),
    Json(Document),
}

/// Writes a document.
type Document = Box<dyn Fn(&mut dyn Write) -> io::Result<()>>;

impl Output {
    pub(crate) fn json<T: Serialize + 'static>(document: T) -> Self {
        Self::Json(Box::new(move |out| write_json(&document, out)))
    }

    /// All of it, styles too.
    pub(crate) fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text(text) => out.write_all(text.as_bytes()),
            Self::Json(write) => write(out),
        }
    }
}

/// Writes a result to standard output or to the file asked for.
pub(crate) fn write_result(result: &Output, config: &Config) -> Result<()> {
    match (result, &config.output) {
        (Output::Text(text), _) => write(text, config),
        (_, Some(path)) => write_file(path, result),
        (_, None) => {
            let mut stdout = BufWriter::new(io::stdout().lock());
            unless_gone(result.write_to(&mut stdout).and_then(|()| stdout.flush()))
                .context("cannot write to standard output")
        }
    }
}

/// Writes a result to a file.
pub(crate) fn write_file(path: &Path, result: &Output) -> Result<()> {
    let write = || {
        let mut file = BufWriter::new(File::create(path)?);
        result.write_to(&mut file)?;
        file.flush()
    };
    write().with_context(|| format!("{}: cannot be written", path.display()))
}

/// What colours begin with.
const ESCAPE: char = '\x1b';

/// Writes `text` to standard output or to the file asked for.
pub(crate) fn write(text: &str, config: &Config) -> Result<()> {
    if !text.contains(ESCAPE) {
        // A document of hundreds of megabytes is not looked through once more, byte by byte.
        return write_bytes(text.as_bytes(), config);
    }
    let Some(path) = &config.output else {
        let stdout = io::stdout();
        let choice = match config.color {
            Color::Auto => AutoStream::choice(&stdout),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let mut stream = AutoStream::new(stdout.lock(), choice);
        return unless_gone(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()))
            .context("cannot write to standard output");
    };
    // A file is no terminal: colour goes there only when it is asked for.
    let choice = if config.color == Color::Always { ColorChoice::Always } else { ColorChoice::Never };
    let write = || {
        let mut stream = AutoStream::new(File::create(path)?, choice);
        stream.write_all(text.as_bytes())?;
        stream.flush()
    };
    write().with_context(|| format!("{}: cannot be written", path.display()))
}

/// Writes a file that is no text to standard output or to the file asked for.
pub(crate) fn write_bytes(bytes: &[u8], config: &Config) -> Result<()> {
    let Some(path) = &config.output else {
        let mut stdout = io::stdout().lock();
        return unless_gone(stdout.write_all(bytes).and_then(|()| stdout.flush()))
            .context("cannot write to standard output");
    };
    std::fs::write(path, bytes).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Says on standard error what the reader of a file should know, a sentence on each line.
pub(crate) fn notes(sentences: &[String]) {
    for sentence in sentences {
        // When nobody listens there, the file is no worse for it.
        let _ = writeln!(io::stderr(), "mapscope: partial: {}", printable(sentence));
    }
}

/// Says on standard error what went wrong besides what the result says.
pub(crate) fn note(sentence: &str) {
    // When nobody listens there, the exit code still tells.
    let _ = writeln!(io::stderr(), "mapscope: {}", printable(sentence));
}

/// A reader that went away (`mapscope maps 1 | head`) has what it wanted.
fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}
