//! The beliefs of nodes, and expectations about them.

use core::time::Duration;

use swim_core::{Event, Name, Node, State};

use crate::host::Host;
use crate::trace::Record;
use crate::world::World;

impl World {
    // Questions.

    /// Returns the state of `subject` in the view of `observer`; `None` if unknown there.
    ///
    /// For a paused observer it is the last state.
    ///
    /// # Panics
    /// If the process of the observer is down.
    #[track_caller]
    #[must_use]
    pub fn state(&self, observer: &str, subject: &str) -> Option<State> {
        let subject = self.hosts[self.host(subject) as usize].member();
        self.node(observer).member(subject).map(|member| member.state)
    }

    /// Returns whether the views of all nodes that take part are complete and correct.
    ///
    /// Each sees exactly these nodes as live, all of them alive, with their current incarnation,
    /// address and metadata.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.first_disagreement().is_none()
    }

    /// Returns whether every other node that takes part believes this node to be in this state.
    #[track_caller]
    #[must_use]
    pub fn agreed(&self, subject: &str, state: State) -> bool {
        let subject = self.host(subject);
        self.observers_of(subject).all(|host| self.believes(host, subject, state))
    }

    // Expectations.

    /// Expects that every node that takes part sees this node alive, and that it takes part itself.
    #[track_caller]
    pub fn expect_alive_everywhere(&self, subject: &str) {
        self.expect_agreed(subject, State::Alive);
        let host = &self.hosts[self.host(subject) as usize];
        if host.takes_part().is_none() {
            self.fail(&format!("{subject} is believed alive and takes no part"), Some(subject));
        }
    }

    /// Expects that every other node that takes part believes this node failed.
    ///
    /// A node may also have forgotten it after it failed.
    #[track_caller]
    pub fn expect_failed(&self, subject: &str) {
        self.expect_agreed(subject, State::Failed);
    }

    /// Expects that every other node that takes part knows that this node left.
    ///
    /// A node may also have forgotten it after it left.
    #[track_caller]
    pub fn expect_left(&self, subject: &str) {
        self.expect_agreed(subject, State::Left);
    }

    /// Expects that the nodes have [`converged`](World::converged).
    #[track_caller]
    pub fn expect_converged(&self) {
        if let Some(disagreement) = self.first_disagreement() {
            self.fail(&disagreement.to_string(), Some(&disagreement.subject));
        }
    }

    /// Expects the state of `subject` in the view of `observer`.
    #[track_caller]
    pub fn expect_state(&self, observer: &str, subject: &str, expected: State) {
        let found = self.state(observer, subject);
        if found != Some(expected) {
            self.fail(
                &format!("{observer} should believe {subject} {expected}, but believes {found:?}"),
                Some(subject),
            );
        }
    }

    /// Lets time pass until the nodes have [`converged`](World::converged), at most `max`.
    ///
    /// # Panics
    /// If they have not by then.
    #[track_caller]
    pub fn settle(&mut self, max: Duration) {
        if !self.run_until(max, World::converged) {
            self.expect_converged();
        }
    }

    /// Expects that no node ever declared this node failed, or heard that another one did.
    #[track_caller]
    pub fn expect_never_failed(&self, subject: &str) {
        let member = self.hosts[self.host(subject) as usize].member();
        self.expect_no_event(
            subject,
            "declared failed",
            |event| matches!(event, Event::Failed { member: failed, .. } if failed.name == *member),
        );
    }

    /// Expects that no node ever suspected this node, or heard that another one did.
    #[track_caller]
    pub fn expect_never_suspected(&self, subject: &str) {
        let member = self.hosts[self.host(subject) as usize].member();
        self.expect_no_event(subject, "suspected", |event| {
            matches!(event, Event::Suspected { member: suspect, .. } if suspect.name == *member)
        });
    }

    /// Expects that every request of a process that still runs was answered.
    #[track_caller]
    pub fn expect_answered(&self) {
        let unanswered = self.unanswered();
        if let Some((name, _)) = unanswered.first() {
            self.fail(&format!("requests without an answer: {unanswered:?}"), Some(name));
        }
    }

    /// Panics with a report, for your own expectations.
    #[track_caller]
    pub fn fail(&self, what: &str, subject: Option<&str>) -> ! {
        panic!("{what}\n{}", self.report(subject))
    }

    // Private.

    #[track_caller]
    fn expect_agreed(&self, subject: &str, state: State) {
        let number = self.host(subject);
        let other = self.observers_of(number).find(|host| !self.believes(host, number, state));
        if let Some(host) = other {
            let found = host.node().and_then(|node| node.member(subject));
            let found = found.map(|member| member.state);
            self.fail(
                &format!("{} should believe {subject} {state}, but believes {found:?}", host.label),
                Some(subject),
            );
        }
    }

    #[track_caller]
    fn expect_no_event(&self, subject: &str, what: &str, is_it: impl Fn(&Event) -> bool) {
        let records = self
            .hosts
            .iter()
            .flat_map(|host| host.records.iter().map(move |record| (host, record)));
        if let Some((host, record)) = records.into_iter().find(|(_, record)| is_it(&record.event)) {
            let at = record.at.since_origin();
            self.fail(
                &format!("{subject} was {what}, as {} heard at {at:.3?}", host.label),
                Some(subject),
            );
        }
    }

    /// The hosts that take part, except `subject`.
    fn observers_of(&self, subject: u32) -> impl Iterator<Item = &Host> {
        let hosts = (0..).zip(&self.hosts);
        hosts
            .filter(move |(number, host)| *number != subject && host.takes_part().is_some())
            .map(|(_, host)| host)
    }

    fn believes(&self, observer: &Host, subject: u32, state: State) -> bool {
        let name = &self.hosts[subject as usize].config.name;
        match observer.node().and_then(|node| node.member(name.as_str())) {
            Some(member) => member.state == state,
            // Failed and left members are forgotten after a while: use the last state before that.
            None => !state.is_live() && forgotten_as(&observer.records, name) == Some(state),
        }
    }

    /// The first disagreement, for a report.
    pub(crate) fn disagreement(&self) -> Option<String> {
        self.first_disagreement().map(|disagreement| disagreement.to_string())
    }

    /// A host that the node sees as live although it does not take part.
    fn mistaken_for_live(&self, node: &Node) -> Option<&Host> {
        let live =
            |host: &&Host| node.member(host.member()).is_some_and(|member| member.state.is_live());
        let part: Vec<&str> =
            self.hosts.iter().filter(|h| h.takes_part().is_some()).map(Host::member).collect();
        self.hosts.iter().filter(live).find(|host| !part.contains(&host.member()))
    }

    fn first_disagreement(&self) -> Option<Disagreement> {
        // Counts first: while a cluster forms, most checks end there.
        self.first_miscount().or_else(|| self.first_difference())
    }

    fn first_miscount(&self) -> Option<Disagreement> {
        let count = self.hosts.iter().filter(|host| host.takes_part().is_some()).count();
        let mut nodes = self.hosts.iter().filter_map(|host| Some((host, host.takes_part()?)));
        let (observer, node) = nodes.find(|(_, node)| node.members_live() != count)?;
        let found = format!("{} live members where {count} take part", node.members_live());
        Some(match self.mistaken_for_live(node) {
            Some(host) => Disagreement::new(observer, host, format!("{found}, not this one")),
            None => Disagreement::new(observer, observer, found),
        })
    }

    fn first_difference(&self) -> Option<Disagreement> {
        let parts = || self.hosts.iter().filter_map(|host| Some((host, host.takes_part()?)));
        parts().find_map(|(observer, node)| {
            parts().find_map(|(subject, truth)| {
                let found = differs(node, subject.member(), truth)?;
                Some(Disagreement::new(observer, subject, found))
            })
        })
    }
}

