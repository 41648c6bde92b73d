//! The regular operations of a single node.

use core::fmt;

use super::foca_subject::FocaSubject;
use super::number;
use crate::{OPERATIONS, UPDATES_PER_PACKET, timing};

/// The column headings.
pub const HEADINGS: &str =
    "                              N   ping answered, any asker   known update, any member";

/// The median nanoseconds of two operations.
#[derive(Clone, Copy, Debug)]
pub struct Nanos {
    name: &'static str,
    members: usize,
    ping: f64,
    update: f64,
}

/// Measures a node of this library.
#[must_use]
pub fn ours(members: usize, samples: usize) -> Nanos {
    let nanos = |key| {
        let operation = OPERATIONS.iter().find(|operation| operation.key == key);
        let operation = operation.expect("there is such an operation");
        let mut subject = (operation.subject)(crate::names::config(), members);
        let prepare = operation.prepare.expect("another datagram each time");
        let nanos = timing::prepared(samples, &mut subject, prepare, operation.work);
        nanos / number(operation.per)
    };
    Nanos { name: "ours", members, ping: nanos("ping/cold"), update: nanos("known/cold") }
}

/// Measures a foca node.
#[must_use]
pub fn foca(members: usize, samples: usize) -> Nanos {
    let mut subject = FocaSubject::joined(members);
    let mut nanos = |prepare: fn(&mut FocaSubject)| {
        timing::prepared(samples, &mut subject, prepare, FocaSubject::hand_in)
    };
    let ping = nanos(FocaSubject::ask_as_anybody);
    let update = nanos(FocaSubject::tell_about_anybody) / number(UPDATES_PER_PACKET);
    Nanos { name: "foca", members, ping, update }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Nanos { name, members, ping, update } = self;
        write!(f, "{name:<24}{members:>8}{ping:>27.0}{update:>27.0}")
    }
}
