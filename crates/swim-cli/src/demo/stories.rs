//! The events that each stage waits for, and the sentences about them.

use std::collections::BTreeMap;
use std::time::Duration;

use swim_tokio::{Event, Via};
use tokio::time::Instant;

use super::cast::Cast;
use super::tell::names;
use crate::style::Tone;
use crate::text;

/// The most lines about one change; the end of the stage sums up the rest.
const LINES_MAX: usize = 6;

/// A sentence to print.
pub(super) type Told = Option<(Tone, String)>;

/// Follows one stage.
pub(super) trait Story {
    /// Takes an event of a node, and returns a sentence if it belongs to the story.
    fn hear(&mut self, cast: &Cast, at: Instant, observer: usize, event: &Event) -> Told;

    /// The observers that have not yet reported the awaited event.
    fn silent(&self, observers: &[usize]) -> Vec<usize>;

    /// The awaited event, in a few words.
    fn waits_for(&self) -> &'static str;
}

/// When each observer reported the awaited event, since the beginning of the story.
#[derive(Debug)]
pub(super) struct Times {
    begun: Instant,
    by_observer: BTreeMap<usize, Duration>,
}

impl Times {
    fn new() -> Self {
        Times { begun: Instant::now(), by_observer: BTreeMap::new() }
    }

    fn since_begin(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.begun)
    }

    /// Records the first report of each observer. True if this is the first.
    fn note(&mut self, observer: usize, at: Instant) -> bool {
        let time = self.since_begin(at);
        let mut first = false;
        self.by_observer.entry(observer).or_insert_with(|| {
            first = true;
            time
        });
        first
    }

    fn silent(&self, observers: &[usize]) -> Vec<usize> {
        let told = |observer: &&usize| !self.by_observer.contains_key(observer);
        observers.iter().filter(told).copied().collect()
    }

    /// The time of the first observer.
    pub(super) fn first(&self) -> Duration {
        self.by_observer.values().min().copied().unwrap_or_default()
    }

    /// The time of the last observer.
    pub(super) fn last(&self) -> Duration {
        self.by_observer.values().max().copied().unwrap_or_default()
    }

    /// The number of observers that have reported.
    pub(super) fn count(&self) -> usize {
        self.by_observer.len()
    }
}

/// Every node learns of every other node.
#[derive(Debug)]
pub(super) struct Forming {
    heard: BTreeMap<usize, usize>,
    pub(super) complete: Times,
}

impl Forming {
    pub(super) fn new() -> Self {
        Forming { heard: BTreeMap::new(), complete: Times::new() }
    }
}

impl Story for Forming {
    fn hear(&mut self, cast: &Cast, at: Instant, observer: usize, event: &Event) -> Told {
        let Event::Joined { member, .. } = event else {
            return None;
        };
        if member.name == *cast.name(observer) {
            return None;
        }
        let heard = self.heard.entry(observer).or_default();
        *heard += 1;
        if *heard < cast.len() - 1 || !self.complete.note(observer, at) {
            return None;
        }
        let told = format!("{} knows all {} members", cast.name(observer), cast.len());
        (self.complete.count() <= LINES_MAX).then_some((Tone::Plain, told))
    }

    fn silent(&self, observers: &[usize]) -> Vec<usize> {
        self.complete.silent(observers)
    }

    fn waits_for(&self) -> &'static str {
        "nodes know every member"
    }
}

/// A node is suspected and then declared failed.
#[derive(Debug)]
pub(super) struct Failure {
    subject: usize,
    pub(super) suspected: Times,
    pub(super) failed: Times,
    /// The nodes whose own probe failed, in the order of their reports.
    pub(super) accusers: Vec<String>,
    /// The nodes that declared the failure, with the number of observers that name each.
    pub(super) declared_by: BTreeMap<String, usize>,
    accusations_told: usize,
}

impl Failure {
    pub(super) fn new(subject: usize) -> Self {
        Failure {
            subject,
            suspected: Times::new(),
            failed: Times::new(),
            accusers: Vec::new(),
            declared_by: BTreeMap::new(),
            accusations_told: 0,
        }
    }

    fn accused(&mut self, accuser: &str) {
        if !self.accusers.iter().any(|known| known == accuser) {
            self.accusers.push(accuser.into());
        }
    }

    fn accusation(&mut self, told: String) -> Told {
        self.accusations_told += 1;
        (self.accusations_told <= LINES_MAX).then_some((Tone::Warning, told))
    }

