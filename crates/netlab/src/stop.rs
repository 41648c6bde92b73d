//! Whether somebody wants an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::Error;

/// The exit code of a program that a signal ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// What comes sooner after the first signal is the same wish: `timeout`, for one, signals a process
/// and then its group.
const SAME: Duration = Duration::from_millis(250);

/// Becomes true with Ctrl-C, SIGTERM or SIGHUP, so that whoever waits stops waiting and labs are
/// removed. A second signal, 250 ms later or more, ends the program at once; the next lab then
/// removes what is left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// One that signals to this process ask for.
    ///
    /// # Errors
    ///
    /// Where the system takes no handlers.
    pub(crate) fn on_signals() -> Result<Self, Error> {
        let stop = Stop::default();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Error::new(format!("no handler for signals: {error}")))?;
        let asked = Arc::clone(&stop.0);
        std::thread::spawn(move || {
            let mut first = None;
            for _ in signals.forever() {
                asked.store(true, Ordering::Relaxed);
                if first.get_or_insert_with(Instant::now).elapsed() >= SAME {
                    std::process::exit(EXIT_CODE.into());
                }
            }
        });
        Ok(stop)
    }

    /// Whether it was asked for.
    #[must_use]
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
