//! Messages arrive at their destination, once.

use core::hash::Hasher;
use std::collections::BTreeMap;

use bytes::Bytes;
use siphasher::sip::SipHasher13;
use swim_core::wire::Wire;
use swim_core::{Answer, Event, Failure, Incarnation, Instant, Name, RequestId};

use super::{Checker, Sent, Sight, Verdict, expect, of_host};
use crate::contents::requires_seals;

/// Checks that messages reach the member that they are for, once.
///
/// With required keys on the native wire:
///
/// - A message is delivered to its receiver, once.
/// - A broadcast is delivered once to each life of a member, and to none that started after it was
///   made.
/// - A message answered as delivered was delivered.
///
/// This holds even if packets are repeated. For messages sent before a node started, it holds if
/// the node started with a higher incarnation than any node had by then (as it does if clocks
/// agree), and if no other node has its name.
///
/// On memberlist's wire messages may arrive again and elsewhere: the checker only checks that all
/// delivered messages were sent. In the clear it checks nothing.
///
/// It knows the messages that applications announce: see
/// [`World::tell_sent`](crate::World::tell_sent).
#[derive(Debug, Default)]
pub struct Deliveries {
    /// Applications announce everything that they send.
    all_told: bool,
    sent: Vec<Letter>,
    by_content: BTreeMap<Content, Vec<usize>>,
    hosts: Vec<Life>,
    /// The hosts that have had each name.
    homes: BTreeMap<Name, Vec<usize>>,
    /// The highest incarnation of any node so far.
    highest: Incarnation,
}

/// Identifies a message: hash and length of its payload.
type Content = (u64, usize);

/// A message or broadcast that was sent.
#[derive(Debug)]
struct Letter {
    /// The receiver; `None` for a broadcast.
    to: Option<Name>,
    reliable: bool,
    /// The beginning of the payload.
    text: Bytes,
    at: Instant,
    /// The hosts that received it, with their lives.
    delivered: Vec<(usize, u32)>,
}

/// The present life of a host's process.
#[derive(Debug, Default)]
struct Life {
    started: Option<Instant>,
    /// No earlier message can be for this life.
    is_above_all: bool,
    /// The reliable message about to be sent, until its request is known.
    about_to_send: Option<usize>,
    command: Option<usize>,
    requests: BTreeMap<RequestId, usize>,
}

impl Deliveries {
    /// A checker for a world whose applications announce all that they send: any other delivered
    /// message is forged.
    #[must_use]
    pub fn of_all_sent() -> Self {
        Deliveries { all_told: true, ..Deliveries::default() }
    }

    fn letters(&self, payload: &[u8]) -> Option<&[usize]> {
        self.by_content.get(&content(payload)).map(Vec::as_slice)
    }

    /// Whether this payload was sent. On memberlist's wire the version byte of a seal can cut off
    /// or add up to 16 bytes.
    fn was_sent(&self, payload: &[u8]) -> bool {
        const BLOCK: usize = 16;
        let alike = |letter: &Letter| {
            let text = &letter.text[..];
            let is_cut = text.starts_with(payload) && text.len() <= payload.len() + BLOCK;
            let is_longer = payload.starts_with(text) && payload.len() <= text.len() + BLOCK;
            is_cut || is_longer
        };
        self.letters(payload).is_some() || self.sent.iter().any(alike)
    }

    /// Notes a delivery to a node that does not require seals, or not at present.
    fn note_unsealed(&mut self, by: &Sight<'_>, event: &Event) {
        let _ = match event {
            Event::Message { payload, reliable, .. } => {
                self.delivered(by, payload, Kind::Message { reliable: *reliable })
            }
            Event::Broadcast { payload, .. } => self.delivered(by, payload, Kind::Broadcast),
            _ => Ok(()),
        };
    }

