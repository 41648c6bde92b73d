//! A record of everything that the clients of a world sent and heard.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// The journal of a world, shared by its nodes, their clients and the test.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Notes>>);

impl Journal {
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().expect("a test that panicked has failed")
    }
}

/// The content of the journal.
#[derive(Default)]
pub(crate) struct Notes {
    /// The step of the test. The clocks of the hosts differ, so times are counted in steps.
    pub(crate) step: u64,
    /// Nothing is published any longer.
    pub(crate) is_quiet: bool,
    /// The lives of all nodes, in the order in which they began.
    pub(crate) lives: Vec<LifeNotes>,
}

/// One life of a node.
pub(crate) struct LifeNotes {
    pub(crate) name: String,
    /// The life announced in its tags, once it is.
    pub(crate) life: Option<String>,
    pub(crate) end: Option<Ending>,
    /// The messages that it answered with `OK`, in order.
    pub(crate) taken: Vec<Taken>,
    /// When its subscriber had subscribed to everything.
    pub(crate) subscribed: Option<u64>,
    /// The lines that its subscriber heard, in order.
    pub(crate) heard: Vec<Heard>,
    /// How often it was paused.
    pub(crate) pauses: u64,
    /// Answers that took too long while the node was not paused.
    pub(crate) slow: Vec<Duration>,
    /// The step since which the node knows another life, by that life's number.
    pub(crate) knows: std::collections::BTreeMap<usize, u64>,
    /// Asks the node to leave.
    pub(crate) stop: async_channel::Sender<()>,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Crashed,
    Left,
}

/// A message that a node took.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) seq: u64,
    pub(crate) text: String,
    /// When its client began to send it.
    pub(crate) sent: u64,
}

/// A line that a subscriber heard.
#[derive(Debug)]
pub(crate) enum Heard {
    Message {
        publisher: String,
        seq: u64,
        text: String,
    },
    Gap {
        publisher: String,
        missing: u64,
    },
    /// The connection ended, with this line.
    End(String),
}

impl Heard {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(5, ' ');
        match (words.next()?, words.next()?) {
            ("MSG", _topic) => {
                let (publisher, seq) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
                Some(Heard::Message { publisher, seq, text: words.next()?.to_owned() })
            }
            ("GAP", publisher) => {
                let (publisher, missing) = (publisher.to_owned(), words.next()?.parse().ok()?);
                Some(Heard::Gap { publisher, missing })
            }
            _ => None,
        }
    }
}
