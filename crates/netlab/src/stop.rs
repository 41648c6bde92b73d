//! Requests to stop, by signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::Error;

/// The exit code of a program that a signal ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// A signal that follows the first one this soon is the same request.
///
/// `timeout`, for example, signals a process and then its group.
const SAME: Duration = Duration::from_millis(250);

/// Becomes true on Ctrl-C, SIGTERM or SIGHUP.
///
/// Then cases stop waiting, and labs are removed. A second signal, at least 250 ms later, ends the
/// program at once; the next lab then removes the leftovers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Installs handlers for the signals of this process.
    ///
    /// # Errors
    ///
    /// If the system refuses the handlers.
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

    /// Whether a stop was requested.
    #[must_use]
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
