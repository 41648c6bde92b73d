//! Everything stays within its limit.

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use swim_core::{Answer, Config, Event, Failure, RequestId, StreamId, StreamInput, StreamOp};

use super::{Checker, Sight, Verdict, expect, of_host};
use crate::contents::{Opener, Part, Talk};
use crate::trace::event_member;

/// Checks that all packets, queues, tables and streams of a node stay within its [`Config`].
///
/// - Packets stay within `packet_size_max`. They hold whole messages of the node's own format,
///   sealed if it seals.
/// - Queued updates and broadcasts, listed and lost members, pending requests, incoming streams in
///   total and per source, members' metadata, and local health stay within their limits.
/// - The node writes to a stream a header and whole frames, or one whole message on memberlist's
///   wire.
/// - Each stream ends once: by an operation of the node, or because it failed. The node keeps no
///   ended stream and forgets no open one. Nor does its host keep an ended one.
#[derive(Debug, Default)]
pub struct Limits {
    hosts: Vec<Used>,
    opener: Opener,
}

#[derive(Debug, Default)]
struct Used {
    streams: BTreeMap<StreamId, Open>,
    requests: usize,
    packets: u32,
}

/// A stream, by the node's operations so far.
#[derive(Debug)]
struct Open {
    /// The peer's address, if the peer opened it.
    source: Option<IpAddr>,
    /// The node will write nothing further.
    finished: bool,
    /// Nor will the peer.
    heard_end: bool,
    talk: Talk,
}

impl Open {
    fn new(source: Option<IpAddr>) -> Self {
        Open { source, finished: false, heard_end: false, talk: Talk::default() }
    }
}

/// One packet in so many is read. For the rest, only the size is checked.
const READ_ONE_IN: u32 = 8;

