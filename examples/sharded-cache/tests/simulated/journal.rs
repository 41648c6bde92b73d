//! A record of what the clients of a world did, and of wrong answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The journal of a world, which its nodes, their clients and the test share.
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
    /// They read and write under faults: any value that was written for the key will do.
    #[default]
    Chaos,
    /// No node fails: a value is the latest.
    Steady,
    /// Members come and go: a value is the latest, or on its way to another node. Half of the keys
    /// are not written, so that they are there only if they move.
    Moving,
    /// They only read.
    Quiet,
}

/// The notes themselves.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) mode: Mode,
    /// The latest value of each key that was answered with `OK`, and that no fault could lose. Each
    /// key has one client that writes it.
    pub(crate) latest: BTreeMap<String, String>,
    /// A later value that was not answered with `OK`: it may have been set all the same.
    pub(crate) pending: BTreeMap<String, String>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// How often each node was paused.
    pub(crate) pauses: BTreeMap<String, u64>,
    /// Answers that break a guarantee.
    pub(crate) violations: Vec<String>,
    /// Tells a node to leave.
    pub(crate) stops: BTreeMap<String, async_channel::Sender<()>>,
}
