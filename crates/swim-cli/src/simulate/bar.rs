//! The progress bar of a simulation, on a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use swim_sim::simulation::Progress;

/// Shorter simulations show no bar.
const SHOWN_AFTER: Duration = Duration::from_millis(800);

/// A bar on standard error, where that is a terminal.
#[derive(Debug)]
pub(crate) struct Bar {
    begun: Instant,
    bar: ProgressBar,
    /// Shown once the simulation takes long.
    waiting: bool,
}

impl Bar {
    /// One that never shows.
    pub(crate) fn hidden() -> Self {
        Bar { begun: Instant::now(), bar: ProgressBar::hidden(), waiting: false }
    }

    /// One that shows on a terminal once it takes long.
    pub(crate) fn for_stderr() -> Self {
        Bar { waiting: true, ..Bar::hidden() }
    }

    /// Shows the progress.
    pub(crate) fn show(&mut self, progress: Progress) {
        if self.waiting && self.begun.elapsed() >= SHOWN_AFTER {
            self.waiting = false;
            self.bar.set_length(millis(progress.duration) * u64::from(progress.runs));
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) =
                ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}  {eta} left")
            {
                self.bar.set_style(style);
            }
        }
        let done = millis(progress.duration) * u64::from(progress.run) + millis(progress.elapsed);
        self.bar.set_position(done);
        if progress.elapsed.is_zero() || self.bar.message().is_empty() {
            self.bar.set_message(format!("run {} of {}", progress.run + 1, progress.runs));
        }
    }

    /// Removes the bar from the terminal.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(time: Duration) -> u64 {
    crate::record::whole_millis(time)
}