    fn delivered(&mut self, by: &Sight<'_>, payload: &[u8], kind: Kind) -> Verdict {
        let what = || format!("a {kind} of {} bytes", payload.len());
        let Some(found) = self.by_content.get(&content(payload)) else {
            return expect(!self.all_told, || format!("{} that nobody sent is delivered", what()));
        };
        let own = &by.node.config().name;
        let (host, life) = (by.host, by.life);
        let is_for = |letter: &Letter| match kind {
            Kind::Broadcast => letter.to.is_none(),
            Kind::Message { reliable } => {
                letter.reliable == reliable && letter.to.as_ref() == Some(own)
            }
        };
        let state = of_host(&mut self.hosts, host);
        let is_only = self.homes.get(own).is_none_or(|homes| homes.len() == 1);
        let is_strict = state.is_above_all && is_only;
        let started = state.started;
        let is_new = |letter: &Letter| {
            let here = letter.delivered.contains(&(host, life));
            let anywhere = !letter.delivered.is_empty();
            let predates = is_strict && started.is_some_and(|started| letter.at < started);
            match kind {
                Kind::Broadcast => !here && !predates,
                Kind::Message { reliable: true } => !anywhere,
                Kind::Message { reliable: false } if is_strict => !anywhere && !predates,
                Kind::Message { reliable: false } => !here,
            }
        };
        let mut meant = found.iter().copied().filter(|at| is_for(&self.sent[*at])).peekable();
        if meant.peek().is_none() {
            return Err(format!("{} for somebody else is delivered", what()));
        }
        let Some(at) = meant.find(|at| is_new(&self.sent[*at])) else {
            return Err(format!("{} is delivered again, or was sent to an earlier life", what()));
        };
        self.sent[at].delivered.push((host, life));
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Broadcast,
    Message { reliable: bool },
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Kind::Broadcast => "broadcast",
            Kind::Message { reliable: false } => "message in a packet",
            Kind::Message { reliable: true } => "message on a stream",
        })
    }
}

fn content(payload: &[u8]) -> Content {
    let mut hasher = SipHasher13::new();
    hasher.write(payload);
    (hasher.finish(), payload.len())
}

impl Checker for Deliveries {
    fn name(&self) -> &'static str {
        "deliveries"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        let own = by.node.local().incarnation;
        let is_above_all = own > self.highest;
        self.highest = self.highest.max(own);
        *of_host(&mut self.hosts, by.host) =
            Life { started: Some(by.at), is_above_all, ..Life::default() };
        let homes = self.homes.entry(by.node.config().name.clone()).or_default();
        if !homes.contains(&by.host) {
            homes.push(by.host);
        }
        Ok(())
    }

    fn sent(&mut self, by: &Sight<'_>, sent: &Sent<'_>) -> Verdict {
        /// Only packets can be cut or lengthened on memberlist's wire.
        const TEXT_MAX: usize = 2000;
        let (to, reliable, payload) = match *sent {
            Sent::Message { to, payload } => (Some(to), false, payload),
            Sent::Reliable { to, payload } => (Some(to), true, payload),
            Sent::Broadcast { payload } => (None, false, payload),
            Sent::State { .. } => return Ok(()),
        };
        let number = self.sent.len();
        let to = to.and_then(|to| to.parse().ok());
        let text = Bytes::copy_from_slice(&payload[..payload.len().min(TEXT_MAX)]);
        self.sent.push(Letter { to, reliable, text, at: by.at, delivered: Vec::new() });
        self.by_content.entry(content(payload)).or_default().push(number);
        if reliable {
            of_host(&mut self.hosts, by.host).about_to_send = Some(number);
        }
        Ok(())
    }

    fn command(&mut self, by: &Sight<'_>) -> Verdict {
        let life = of_host(&mut self.hosts, by.host);
        life.command = life.about_to_send.take();
        Ok(())
    }

    fn request(&mut self, by: &Sight<'_>, id: RequestId) -> Verdict {
        let life = of_host(&mut self.hosts, by.host);
        if let Some(number) = life.command.take() {
            life.requests.insert(id, number);
        }
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let config = by.node.config();
        if !requires_seals(config) {
            // Anybody may have made this payload. If an application sent it, it has arrived.
            if config.wire == Wire::Swim {
                self.note_unsealed(by, event);
            }
            return Ok(());
        }
        match event {
            Event::Message { payload, .. } if config.wire == Wire::Memberlist => {
                expect(!self.all_told || self.was_sent(payload), || {
                    format!("a message of {} bytes that nobody sent is delivered", payload.len())
                })
            }
            _ if config.wire == Wire::Memberlist => Ok(()),
            Event::Message { payload, reliable, .. } => {
                self.delivered(by, payload, Kind::Message { reliable: *reliable })
            }
            Event::Broadcast { payload, .. } => self.delivered(by, payload, Kind::Broadcast),
            _ => Ok(()),
        }
    }

    fn answer(
        &mut self,
        by: &Sight<'_>,
        id: RequestId,
        result: &Result<Answer, Failure>,
    ) -> Verdict {
        let config = by.node.config();
        let is_bound = requires_seals(config) && config.wire == Wire::Swim;
        let number = of_host(&mut self.hosts, by.host).requests.remove(&id);
        let (true, Some(number), Ok(Answer::Delivered)) = (is_bound, number, result) else {
            return Ok(());
        };
        expect(!self.sent[number].delivered.is_empty(), || {
            format!("{id:?} counts as delivered, and never arrived")
        })
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        self.highest = self.highest.max(by.node.local().incarnation);
        Ok(())
    }
}
