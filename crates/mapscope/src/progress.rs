//! Progress on standard error, when somebody is there to see it.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Told by the work how far it is. Shared by threads.
pub(crate) trait Progress: Sync {
    /// A stage begins: `reading memory`. `total` is its number of steps, when known.
    fn stage(&self, name: &str, total: Option<u64>);
    /// Steps of the stage are done.
    #[expect(dead_code, reason = "the Go reader will call it")]
    fn advance(&self, steps: u64);
}

/// Says nothing.
pub(crate) struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}

/// A spinner with the name of the stage, and a bar when its length is known.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Progress for Bar {
    fn stage(&self, name: &str, total: Option<u64>) {
        let template = match total {
            Some(_) => "{spinner} {msg} {bar:30} {percent}%",
            None => "{spinner} {msg}",
        };
        // A template that does not parse would be a mistake in this file; the default style serves as well.
        self.0.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.0.set_length(total.unwrap_or(0));
        self.0.set_position(0);
        self.0.set_message(name.to_owned());
    }

    fn advance(&self, steps: u64) {
        self.0.inc(steps);
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
