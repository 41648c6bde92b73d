//! A record of the requests of the clients of a world, and of wrong answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The journal of a world, shared by its nodes, their clients and the test.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Notes>>);

impl Journal {
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().expect("a test that panicked has failed")
    }
}

/// The behaviour of the clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They read and write under faults. Any value that was written for the key is right.
    #[default]
    Chaos,
    /// No node fails. Only the latest value is right.
    Steady,
    /// Members come and go. The latest value is right, or none while the key moves. Half of the
    /// keys are not written, so they survive only if they are handed over.
    Moving,
    /// They only read.
    Quiet,
}

/// The content of the journal.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) mode: Mode,
    /// The latest value of each key that was answered with `OK`, and that no fault could lose. Only
    /// one client writes a key.
    pub(crate) latest: BTreeMap<String, String>,
    /// A later value that was not answered with `OK`, and may have been set.
    pub(crate) pending: BTreeMap<String, String>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// How often each node was paused.
    pub(crate) pauses: BTreeMap<String, u64>,
    /// Answers that break a guarantee.
    pub(crate) violations: Vec<String>,
    /// Asks a node to leave.
    pub(crate) stops: BTreeMap<String, async_channel::Sender<()>>,
}
