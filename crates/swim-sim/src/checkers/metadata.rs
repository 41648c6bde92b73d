//! One metadata per incarnation.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use bytes::Bytes;
use swim_core::wire::{Claim, Message, Update};
use swim_core::{Config, Event, Incarnation, Name, State, StreamId, StreamInput, StreamOp};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::contents::{Opener, Talk};

/// Checks that a node announces one metadata per incarnation, and that peers believe that one.
///
/// This holds during the life of a process. Peers also send only this metadata in packets and
/// tables. Members are distinguished by name and address: two nodes with one name are two members.
///
/// Exemptions:
///
/// - A process that restarts at an equal incarnation may announce other metadata. Peers may then
///   believe either, until the process hears of its past and outranks it.
/// - At the highest incarnation, which cannot rise, metadata may change.
/// - If a test forges news, peers may believe anything.
#[derive(Debug, Default)]
pub struct Metadata {
    /// The present announcement of each host's node.
    own: Vec<Option<(Incarnation, Bytes)>>,
    announced: BTreeMap<(Name, SocketAddr), Announced>,
    opener: Opener,
    /// The streams of each host, and whether it opened them.
    streams: Vec<BTreeMap<StreamId, (Talk, bool)>>,
    /// News is forged: believed metadata need not have been announced.
    forged: bool,
}

/// Members are distinguished by name and address.
type Who = (Name, SocketAddr);

/// One member's announcements by incarnation. There are several if it was restarted there.
type Announced = BTreeMap<Incarnation, Vec<Bytes>>;

impl Metadata {
    fn announces(&mut self, by: &Sight<'_>, incarnation: Incarnation, meta: &Bytes) {
        let config = by.node.config();
        let announced = self.announced.entry((config.name.clone(), config.address)).or_default();
        note(announced, incarnation, meta);
        *of_host(&mut self.own, by.host) = Some((incarnation, meta.clone()));
    }

    /// Checks a node's claims about peers, and notes its claims about itself.
    fn hear(&mut self, config: &Config, told: Vec<(Who, Incarnation, Bytes)>) -> Verdict {
        for (who, incarnation, meta) in told {
            if who.0 == config.name && who.1 == config.address {
                note(self.announced.entry(who).or_default(), incarnation, &meta);
                continue;
            }
            expect(self.may_be(&who, incarnation, &meta), || {
                let name = &who.0;
                format!("it says that {name} announced {meta:?} at {incarnation}, which never did")
            })?;
        }
        Ok(())
    }

    /// Whether a member may have announced this.
    fn may_be(&self, who: &(Name, SocketAddr), incarnation: Incarnation, meta: &[u8]) -> bool {
        let Some(announced) = self.announced.get(who) else {
            return true;
        };
        // A node may raise its incarnation twice in a turn. The one in between was never seen, and
        // had the metadata of a neighbour.
        let mut before = announced.range(..=incarnation).rev();
        let near = before.next().into_iter().chain(announced.range(incarnation..).next());
        let mut found = near.flat_map(|(_, metas)| metas).peekable();
        let unknown = found.peek().is_none() || self.forged || incarnation == Incarnation::MAX;
        unknown || found.any(|known| known == meta)
    }
}

fn note(announced: &mut Announced, incarnation: Incarnation, meta: &[u8]) {
    let of_incarnation = announced.entry(incarnation).or_default();
    if !of_incarnation.iter().any(|known| known == meta) {
        of_incarnation.push(Bytes::copy_from_slice(meta));
    }
}

