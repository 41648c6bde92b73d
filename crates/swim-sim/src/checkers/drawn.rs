//! Traffic that members send to hosts without a node.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use swim_core::wire::{Message, Wire, memberlist};
use swim_core::{Config, Event, Instant};

use super::{Checker, Sent, Sight, Verdict, expect, of_host};
use crate::contents::{Opener, requires_seals};

/// Limits the traffic that nodes send to hosts without a node.
///
/// Such a host may receive:
///
/// - Answers, each no longer than the question that came from there. Updates about the asking
///   member do not count, nor does the label while the cluster changes it.
/// - Pings of members announced there, from nodes that do not require keys, or if news is forged.
///   They carry no gossip. Their number is at most that of the pings of all probes, plus a few for
///   each address and for each datagram from outside.
#[derive(Debug, Default)]
pub struct Drawn {
    members: BTreeSet<IpAddr>,
    hosts: Vec<Asked>,
    /// Addresses without a node to which something was sent.
    outside: BTreeSet<SocketAddr>,
    /// Datagrams that no node sent, and unasked datagrams to hosts without a node.
    came: u64,
    drawn: u64,
    /// How often such a member was suspected, in all views: each view asks it then.
    suspected: u64,
    /// Messages for single members that applications sent, and those that went to no node.
    told: u64,
    messages: u64,
    forged: bool,
    opener: Opener,
}

/// The questions that a node may answer.
#[derive(Debug, Default)]
struct Asked {
    /// By the address of the answer.
    questions: BTreeMap<SocketAddr, Vec<Question>>,
    first_started: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    bytes: usize,
    /// The node was asked to ping another one, and sent a nack. The ack may still come.
    nacked: bool,
}

/// The contents of a datagram.
#[derive(Debug, Default)]
struct Contents {
    pings: usize,
    acks: usize,
    nacks: usize,
    news: usize,
    /// Bytes of the updates.
    news_bytes: usize,
    messages: u64,
    /// Another message, or an error.
    other: Option<String>,
}

/// The most answers owed at one address. Older ones have expired.
const OWED_MAX: usize = 256;

/// The most updates in an answer: a suspect, failed or departed member learns of its state and its
/// accuser, however short its ping is.
const NOTES_MAX: usize = 2;

impl Drawn {
    /// Whether a datagram answers a question and is no longer, apart from updates about the asking
    /// member.
    fn is_answer(&mut self, host: usize, to: SocketAddr, size: usize, holds: &Contents) -> bool {
        let Contents { pings, acks, nacks, news, news_bytes, messages, other } = holds;
        if *pings > 0 || *messages > 0 || other.is_some() || acks + nacks != 1 || *news > NOTES_MAX
        {
            return false;
        }
        let Some(owed) = of_host(&mut self.hosts, host).questions.get_mut(&to) else {
            return false;
        };
        let is_nack = *nacks == 1;
        let size = size.saturating_sub(*news_bytes);
        let fits = |asked: &Question| asked.bytes >= size && !(is_nack && asked.nacked);
        let fitting = owed.iter().enumerate().filter(|(_, asked)| fits(asked));
        let Some((place, _)) = fitting.min_by_key(|(_, asked)| asked.bytes) else {
            return false;
        };
        if is_nack {
            owed[place].nacked = true;
        } else {
            owed.swap_remove(place);
        }
        true
    }

    /// The contents of a datagram from a node with this configuration.
    fn read(&mut self, config: &Config, payload: &[u8]) -> Contents {
        let mut holds = Contents::default();
        let opened = self.opener.packet(config, payload, &mut |message| match message {
            Ok(Message::Ping(_) | Message::IndirectPing(_)) => holds.pings += 1,
            Ok(Message::Ack(_)) => holds.acks += 1,
            Ok(Message::Nack { .. }) => holds.nacks += 1,
            Ok(Message::User(_)) => holds.messages += 1,
            Ok(message @ Message::Update(_)) => {
                holds.news += 1;
                holds.news_bytes += match config.wire {
                    Wire::Swim => message.encoded_len(),
                    Wire::Memberlist => memberlist::encoded_len(&message),
                };
            }
            Ok(message) => holds.other = Some(message.kind().to_string()),
            Err(reason) => holds.other = Some(reason.to_string()),
        });
        if let Err(reason) = opened {
            holds.other = Some(reason.to_string());
        }
        holds
    }

