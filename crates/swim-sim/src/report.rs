//! The report of a failed expectation.

use core::fmt::Write;

use swim_core::{Answer, Event, Failure, Instant, Member, Name, Node, RequestId};

use crate::host::{Condition, Host};
use crate::world::World;

/// How many nodes a report names, and how many events of each. The rest is counted.
const NODES_MAX: usize = 24;
const EVENTS_MAX: usize = 12;
/// How many of the latest notes a report has.
const NOTES_MAX: usize = 40;

impl Drop for World {
    /// Prints the seed if a test fails by an assertion of its own.
    fn drop(&mut self) {
        if std::thread::panicking() && !self.reported.get() {
            let at = self.now.since_origin();
            eprintln!("-- at {at:.3?} of its world; {}", self.how_to_repeat());
        }
    }
}

impl World {
    /// Adds a line with the time to the report, such as the current step of the test.
    ///
    /// Faults and commands add their own. A world with a new note is no longer [calm](World::calm).
    pub fn note(&mut self, text: impl core::fmt::Display) {
        self.notes.push((self.now, text.to_string()));
        self.disturb();
    }

    /// Writes the state of the world: seed, time, each node's view, and the last events.
    ///
    /// With a subject, only events about it.
    #[must_use]
    pub fn report(&self, subject: Option<&str>) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_report(&mut text, subject);
        text
    }

    fn write_report(&self, out: &mut String, subject: Option<&str>) -> core::fmt::Result {
        writeln!(out, "-- at {:.3?} in {:?}", self.now.since_origin(), self.options)?;
        self.reported.set(true);
        writeln!(out, "-- {}", self.how_to_repeat())?;
        for (at, note) in &self.notes[self.notes.len().saturating_sub(NOTES_MAX)..] {
            writeln!(out, "{:>14.3?}  {note}", at.since_origin())?;
        }
        let subject_host = subject.map(|name| &self.hosts[self.host(name) as usize]);
        for host in self.hosts.iter().take(NODES_MAX) {
            write_host(out, host, subject_host)?;
        }
        if let Some(more) = self.hosts.len().checked_sub(NODES_MAX + 1) {
            writeln!(out, "-- and {} more", more + 1)?;
        }
        for connection in self.connections.iter().take(NODES_MAX) {
            writeln!(out, "-- {connection:?}")?;
        }
        writeln!(out, "-- {:?}", self.traffic())
    }
}

/// A line about a node.
enum Told<'a> {
    Event(&'a Event),
    Answer(RequestId, &'a Result<Answer, Failure>),
}

fn write_host(out: &mut String, host: &Host, about: Option<&Host>) -> core::fmt::Result {
    write!(out, "{} at {}: {}", host.label, host.address, condition(host))?;
    if host.life > 0 {
        write!(out, ", life {}", host.life)?;
    }
    if let Some(node) = host.node() {
        let local = node.local();
        write!(out, ", incarnation {}, health {}", local.incarnation, node.health())?;
        write!(out, ", {} live: ", node.members_live())?;
        write_beliefs(out, node, about)?;
    }
    writeln!(out)?;
    let name = about.map(|about| &about.config.name);
    let all = about.is_none_or(|about| core::ptr::eq(about, host));
    let events = host.records.iter().filter(|record| all || record.event.subject() == name);
    let events = events.map(|record| (record.at, Told::Event(&record.event)));
    let answers = host.answered().into_iter().filter(|_| all);
    let answers = answers.map(|(at, id, result)| (at, Told::Answer(id, result)));
    let mut told: Vec<(Instant, Told<'_>)> = events.chain(answers).collect();
    told.sort_by_key(|(at, _)| *at);
    if let Some(more) = told.len().checked_sub(EVENTS_MAX + 1) {
        writeln!(out, "    ... {} earlier events", more + 1)?;
    }
    for (at, told) in &told[told.len().saturating_sub(EVENTS_MAX)..] {
        write!(out, "    {:>10.3?}  ", at.since_origin())?;
        match told {
            Told::Event(event) => write_event(out, event)?,
            Told::Answer(id, result) => write!(out, "Answer to {id:?}: {result:?}")?,
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes an event in a line: frequent kinds shortened, rare ones in full.
fn write_event(out: &mut String, event: &Event) -> core::fmt::Result {
    let who = |member: &Member| format!("{}@{}", member.name, member.incarnation);
    match event {
        Event::Joined { member, previous, via, .. } => {
            write!(out, "Joined {}, before: {previous:?}; {via}", who(member))
        }
        Event::Updated { member, via, .. } => write!(out, "Updated {}; {via}", who(member)),
        Event::Suspected { member, accuser, timeout_min, timeout_max, via, .. } => {
            write!(out, "Suspected {} by {accuser}, for ", who(member))?;
            write!(out, "{timeout_min:.1?} to {timeout_max:.1?}; {via}")
        }
        Event::Confirmed { name, accuser, confirmations, remaining, via, .. } => {
            write!(out, "Confirmed {name} by {accuser}, the {confirmations}. time, ")?;
            write!(out, "{remaining:.1?} left; {via}")
        }
        Event::Refuted { member, suspected_for, via, .. } => {
            write!(out, "Refuted {} after {suspected_for:.1?}; {via}", who(member))
        }
        Event::Failed { member, declared_by, accusers, suspected_for, via, .. } => {
            write!(out, "Failed {} by {declared_by}, accused by {accusers:?}, ", who(member))?;
            write!(out, "suspected for {suspected_for:.1?}; {via}")
        }
        Event::Left { member, previous, via, .. } => {
            write!(out, "Left {}, before: {previous}; {via}", who(member))
        }
        // Only the length: an application's data may be long.
        Event::Message { from, payload, .. } => {
            let from = from.as_ref().map_or("somebody", Name::as_str);
            write!(out, "Message of {} bytes from {from}", payload.len())
        }
        Event::Broadcast { origin, payload, .. } => {
            write!(out, "Broadcast of {} bytes by {origin}", payload.len())
        }
        Event::UserState { from, state, .. } => {
            write!(out, "UserState of {} bytes from {from}", state.len())
        }
        Event::Unlisted { member, .. } => write!(out, "Unlisted {} {}", who(member), member.state),
        other => write!(out, "{other:?}"),
    }
}

fn write_beliefs(out: &mut String, node: &Node, about: Option<&Host>) -> core::fmt::Result {
    for member in node.members().take(NODES_MAX) {
        if about.is_none_or(|about| about.member() == member.name) || !member.state.is_live() {
            write!(out, " {} {}@{}", member.name, member.state, member.incarnation)?;
        } else {
            write!(out, " {}", member.name)?;
        }
    }
    Ok(())
}

fn condition(host: &Host) -> String {
    if host.runs_driver() && host.condition == Condition::Running && !host.waiting.is_empty() {
        return format!("running, {} inputs waiting for its turn", host.waiting.len());
    }
    match (host.condition, host.node()) {
        (Condition::Running, Some(node)) => format!("{:?}", node.status()).to_lowercase(),
        (Condition::Running | Condition::Down, _) => "down".to_owned(),
        (Condition::Paused, _) => format!("paused, {} inputs waiting", host.waiting.len()),
        (Condition::Held, _) => {
            format!("held, {} inputs waiting, {} unsent", host.waiting.len(), host.unsent.len())
        }
        (Condition::Off, _) => "without power".to_owned(),
    }
}