impl Checker for Metadata {
    fn name(&self) -> &'static str {
        "one metadata per incarnation"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        of_host(&mut self.streams, by.host).clear();
        let local = by.node.local().to_member();
        self.announces(by, local.incarnation, &local.meta);
        Ok(())
    }

    fn event(&mut self, _by: &Sight<'_>, event: &Event) -> Verdict {
        match event {
            // Only these carry an announcement: an accusation may raise the incarnation alone.
            Event::Joined { member, .. }
            | Event::Updated { member, .. }
            | Event::Refuted { member, .. } => {
                let who = (member.name.clone(), member.address);
                expect(self.may_be(&who, member.incarnation, &member.meta), || {
                    let swim_core::Member { name, incarnation, meta, .. } = member;
                    format!(
                        "{name} is believed to announce {meta:?} at {incarnation}, and never did"
                    )
                })
            }
            _ => Ok(()),
        }
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        let config = by.node.config();
        let mut told = Vec::new();
        let opened = self.opener.packet(config, payload, &mut |message| {
            if let Ok(Message::Update(Update { name, incarnation, claim })) = message
                && let Claim::Alive { address, meta, .. } = claim
                // A claim that the member has to outrank is sent to it without metadata.
                && (address != to || !meta.is_empty())
                && let Ok(name) = Name::new(name)
            {
                told.push(((name, address), incarnation, Bytes::copy_from_slice(meta)));
            }
        });
        // A packet that cannot be read is a matter for the checker of limits.
        let Ok(()) = opened else { return Ok(()) };
        self.hear(config, told)
    }

    fn stream_accepted(&mut self, by: &Sight<'_>, id: StreamId, _from: SocketAddr) -> Verdict {
        of_host(&mut self.streams, by.host).insert(id, (Talk::default(), false));
        Ok(())
    }

    fn stream_input(&mut self, by: &Sight<'_>, id: StreamId, input: StreamInput<'_>) -> Verdict {
        let streams = of_host(&mut self.streams, by.host);
        match input {
            StreamInput::Data(bytes) => {
                if let Some((talk, dialled)) = streams.get_mut(&id) {
                    self.opener.overhear(by.node.config(), talk, bytes, *dialled);
                }
            }
            StreamInput::Failed(_) => {
                streams.remove(&id);
            }
            _ => {}
        }
        Ok(())
    }

    fn stream_operation(&mut self, by: &Sight<'_>, id: StreamId, operation: &StreamOp) -> Verdict {
        let (config, streams) = (by.node.config(), of_host(&mut self.streams, by.host));
        let bytes = match operation {
            StreamOp::Open { .. } => {
                streams.insert(id, (Talk::default(), true));
                return Ok(());
            }
            StreamOp::Close | StreamOp::Abort => {
                streams.remove(&id);
                return Ok(());
            }
            StreamOp::Send(bytes) => bytes,
            StreamOp::Finish => return Ok(()),
        };
        let Some((talk, dialled)) = streams.get_mut(&id) else {
            return Ok(());
        };
        let mut told = Vec::new();
        // A stream that cannot be read is a matter for the checker of limits.
        let _ = self.opener.stream_with(config, talk, bytes, *dialled, &mut |member| {
            if let (State::Alive, Ok(name)) = (member.state, Name::new(member.name)) {
                let who = (name, member.address);
                told.push((who, member.incarnation, Bytes::copy_from_slice(member.meta)));
            }
        });
        self.hear(config, told)
    }

    fn forged(&mut self) {
        self.forged = true;
    }

    fn command(&mut self, by: &Sight<'_>) -> Verdict {
        // Before its news reaches any peer.
        self.turn(by)
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let local = by.node.local();
        let Some((incarnation, meta)) = of_host(&mut self.own, by.host) else {
            return Ok(());
        };
        let same = *meta == local.meta;
        if same && *incarnation == local.incarnation {
            return Ok(());
        }
        let rose = local.incarnation > *incarnation || local.incarnation == Incarnation::MAX;
        let verdict = expect(same || rose, || {
            format!("it announces {:?} after {meta:?}, both at {incarnation}", local.meta)
        });
        let meta = if same { meta.clone() } else { Bytes::copy_from_slice(local.meta) };
        self.announces(by, local.incarnation, &meta);
        verdict
    }
}