    /// The most datagrams that all nodes together may have sent to hosts without a node, besides
    /// answers.
    fn drawn_max(&self, now: Instant, config: &Config) -> u64 {
        /// For each datagram that made a member up: the member is checked, informed, and asked once
        /// more.
        const OF_EACH: u64 = 4;
        /// To each address from each node at once, ...
        const TRIES: u64 = 3;
        /// ... and then as often as this.
        const QUIET: Duration = Duration::from_secs(60);
        let (mut probed, mut asked) = (0, 0);
        for started in self.hosts.iter().filter_map(|host| host.first_started) {
            // A node's clock may run twice as fast.
            let time = (now - started) * 2;
            let times = |every: Duration| {
                u64::try_from(time.as_nanos() / every.as_nanos().max(1)).unwrap_or(u64::MAX)
            };
            probed += times(config.probe_interval) + 1;
            asked += times(QUIET) + TRIES;
        }
        // The ping itself, those on behalf of the prober, and one to a lost member.
        let of_a_probe = config.indirect_probes as u64 + 2;
        let of_addresses = asked * self.outside.len() as u64;
        probed * of_a_probe + of_addresses + self.came * OF_EACH + self.suspected
    }
}

impl Checker for Drawn {
    fn name(&self) -> &'static str {
        "what is drawn"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        self.members.insert(by.node.config().address.ip());
        of_host(&mut self.hosts, by.host).first_started.get_or_insert(by.at);
        Ok(())
    }

    fn question(&mut self, host: usize, answered_at: SocketAddr, bytes: usize) {
        self.came += 1;
        if self.members.contains(&answered_at.ip()) {
            return;
        }
        let owed = of_host(&mut self.hosts, host).questions.entry(answered_at).or_default();
        if owed.len() == OWED_MAX {
            owed.remove(0);
        }
        owed.push(Question { bytes, nacked: false });
    }

    fn event(&mut self, _by: &Sight<'_>, event: &Event) -> Verdict {
        if let Event::Suspected { member, .. } = event {
            self.suspected += u64::from(!self.members.contains(&member.address.ip()));
        }
        Ok(())
    }

    fn sent(&mut self, _by: &Sight<'_>, sent: &Sent<'_>) -> Verdict {
        self.told += u64::from(matches!(sent, Sent::Message { .. }));
        Ok(())
    }

    fn forged(&mut self) {
        self.forged = true;
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        if self.members.contains(&to.ip()) {
            return Ok(());
        }
        let (config, size) = (by.node.config(), payload.len());
        let holds = self.read(config, payload);
        let label = config.label_also.as_ref().map_or(0, |_| config.label.len());
        if self.is_answer(by.host, to, size.saturating_sub(label), &holds) {
            return Ok(());
        }
        // Made-up members are pinged, and informed of their state.
        let may_ask = !requires_seals(config) || self.forged;
        let asks = holds.other.is_none() && holds.pings <= 1 && holds.acks + holds.nacks == 0;
        // So are members whose name another node has taken. They also get the messages for it.
        self.messages += holds.messages;
        let asks = asks && self.messages <= self.told;
        expect(may_ask && asks && holds.news <= NOTES_MAX, || {
            format!(
                "{size} bytes to {to}, where nobody is, and no such question came from: {holds:?}"
            )
        })?;
        self.outside.insert(to);
        self.drawn += 1;
        let max = self.drawn_max(by.at, config);
        expect(self.drawn <= max, || {
            let Drawn { drawn, came, .. } = self;
            format!("{drawn} datagrams to where nobody is, drawn by {came}; {max} are the most")
        })
    }
}