    fn declared(&self, cast: &Cast, observer: usize, event: &Event, took: Duration) -> Told {
        let Event::Failed { declared_by, accusers, suspected_for, .. } = event else {
            return None;
        };
        if self.failed.count() > LINES_MAX {
            return None;
        }
        let (observer, subject) = (cast.name(observer), cast.name(self.subject));
        let took = text::duration(took);
        let told = if *declared_by == *observer {
            format!(
                "{observer} declares {subject} failed, {took} after the crash: suspected for {} \
                 without an answer, accused by {}",
                text::duration(*suspected_for),
                names(accusers.iter().map(|name| name.as_str())),
            )
        } else {
            format!(
                "{observer} hears that {declared_by} has declared {subject} failed, {took} after \
                 the crash"
            )
        };
        Some((Tone::Bad, told))
    }
}

impl Story for Failure {
    fn hear(&mut self, cast: &Cast, at: Instant, observer: usize, event: &Event) -> Told {
        let subject = cast.name(self.subject);
        let seer = cast.name(observer);
        match event {
            Event::Suspected { member, accuser, timeout_min, timeout_max, via, .. }
                if member.name == *subject =>
            {
                self.suspected.note(observer, at);
                self.accused(accuser.as_str());
                // People see only the node's own observation; JSON has the rest.
                if *via != Via::Own {
                    return None;
                }
                let (min, max) = (text::duration(*timeout_min), text::duration(*timeout_max));
                self.accusation(format!(
                    "{seer} gets no answer from {subject}, directly or through relays: it suspects \
                     {subject}, which has {min} to {max} to refute"
                ))
            }
            Event::Confirmed { name, accuser, remaining, via, .. } if *name == *subject => {
                self.accused(accuser.as_str());
                if *via != Via::Own {
                    return None;
                }
                let remaining = text::duration(*remaining);
                self.accusation(format!(
                    "{seer} gets no answer from {subject} either and confirms the suspicion: \
                     {remaining} left"
                ))
            }
            Event::Failed { member, declared_by, accusers, .. } if member.name == *subject => {
                accusers.iter().for_each(|accuser| self.accused(accuser.as_str()));
                if !self.failed.note(observer, at) {
                    return None;
                }
                *self.declared_by.entry(declared_by.as_str().into()).or_default() += 1;
                self.declared(cast, observer, event, self.failed.since_begin(at))
            }
            _ => None,
        }
    }

    fn silent(&self, observers: &[usize]) -> Vec<usize> {
        self.failed.silent(observers)
    }

    fn waits_for(&self) -> &'static str {
        "nodes have declared it failed"
    }
}

/// A node leaves.
#[derive(Debug)]
pub(super) struct Leaving {
    subject: usize,
    pub(super) left: Times,
}

impl Leaving {
    pub(super) fn new(subject: usize) -> Self {
        Leaving { subject, left: Times::new() }
    }
}

impl Story for Leaving {
    fn hear(&mut self, cast: &Cast, at: Instant, observer: usize, event: &Event) -> Told {
        let Event::Left { member, .. } = event else {
            return None;
        };
        // The node that leaves may report it too.
        let news = member.name == *cast.name(self.subject) && observer != self.subject;
        if !news || !self.left.note(observer, at) || self.left.count() > LINES_MAX {
            return None;
        }
        let told = format!("{} sees {} as left", cast.name(observer), member.name);
        Some((Tone::Plain, told))
    }

    fn silent(&self, observers: &[usize]) -> Vec<usize> {
        self.left.silent(observers)
    }

    fn waits_for(&self) -> &'static str {
        "nodes see it as left"
    }
}

/// A node that failed comes back.
#[derive(Debug)]
pub(super) struct Return {
    subject: usize,
    pub(super) back: Times,
}

impl Return {
    pub(super) fn new(subject: usize) -> Self {
        Return { subject, back: Times::new() }
    }
}

impl Story for Return {
    fn hear(&mut self, cast: &Cast, at: Instant, observer: usize, event: &Event) -> Told {
        let Event::Joined { member, .. } = event else {
            return None;
        };
        if member.name != *cast.name(self.subject) || observer == self.subject {
            return None;
        }
        if !self.back.note(observer, at) || self.back.count() > LINES_MAX {
            return None;
        }
        let told = format!(
            "{} sees {} alive again, at incarnation {}",
            cast.name(observer),
            member.name,
            member.incarnation
        );
        Some((Tone::Plain, told))
    }

    fn silent(&self, observers: &[usize]) -> Vec<usize> {
        let mut silent = self.back.silent(observers);
        silent.retain(|observer| *observer != self.subject);
        silent
    }

    fn waits_for(&self) -> &'static str {
        "nodes see it alive again"
    }
}
