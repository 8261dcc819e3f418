//! Progress on standard error, when somebody is there to see it.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mapscope_report::text::bytes;

/// Told by the work what it is doing. Shared by threads.
pub(crate) trait Progress: Sync {
    /// A stage begins: `reading objects`.
    fn stage(&self, name: &str);

    /// A part of the stage is done.
    fn part(&self, done: u64, total: u64) {
        let _ = (done, total);
    }
}

/// Says nothing.
pub(crate) struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str) {}
}

/// A spinner with the name of the stage and the time since the start.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        // A template that does not parse would be a mistake in this file; the default style serves as well.
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Progress for Bar {
    fn stage(&self, name: &str) {
        self.0.set_message(name.to_owned());
    }

    fn part(&self, done: u64, total: u64) {
        let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
        self.0.set_message(format!("writing {} of {} ({percent} %)", bytes(done), bytes(total)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // The line must be gone before the result or an error is written.
        self.0.finish_and_clear();
    }
}

/// A bar on a terminal, silence elsewhere and when asked for.
pub(crate) fn start(quiet: bool) -> Box<dyn Progress> {
    if quiet || !std::io::stderr().is_terminal() { Box::new(Silent) } else { Box::new(Bar::new()) }
}
