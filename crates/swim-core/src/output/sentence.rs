//! Events as sentences for people. Every match is exhaustive, so each kind of event has a sentence.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::{Answer, Event, StreamSource, Via};
use crate::member::{Member, Name, State};
use crate::text::{bytes, count, duration, escape};

/// The event's kind and sentence, and how the news came, in one line of printable text.
///
/// ```
/// use core::time::Duration;
/// # use swim_core::Event;
/// let event = Event::late(Duration::from_secs(3));
/// assert_eq!(
///     event.to_string(),
///     "late: this node did not run for 3.00 s: not counted against peers"
/// );
/// ```
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.sentence())?;
        match self.via() {
            Some(via) => write!(f, " [{via}]"),
            None => Ok(()),
        }
    }
}

impl Event {
    /// How this node heard of it, for news about members.
    #[must_use]
    pub const fn via(&self) -> Option<Via> {
        match self {
            Event::Joined { via, .. }
            | Event::Updated { via, .. }
            | Event::Suspected { via, .. }
            | Event::Confirmed { via, .. }
            | Event::Refuted { via, .. }
            | Event::Failed { via, .. }
            | Event::Left { via, .. }
            | Event::Accused { via, .. }
            | Event::NameTaken { via, .. }
            | Event::NameConflict { via, .. } => Some(*via),
            Event::Unlisted { .. }
            | Event::HealthChanged { .. }
            | Event::AckPayload { .. }
            | Event::DatagramsBlocked { .. }
            | Event::StreamsBlocked { .. }
            | Event::Broadcast { .. }
            | Event::Message { .. }
            | Event::UserState { .. }
            | Event::Isolated { .. }
            | Event::HeardAgain { .. }
            | Event::AddressUnreachable { .. }
            | Event::Late { .. }
            | Event::BadInput { .. }
            | Event::StreamsShort { .. }
            | Event::KeyWearsOut { .. }
            | Event::TlsFailed { .. } => None,
        }
    }

    /// The sentence alone, without [`kind`](Event::kind) and [`via`](Event::via).
    ///
    /// Text chosen by peers is escaped, and truncated where it is long.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Event::Joined { .. }
            | Event::Updated { .. }
            | Event::Left { .. }
            | Event::Unlisted { .. }
            | Event::DatagramsBlocked { .. }
            | Event::StreamsBlocked { .. }
            | Event::NameConflict { .. } => of_member(self),
            Event::Suspected { .. }
            | Event::Confirmed { .. }
            | Event::Refuted { .. }
            | Event::Failed { .. } => of_suspicion(self),
            Event::Accused { .. }
            | Event::HealthChanged { .. }
            | Event::Isolated { .. }
            | Event::HeardAgain { .. }
            | Event::AddressUnreachable { .. }
            | Event::Late { .. }
            | Event::NameTaken { .. }
            | Event::BadInput { .. }
            | Event::StreamsShort { .. }
            | Event::KeyWearsOut { .. }
            | Event::TlsFailed { .. } => of_this_node(self),
            Event::AckPayload { .. }
            | Event::Broadcast { .. }
            | Event::Message { .. }
            | Event::UserState { .. } => of_application(self),
        }
    }
}

/// Changes in membership.
fn of_member(event: &Event) -> String {
    match event {
        Event::Joined { member, previous, .. } => {
            let before = previous.map(|state| format!("; was {state} before")).unwrap_or_default();
            format!("{}{}{before}", place(member), details(member))
        }
        Event::Updated { member, .. } => format!("{}{}", place(member), details(member)),
        Event::Left { member, previous: State::Alive, .. } => {
            format!("{} left the cluster", place(member))
        }
        Event::Left { member, previous, .. } => {
            format!("{} left the cluster; was {previous} before", place(member))
        }
        Event::Unlisted { member } => {
            format!("{} is no longer listed; its last state was {}", place(member), member.state)
        }
        Event::DatagramsBlocked { member } => {
            format!("{}: reachable only through relays or TCP: UDP is blocked", place(member))
        }
        Event::StreamsBlocked { member } => {
            format!("{}: answers only datagrams: TCP is blocked", place(member))
        }
        Event::NameConflict { name, winner, loser, .. } => format!(
            "two live nodes have the name {}: {winner}, known here, and {loser}; rename one of \
             them",
            escape(name.as_str())
        ),
        _ => String::new(),
    }
}

