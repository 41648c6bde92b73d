//! The recurring deadlines of a node. Deadlines that exist many times (suspicions, streams, relays)
//! are kept where they belong, and combined in [`Node::next_deadline`](crate::Node).

use crate::time::Instant;

/// What a node does at some time, at most one of each at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The protocol period is over: judge the running probe, start the next.
    Probe,
    /// The direct ping was not answered in time: ask peers for help.
    ProbeTimeout,
    /// Send gossip. Set only while there is something to send.
    Gossip,
    /// Exchange everything with a random member.
    PushPull,
    /// The goodbye has had time to spread.
    Leave,
}

impl Timer {
    pub(crate) const ALL: [Timer; 5] =
        [Timer::Probe, Timer::ProbeTimeout, Timer::Gossip, Timer::PushPull, Timer::Leave];
}

/// When each timer is due.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    due: [Option<Instant>; Timer::ALL.len()],
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.due[timer as usize] = Some(at);
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.due[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        *self = Timers::default();
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        self.due[timer as usize]
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.iter().flatten().min().copied()
    }

    /// Takes the timer if it is due.
    pub(crate) fn take_due(&mut self, now: Instant, timer: Timer) -> bool {
        let due = self.due[timer as usize].is_some_and(|at| at <= now);
        if due {
            self.due[timer as usize] = None;
        }
        due
    }
}