impl Checker for Limits {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        *of_host(&mut self.hosts, by.host) = Used::default();
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let (size, max) =
            (event_member(event).map(|m| m.meta.len()), by.node.config().meta_size_max);
        expect(size.is_none_or(|size| size <= max), || {
            format!("metadata of {size:?} bytes, meta_size_max is {max}: {event:?}")
        })
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        let (size, max) = (payload.len(), by.node.config().packet_size_max);
        expect(size <= max, || {
            format!("a packet of {size} bytes to {to}, packet_size_max is {max}")
        })?;
        let used = of_host(&mut self.hosts, by.host);
        used.packets = used.packets.wrapping_add(1);
        if !used.packets.is_multiple_of(READ_ONE_IN) {
            return Ok(());
        }
        let (mut count, mut unread) = (0, None);
        let opened = self.opener.packet(by.node.config(), payload, &mut |message| {
            count += 1;
            unread = unread.or(message.err());
        });
        opened.map_err(|reason| format!("a packet that it could not read itself: {reason}"))?;
        match unread {
            Some(reason) => Err(format!("a message that it could not read: {reason}")),
            None => expect(count > 0, || "a packet without a message".to_owned()),
        }
    }

    fn stream_accepted(&mut self, by: &Sight<'_>, id: StreamId, from: SocketAddr) -> Verdict {
        let used = of_host(&mut self.hosts, by.host);
        used.streams.insert(id, Open::new(Some(from.ip())));
        Ok(())
    }

    fn stream_input(&mut self, by: &Sight<'_>, id: StreamId, input: StreamInput<'_>) -> Verdict {
        let used = of_host(&mut self.hosts, by.host);
        let Some(open) = used.streams.get_mut(&id) else {
            return Err(format!("{id:?}: its host has kept it after its end"));
        };
        match input {
            StreamInput::Opened | StreamInput::Certified(_) => {}
            StreamInput::Data(bytes) => {
                let dialled = open.source.is_none();
                self.opener.overhear(by.node.config(), &mut open.talk, bytes, dialled);
            }
            StreamInput::Finished => open.heard_end = true,
            StreamInput::Failed(_) => {
                used.streams.remove(&id);
            }
        }
        Ok(())
    }

    fn stream_operation(&mut self, by: &Sight<'_>, id: StreamId, operation: &StreamOp) -> Verdict {
        let used = of_host(&mut self.hosts, by.host);
        if let StreamOp::Open { .. } = operation {
            used.streams.insert(id, Open::new(None));
            return Ok(());
        }
        let Some(open) = used.streams.get_mut(&id) else {
            return Err(format!("{id:?}: {} after its end", named(operation)));
        };
        match operation {
            StreamOp::Open { .. } => Ok(()),
            StreamOp::Send(bytes) => {
                expect(!open.finished, || format!("{id:?}: bytes after the end"))?;
                let dialled = open.source.is_none();
                let part = self.opener.stream(by.node.config(), &mut open.talk, bytes, dialled);
                let part = part.map_err(|reason| {
                    format!("{id:?}: it writes what it could not read itself: {reason}")
                })?;
                part.map_or(Ok(()), |part| written_within(part, by.node.config()))
            }
            StreamOp::Finish => {
                let once = !core::mem::replace(&mut open.finished, true);
                expect(once, || format!("{id:?}: finished twice"))?;
                expect(!open.talk.goes_on(), || format!("{id:?}: finished in the middle"))
            }
            StreamOp::Close => {
                let (finished, heard_end) = (open.finished, open.heard_end);
                used.streams.remove(&id);
                expect(finished && heard_end, || format!("{id:?}: closed before both sides ended"))
            }
            StreamOp::Abort => {
                used.streams.remove(&id);
                Ok(())
            }
        }
    }

    fn answer(
        &mut self,
        by: &Sight<'_>,
        _id: RequestId,
        _result: &Result<Answer, Failure>,
    ) -> Verdict {
        let used = of_host(&mut self.hosts, by.host);
        used.requests = used.requests.saturating_sub(1);
        Ok(())
    }

    fn request(&mut self, by: &Sight<'_>, _id: RequestId) -> Verdict {
        let used = of_host(&mut self.hosts, by.host);
        used.requests += 1;
        let (open, max) = (used.requests, by.node.config().requests_max);
        expect(open <= max, || format!("{open} requests, requests_max is {max}"))
    }

    fn turn(&mut self, by: &Sight<'_>) -> Verdict {
        let (config, stats) = (by.node.config(), by.node.stats());
        let within = [
            (stats.updates_queued, config.update_queue_max, "updates queued, update_queue_max"),
            (
                stats.broadcasts_queued,
                config.broadcast_queue_max,
                "broadcasts queued, broadcast_queue_max",
            ),
            (stats.members_live, config.members_max, "live members, members_max"),
            (stats.members_lost, config.lost_members_max, "lost members, lost_members_max"),
            (
                usize::from(stats.health) + 1,
                usize::from(config.awareness_max),
                "health + 1, awareness_max",
            ),
        ];
        for (found, max, what) in within {
            expect(found <= max, || format!("{found} {what} is {max}"))?;
        }
        let used = of_host(&mut self.hosts, by.host);
        let (open, known) = (used.streams.len(), stats.streams_open);
        expect(open == known, || format!("{open} streams have not ended, it knows {known}"))?;
        if used.streams.is_empty() {
            return Ok(());
        }
        used.within(config)
    }
}

impl Used {
    fn within(&self, config: &Config) -> Verdict {
        let incoming = self.streams.values().filter_map(|open| open.source);
        let count = incoming.clone().count();
        let max = config.streams_max;
        expect(count <= max, || format!("{count} incoming streams, streams_max is {max}"))?;
        if count <= config.streams_per_source_max {
            return Ok(());
        }
        let mut by_source = BTreeMap::<IpAddr, usize>::new();
        for source in incoming {
            *by_source.entry(source).or_default() += 1;
        }
        let max = config.streams_per_source_max;
        let most = by_source.into_iter().max_by_key(|(_, count)| *count);
        expect(most.is_none_or(|(_, count)| count <= max), || {
            format!("incoming streams {most:?}, streams_per_source_max is {max}")
        })
    }
}

fn named(operation: &StreamOp) -> &'static str {
    match operation {
        StreamOp::Open { .. } => "opened",
        StreamOp::Send(_) => "bytes",
        StreamOp::Finish => "finished",
        StreamOp::Close => "closed",
        StreamOp::Abort => "aborted",
    }
}

/// Checks that the messages a node writes to a stream stay within their limits.
fn written_within(part: Part, config: &Config) -> Verdict {
    let (size, max) = match part {
        Part::User(size) => (size, config.reliable_size_max),
        Part::PushPull(user_state) => (user_state, config.user_state_size_max),
        Part::Other => return Ok(()),
    };
    expect(size <= max, || format!("{size} bytes in a stream, at most {max} are allowed"))
}
