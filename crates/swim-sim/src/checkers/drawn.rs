//! What members send to hosts of nobody.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use swim_core::wire::{Message, Wire, memberlist};
use swim_core::{Config, Event, Instant};

use super::{Checker, Sent, Sight, Verdict, expect, of_host};
use crate::contents::{Opener, requires_seals};

/// To a host that runs no node, a node sends answers, each no longer than the question that came
/// from there, but for what it believes of the one who asks, and, while the cluster moves to
/// another label, for its label. A node with keys that are required sends nothing else. Others also
/// ping the members that somebody announced there: no gossip goes along, and no more pings go there
/// than all probes, and a few for each address and datagram of the one who made them up.
#[derive(Debug, Default)]
pub struct Drawn {
    members: BTreeSet<IpAddr>,
    hosts: Vec<Asked>,
    /// Where no node is, and something was sent.
    outside: BTreeSet<SocketAddr>,
    /// Datagrams that came from nobody, and those that were sent to nobody without a question.
    came: u64,
    drawn: u64,
    /// How often such a member was suspected, in all views: each view asks it itself then.
    suspected: u64,
    /// Messages for single members that applications sent, and those that went to nobody.
    told: u64,
    messages: u64,
    forged: bool,
    opener: Opener,
}

/// What a node may answer.
#[derive(Debug, Default)]
struct Asked {
    /// By where the answer goes.
    questions: BTreeMap<SocketAddr, Vec<Question>>,
    first_started: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    bytes: usize,
    /// Somebody was asked to ping another, and said that there is no answer yet. It may still come.
    nacked: bool,
}

/// What a datagram holds.
#[derive(Debug, Default)]
struct Contents {
    pings: usize,
    acks: usize,
    nacks: usize,
    news: usize,
    /// The bytes of the news.
    news_bytes: usize,
    messages: u64,
    /// Something else.
    other: Option<String>,
}

/// So many answers are owed at one address, at most. Older ones are over.
const OWED_MAX: usize = 256;

/// Who is suspected, failed or gone is told so, and by whom, however short its ping is.
const NOTES_MAX: usize = 2;

impl Drawn {
    /// Whether a datagram answers a question, and is no longer, but for what the one who asks is
    /// told of itself.
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

    /// What is in a datagram that a node with this configuration sends.
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

    /// How many datagrams all nodes together may have sent to nobody by now, besides answers.
    fn drawn_max(&self, now: Instant, config: &Config) -> u64 {
        /// Of each datagram that made somebody up: it is checked, told, and asked for once more.
        const OF_EACH: u64 = 4;
        /// To each address from each node at once, ...
        const TRIES: u64 = 3;
        /// ... and then as often as this.
        const QUIET: Duration = Duration::from_secs(60);
        let (mut probed, mut asked) = (0, 0);
        for started in self.hosts.iter().filter_map(|host| host.first_started) {
            // Clocks may run twice as fast.
            let time = (now - started) * 2;
            let times = |every: Duration| {
                u64::try_from(time.as_nanos() / every.as_nanos().max(1)).unwrap_or(u64::MAX)
            };
            probed += times(config.probe_interval) + 1;
            asked += times(QUIET) + TRIES;
        }
        // The ping itself, those on behalf of the prober, and one of somebody who is lost.
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
        // Members that somebody made up are pinged, and told what is believed of them.
        let may_ask = !requires_seals(config) || self.forged;
        let asks = holds.other.is_none() && holds.pings <= 1 && holds.acks + holds.nacks == 0;
        // So are those whose name somebody else has taken; they get the messages for it, too.
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
