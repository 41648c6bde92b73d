//! Whether somebody wants an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::Error;

/// The exit code of a program that a signal ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// Becomes true with Ctrl-C, SIGTERM or SIGHUP, so that whoever waits stops waiting and labs are
/// removed. A second signal ends the program at once; the next lab then removes what is left.
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
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            flag::register_conditional_shutdown(signal, EXIT_CODE.into(), Arc::clone(&stop.0))
                .and_then(|_| flag::register(signal, Arc::clone(&stop.0)))
                .map_err(|error| Error::new(format!("no handler for signals: {error}")))?;
        }
        Ok(stop)
    }

    /// Whether it was asked for.
    #[must_use]
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
