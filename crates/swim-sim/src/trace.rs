//! The record of a run: a digest of everything, counters, and the events of each node.

use core::fmt;
use core::hash::Hasher;
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use siphasher::sip::SipHasher13;
use swim_core::{Answer, Event, Failure, Instant, Member, RequestId, StreamInput, StreamOp};

/// An event of one node, with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The world's time of the event.
    pub at: Instant,
    /// The life of the process: 0 for the first, one more with each restart.
    pub life: u32,
    /// The event.
    pub event: Event,
}

/// Counters of the network since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Datagrams sent.
    pub packets: u64,
    /// Their bytes.
    pub packet_bytes: u64,
    /// Datagrams that a process received.
    pub packets_delivered: u64,
    /// Datagrams lost by chance.
    pub packets_lost: u64,
    /// Datagrams stopped by a cut or block.
    pub packets_cut: u64,
    /// Datagrams to an address at which no process runs.
    pub packets_to_nobody: u64,
    /// Datagrams dropped because the socket of a stalled process or a driver was full.
    pub packets_overflowed: u64,
    /// Datagrams that arrived twice. Both copies count in the other counters from then on.
    pub packets_duplicated: u64,
    /// Datagrams delayed so that others overtake them.
    pub packets_reordered: u64,
    /// Datagrams dropped by the full queue of their sender: see [`Bandwidth`](crate::Bandwidth).
    pub packets_throttled: u64,
    /// Times that a clogged link held a datagram.
    pub packets_clogged: u64,
    /// Streams that nodes asked for.
    pub streams: u64,
    /// Of those, how many opened.
    pub streams_opened: u64,
    /// Of those that opened, how many the acceptor's node refused.
    pub streams_refused: u64,
    /// Streams that failed: refused, timed out, or reset before the process closed them.
    pub streams_failed: u64,
    /// Times that a cut stopped a piece of a stream or a connection request.
    pub streams_stalled: u64,
    /// Times that a clogged link held a piece of a stream or a connection request.
    pub streams_clogged: u64,
    /// Bytes written to streams.
    pub stream_bytes: u64,
    /// Datagrams of a hostile host. No other counter includes them until they are delivered.
    pub packets_hostile: u64,
    /// Streams of a hostile host, and those of members that it took over.
    pub streams_hostile: u64,
}

/// Hashes and counts everything that happens in the world, in order.
#[derive(Debug)]
pub(crate) struct Trace {
    digest: Option<Sink>,
    requests: Requests,
    pub(crate) traffic: Traffic,
}

/// Numbers requests in the order in which the world first sees them. The digest holds these
/// numbers, so it does not depend on how nodes number requests.
#[derive(Debug, Default)]
struct Requests {
    /// By host, life of its process, and the node's number.
    places: BTreeMap<(u32, u32, RequestId), u64>,
}

impl Requests {
    fn place(&mut self, host: u32, life: u32, id: RequestId) -> u64 {
        let next = self.places.len() as u64;
        *self.places.entry((host, life, id)).or_insert(next)
    }
}

/// The kinds of entries in the digest. Each starts with its own byte, so that different sequences
/// have different input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark {
    Start = 1,
    Down,
    Off,
    Pause,
    Resume,
    ClockJump,
    Command,
    Timer,
    Accept,
    Inject,
    StallTimersFirst,
    StallHeldIo,
    Drift,
    /// A driver takes a turn.
    Turn,
    /// A driver learns that its write has completed.
    Written,
    /// A driver gets the result of a lookup.
    Lookup,
}

const PACKET_IN: u8 = 32;
const PACKET_OUT: u8 = 33;
const STREAM_IN: u8 = 34;
const STREAM_OUT: u8 = 35;
const EVENT: u8 = 36;
const ANSWER: u8 = 37;

impl Trace {
    pub(crate) fn new(digest: bool) -> Self {
        Trace {
            digest: digest.then(|| Sink(SipHasher13::new())),
            requests: Requests::default(),
            traffic: Traffic::default(),
        }
    }

    pub(crate) fn digest(&self) -> Option<u64> {
        self.digest.as_ref().map(|sink| sink.0.finish())
    }

    pub(crate) fn mark(&mut self, at: Instant, host: u32, mark: Mark) {
        if let Some(sink) = &mut self.digest {
            sink.head(mark as u8, at, host, 0);
        }
    }

    /// Hashes a delivery. The content was hashed when the datagram was sent, with this number.
    pub(crate) fn packet_in(&mut self, at: Instant, host: u32, number: u64) {
        if let Some(sink) = &mut self.digest {
            sink.head(PACKET_IN, at, host, number);
        }
    }

    pub(crate) fn packet_out(&mut self, at: Instant, host: u32, to: SocketAddr, payload: &[u8]) {
        if let Some(sink) = &mut self.digest {
            sink.head(PACKET_OUT, at, host, payload.len() as u64);
            sink.address(to);
            sink.0.write(payload);
        }
    }