/// Suspicions, refutations and failures.
fn of_suspicion(event: &Event) -> String {
    match event {
        Event::Suspected { member, accuser, timeout_min, timeout_max, .. } => format!(
            "{}: accused by {}; declared failed in {} unless it refutes",
            place(member),
            escape(accuser.as_str()),
            range(*timeout_min, *timeout_max)
        ),
        Event::Confirmed { name, accuser, confirmations, remaining, .. } => format!(
            "{}: accused by {} too, {}; {} left to refute",
            escape(name.as_str()),
            escape(accuser.as_str()),
            count(*confirmations as usize, "confirmation"),
            duration(*remaining)
        ),
        Event::Refuted { member, suspected_for, .. } => format!(
            "{} is alive, incarnation {}; was suspected for {}",
            place(member),
            member.incarnation,
            duration(*suspected_for)
        ),
        Event::Failed { member, declared_by, accusers, suspected_for, .. } => format!(
            "{}: declared failed by {}, accused by {}, suspected for {}",
            place(member),
            escape(declared_by.as_str()),
            list(accusers),
            duration(*suspected_for)
        ),
        _ => String::new(),
    }
}

/// News of this node itself, and unusable input.
fn of_this_node(event: &Event) -> String {
    match event {
        Event::Accused { accuser, claim, incarnation, refuted_with, .. } => format!(
            "{} claimed that this node has {} (incarnation {incarnation}): refuted with \
             incarnation {refuted_with}",
            escape(accuser.as_str()),
            claimed(*claim)
        ),
        Event::HealthChanged { from, to, reason } => {
            format!("local health {from} -> {to} (0 is healthy): {reason}")
        }
        Event::Isolated { silent_for } => {
            format!(
                "this node has heard from no member for {}: is it cut off?",
                duration(*silent_for)
            )
        }
        Event::HeardAgain { silent_for } => {
            format!("this node hears from members again, after {}", duration(*silent_for))
        }
        Event::AddressUnreachable { address } => format!(
            "no member reaches this node at {address}, its announced address: correct that \
             address, or let UDP and TCP through to it"
        ),
        Event::Late { by } => {
            format!("this node did not run for {}: not counted against peers", duration(*by))
        }
        Event::NameTaken { address, .. } => {
            format!("{address} announces this node's own name: rename one of the two nodes")
        }
        Event::BadInput { from, reason, stream } => {
            format!("from {from} by {}: {reason}", if *stream { "stream" } else { "datagram" })
        }
        Event::StreamsShort { resource, sources } => {
            let holder = |source: &StreamSource| {
                let streams = count(source.streams, "stream");
                format!("{} ({streams}, {} bytes)", source.network, source.bytes)
            };
            let holders: Vec<String> = sources.iter().map(holder).collect();
            format!(
                "incoming streams ran short of {resource}; the largest users: {}",
                holders.join(", ")
            )
        }
        Event::KeyWearsOut { key, seals, members } => format!(
            "key {key} sealed {seals} times here: half of its limit if {} seal as often; \
             replace it",
            count(*members, "member")
        ),
        Event::TlsFailed { peer, dialled: true, fault } => format!("dialling {peer}: {fault}"),
        Event::TlsFailed { peer, fault, .. } => format!("connection from {peer}: {fault}"),
        _ => String::new(),
    }
}

/// Application data.
fn of_application(event: &Event) -> String {
    match event {
        Event::AckPayload { name, round_trip, payload } => {
            let after = duration(*round_trip);
            format!("{} after {after}: {}", escape(name.as_str()), bytes(payload))
        }
        Event::Broadcast { origin, payload, .. } => {
            format!("{}: {}", escape(origin.as_str()), bytes(payload))
        }
        Event::Message { from, payload, .. } => {
            let from = from.as_ref().map_or("unknown".into(), |name| escape(name.as_str()));
            format!("{from}: {}", bytes(payload))
        }
        Event::UserState { from, join, state } => {
            let when = if *join { " with a join" } else { "" };
            format!("from {from}{when}: {}", bytes(state))
        }
        _ => String::new(),
    }
}

fn place(member: &Member) -> String {
    format!("{} at {}", escape(member.name.as_str()), member.address)
}

fn details(member: &Member) -> String {
    let meta = match member.meta.is_empty() {
        true => String::new(),
        false => format!(", meta {}", bytes(&member.meta)),
    };
    format!(", incarnation {}{meta}", member.incarnation)
}

fn range(min: Duration, max: Duration) -> String {
    let (min, max) = (duration(min), duration(max));
    if min == max { min } else { format!("{min} to {max}") }
}

fn list(names: &[Name]) -> String {
    if names.is_empty() {
        return "an unknown member".into();
    }
    names.iter().map(|name| escape(name.as_str())).collect::<Vec<_>>().join(", ")
}

fn claimed(claim: State) -> &'static str {
    match claim {
        State::Alive => "come back",
        State::Suspect => "become suspect",
        State::Failed => "failed",
        State::Left => "left",
    }
}

/// The result of a command.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Joined { contact, members } => {
                write!(f, "{contact} answered: {} known", count(*members, "member"))
            }
            Answer::Left => f.write_str("left the cluster"),
            Answer::Spread => f.write_str("spread"),
            Answer::Delivered => f.write_str("delivered"),
            Answer::Pong { round_trip, .. } => {
                write!(f, "answered after {}", duration(*round_trip))
            }
        }
    }
}
