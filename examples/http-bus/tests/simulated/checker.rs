//! The history of a run, and the check of the guarantees.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use http_bus::{Delivery, Id, Peer};

/// An event of a run.
#[derive(Clone, Debug)]
enum Event {
    /// A process started.
    Began(String),
    /// A node took a message.
    Took(Delivery),
    /// A process crashed or ended.
    Died(String),
    /// A client's message was accepted.
    Accepted { id: String, payload: Vec<u8> },
    /// A client's message was refused for now.
    Refused,
    /// A reader got a message: its number, and the number expected, in this life of the node.
    Read { node: String, life: String, number: u64, id: String, expected: u64 },
}

/// The events of a run, in order. A world runs in one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(Arc<Mutex<Vec<Event>>>);

impl History {
    fn note(&self, event: Event) {
        self.0.lock().expect("nobody panicked").push(event);
    }

    pub(crate) fn took(&self, delivery: &Delivery) {
        self.note(Event::Took(delivery.clone()));
    }

    pub(crate) fn accepted(&self, id: &str, payload: &[u8]) {
        self.note(Event::Accepted { id: id.to_owned(), payload: payload.to_vec() });
    }

    pub(crate) fn refused(&self) {
        self.note(Event::Refused);
    }

    pub(crate) fn read(&self, node: &str, life: &str, number: u64, id: &str, expected: u64) {
        let (node, life, id) = (node.to_owned(), life.to_owned(), id.to_owned());
        self.note(Event::Read { node, life, number, id, expected });
    }

    /// Notes that a process starts, and that it ends when the returned value is dropped.
    #[must_use]
    pub(crate) fn begin(&self, name: &str) -> Life {
        self.note(Event::Began(name.to_owned()));
        Life { history: self.clone(), name: name.to_owned() }
    }

    /// Checks the guarantees, at the end of a run that gave all running nodes enough time.
    pub(crate) fn check(&self) -> Verdict {
        let events = self.0.lock().expect("nobody panicked").clone();
        let mut checker = Checker::default();
        events.into_iter().for_each(|event| checker.see(event));
        checker.end()
    }
}

/// A life of a process. A crash drops it, as does a normal end.
pub(crate) struct Life {
    history: History,
    name: String,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.history.note(Event::Died(std::mem::take(&mut self.name)));
    }
}

/// A broken guarantee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// A node that stayed alive lacks a message that some holder could always have handed on.
    NotEverybody,
    /// A node took a message twice in one life.
    Twice,
    /// Two messages share an id, or a body differs from the one that its origin accepted.
    Mixed,
    /// A message was accepted, but its origin does not hold it.
    AcceptedInVain,
    /// A reader missed a message, or read one twice.
    Read,
}

/// The result of a run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) broken: Vec<(Broken, String)>,
    /// Messages that at least one node took.
    pub(crate) messages: u64,
    /// Messages that were lost because every holder died.
    pub(crate) lost: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) read: u64,
}

impl Verdict {
    pub(crate) fn breaks(&self, what: Broken) -> bool {
        self.broken.iter().any(|(broken, _)| *broken == what)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.broken.iter().take(10).try_for_each(|(what, told)| writeln!(f, "{what:?}: {told}"))
    }
}

#[derive(Default)]
struct Checker {
    /// The body of each message, as its first holder has it, and its current holders.
    messages: BTreeMap<Id, (Vec<u8>, BTreeSet<String>)>,
    by_text: BTreeMap<String, Id>,
    taken: BTreeSet<(Peer, Id)>,
    /// The id of the message that a life of a node has under a number.
    logs: BTreeMap<(String, String, u64), String>,
    alive: BTreeSet<String>,
    lost: BTreeSet<Id>,
    verdict: Verdict,
}

impl Checker {
    fn broke(&mut self, what: Broken, told: String) {
        self.verdict.broken.push((what, told));
    }

    fn see(&mut self, event: Event) {
        match event {
            Event::Began(name) => {
                self.alive.insert(name);
            }
            Event::Took(delivery) => self.took(&delivery),
            Event::Died(name) => self.died(&name),
            Event::Accepted { id, payload } => self.accepted(&id, &payload),
            Event::Refused => self.verdict.refused += 1,
            Event::Read { node, life, number, id, expected } => {
                self.verdict.read += 1;
                if number != expected {
                    self.broke(Broken::Read, format!("{node}: {number} instead of {expected}"));
                }
                let logged = self.logs.get(&(node.clone(), life, number));
                if logged != Some(&id) {
                    let told = format!("{node} has {logged:?} as {number}, and was read as {id}");
                    self.broke(Broken::Read, told);
                }
            }
        }
    }

    fn took(&mut self, Delivery { node, number, message, .. }: &Delivery) {
        let (id, name) = (&message.id, node.name.to_string());
        if !self.taken.insert((node.clone(), id.clone())) {
            self.broke(Broken::Twice, format!("{id} at {name}"));
        }
        self.logs.insert((name.clone(), format!("{:016x}", node.life), *number), id.to_string());
        self.by_text.insert(id.to_string(), id.clone());
        let new = || (message.payload.to_vec(), BTreeSet::new());
        let (payload, holders) = self.messages.entry(id.clone()).or_insert_with(new);
        let (is_first, is_same) = (holders.is_empty(), payload[..] == message.payload[..]);
        holders.insert(name.clone());
        if !is_same || (is_first && !self.lost.contains(id) && node.name != id.origin.name) {
            self.broke(Broken::Mixed, format!("{id} at {name}"));
        }
    }

    fn died(&mut self, name: &str) {
        self.alive.remove(name);
        for (id, (_, holders)) in &mut self.messages {
            if holders.remove(name) && holders.is_empty() {
                self.lost.insert(id.clone());
            }
        }
    }

    fn accepted(&mut self, id: &str, payload: &[u8]) {
        self.verdict.accepted += 1;
        match self.by_text.get(id).map(|id| &self.messages[id].0[..] == payload) {
            Some(true) => {}
            Some(false) => self.broke(Broken::Mixed, format!("{id} has another body")),
            None => self.broke(Broken::AcceptedInVain, id.to_owned()),
        }
    }

    fn end(mut self) -> Verdict {
        self.verdict.messages = self.messages.len() as u64;
        self.verdict.lost = self.lost.len() as u64;
        for (id, (_, holders)) in &self.messages {
            let missing: Vec<_> = self.alive.difference(holders).collect();
            if !missing.is_empty() && !self.lost.contains(id) {
                let told = format!("{id} is missing at {missing:?}");
                self.verdict.broken.push((Broken::NotEverybody, told));
            }
        }
        self.verdict
    }
}