    pub(crate) fn stream_in(&mut self, at: Instant, host: u32, id: u64, input: StreamInput<'_>) {
        if let Some(sink) = &mut self.digest {
            sink.head(STREAM_IN, at, host, id);
            match input {
                StreamInput::Opened => sink.0.write(&[0]),
                StreamInput::Certified(names) => {
                    names.iter().for_each(|name| sink.bytes(4, name.as_str().as_bytes()));
                }
                StreamInput::Data(bytes) => sink.bytes(1, bytes),
                StreamInput::Finished => sink.0.write(&[2]),
                StreamInput::Failed(_) => sink.0.write(&[3]),
            }
        }
    }

    pub(crate) fn stream_out(&mut self, at: Instant, host: u32, id: u64, op: &StreamOp) {
        if let Some(sink) = &mut self.digest {
            sink.head(STREAM_OUT, at, host, id);
            match op {
                StreamOp::Open { to } => sink.address(*to),
                StreamOp::Send(bytes) => sink.bytes(1, bytes),
                StreamOp::Finish => sink.0.write(&[2]),
                StreamOp::Abort => sink.0.write(&[3]),
                StreamOp::Close => sink.0.write(&[4]),
            }
        }
    }

    /// Hashes the result of a lookup that a driver gets.
    pub(crate) fn lookup(
        &mut self,
        at: Instant,
        host: u32,
        result: &Result<Vec<SocketAddr>, String>,
    ) {
        if let Some(sink) = &mut self.digest {
            sink.head(Mark::Lookup as u8, at, host, result.is_ok().into());
            for address in result.iter().flatten() {
                sink.address(*address);
            }
        }
    }

    /// Numbers a request. It is hashed with its answer.
    pub(crate) fn request(&mut self, host: u32, life: u32, id: RequestId) {
        if self.digest.is_some() {
            self.requests.place(host, life, id);
        }
    }

    /// Hashes the answer to a request.
    pub(crate) fn answer(
        &mut self,
        at: Instant,
        host: u32,
        life: u32,
        request: RequestId,
        result: &Result<Answer, Failure>,
    ) {
        if let Some(sink) = &mut self.digest {
            sink.head(ANSWER, at, host, self.requests.place(host, life, request));
            sink.debug(result);
        }
    }

    pub(crate) fn event(&mut self, at: Instant, host: u32, event: &Event) {
        if let Some(sink) = &mut self.digest {
            sink.head(EVENT, at, host, 0);
            // The debug form has every field of every kind of event, also of future kinds.
            sink.debug(event);
        }
    }
}

/// Hashes bytes and text. Numbers are little-endian with a fixed width, so that the digest is the
/// same on every machine.
#[derive(Debug)]
struct Sink(SipHasher13);

impl Sink {
    fn head(&mut self, kind: u8, at: Instant, host: u32, detail: u64) {
        let mut head = [0; 21];
        head[0] = kind;
        head[1..9].copy_from_slice(&at.as_nanos().to_le_bytes());
        head[9..13].copy_from_slice(&host.to_le_bytes());
        head[13..].copy_from_slice(&detail.to_le_bytes());
        self.0.write(&head);
    }

    fn address(&mut self, address: SocketAddr) {
        match address.ip() {
            IpAddr::V4(ip) => self.0.write(&ip.octets()),
            IpAddr::V6(ip) => self.0.write(&ip.octets()),
        }
        self.0.write(&address.port().to_le_bytes());
    }

    fn debug(&mut self, value: &impl fmt::Debug) {
        fmt::write(self, format_args!("{value:?}")).expect("hashing cannot fail");
    }

    fn bytes(&mut self, kind: u8, bytes: &[u8]) {
        self.0.write(&[kind]);
        self.0.write(&(bytes.len() as u64).to_le_bytes());
        self.0.write(bytes);
    }
}

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// The member in an event, if the event is a change to one.
pub(crate) fn event_member(event: &Event) -> Option<&Member> {
    let is_change = !matches!(event, Event::DatagramsBlocked { .. } | Event::StreamsBlocked { .. });
    event.member().filter(|_| is_change)
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn the_digest_depends_on_order_and_can_be_switched_off() {
        let run = |hosts: [u32; 2]| {
            let mut trace = Trace::new(true);
            for host in hosts {
                trace.mark(Instant::ORIGIN, host, Mark::Start);
            }
            trace.digest()
        };
        assert_eq!(run([0, 1]), run([0, 1]));
        assert_ne!(run([0, 1]), run([1, 0]));
        assert_eq!(Trace::new(false).digest(), None);
    }

    #[test]
    fn the_digest_knows_requests_apart_whatever_a_node_calls_them() {
        let run = |given: [u64; 2], answered: [u64; 2]| {
            let mut trace = Trace::new(true);
            for id in given {
                trace.request(0, 0, RequestId(id));
            }
            for id in answered {
                trace.answer(Instant::ORIGIN, 0, 0, RequestId(id), &Ok(Answer::Left));
            }
            trace.digest()
        };
        assert_eq!(run([1, 2], [2, 1]), run([30, 7], [7, 30]));
        assert_ne!(run([1, 2], [2, 1]), run([1, 2], [1, 2]));
        assert_ne!(run([1, 2], [2, 1]), run([1, 2], [2, 2]));
    }
}