#[derive(Debug)]
struct Disagreement {
    observer: String,
    subject: String,
    found: String,
}

impl Disagreement {
    fn new(observer: &Host, subject: &Host, found: String) -> Self {
        Disagreement { observer: observer.label.clone(), subject: subject.label.clone(), found }
    }
}

impl core::fmt::Display for Disagreement {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Disagreement { observer, subject, found } = self;
        write!(f, "the nodes do not agree: {observer} on {subject}: {found}")
    }
}

/// How the observer's view of a node differs from the truth, if it does.
fn differs(observer: &Node, name: &str, truth: &Node) -> Option<String> {
    let truth = truth.local();
    if observer.local().name == name {
        return None;
    }
    match observer.member(name) {
        None => Some("not known".to_owned()),
        Some(member) if member.state != State::Alive => Some(member.state.to_string()),
        Some(member) if member.incarnation != truth.incarnation => {
            Some(format!("incarnation {}, it is {}", member.incarnation, truth.incarnation))
        }
        Some(member) if member.meta != truth.meta => {
            Some(format!("metadata {:?}, it is {:?}", member.meta, truth.meta))
        }
        Some(member) if member.address != truth.address => {
            Some(format!("address {}, it is {}", member.address, truth.address))
        }
        Some(_) => None,
    }
}

/// The state in which a node forgot a member, if forgetting was its last event about it.
fn forgotten_as(records: &[Record], name: &Name) -> Option<State> {
    let last = records.iter().rev().find(|record| record.event.subject() == Some(name))?;
    match &last.event {
        Event::Unlisted { member, .. } => Some(member.state),
        _ => None,
    }
}
