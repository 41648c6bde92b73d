//! Response streams: events for a client, and this node's own events for a peer.

use std::convert::Infallible;
use std::sync::Arc;

use example_http::Body;
use futures_lite::stream::unfold;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use swim_driver::{Bytes, Elapsed};

use crate::broker::{ClientKey, Waiting};
use crate::frame::{HEARTBEAT, Position};
use crate::log::Next;
use crate::passed::{Passed, Writer};
use crate::service::Shared;

/// Most events per write to a peer.
const PASSED_AT_ONCE_MAX: usize = 64;

/// A listening client. Dropping this, when its connection ends, frees its identifier.
struct Listening {
    shared: Arc<Shared>,
    key: ClientKey,
    waiting: Waiting,
    /// There are more frames to take.
    more: bool,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shared.broker().unsubscribe(self.key);
    }
}

/// Returns the stream for a client of a channel, or `None` if the identifier is taken.
pub(crate) fn listen(
    shared: &Arc<Shared>,
    channel: &str,
    id: &str,
    stands: Option<Position>,
) -> Option<Body> {
    let (key, waiting) = shared.broker().subscribe(channel, id, stands)?;
    let listening = Listening { shared: Arc::clone(shared), key, waiting, more: false };
    Some(stream_of(unfold(listening, |mut it| async move { Some((it.next().await?, it)) })))
}

impl Listening {
    async fn next(&mut self) -> Option<Bytes> {
        let Shared { runtime, settings, .. } = &*self.shared;
        loop {
            if !self.more {
                match runtime.timeout(settings.heartbeat, self.waiting.recv()).await {
                    Ok(Ok(())) => {}
                    // The node stops.
                    Ok(Err(_)) => return None,
                    Err(Elapsed) => return Some(HEARTBEAT.into()),
                }
            }
            let (frames, more) = self.shared.broker().take_frames(self.key);
            self.more = more;
            if !frames.is_empty() {
                return Some(frames.into());
            }
        }
    }
}

/// A peer that follows this node's own events.
struct Following {
    shared: Arc<Shared>,
    key: u64,
    waiting: Waiting,
    writer: Writer,
    /// How far the peer has read.
    stands: (u64, u64),
    /// Whether the start was sent.
    begun: bool,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.shared.broker().unfollow(self.key);
    }
}

/// Returns the stream for a peer at this position, sealed for the challenge that it drew.
pub(crate) fn pass_on(shared: &Arc<Shared>, stands: (u64, u64), challenge: u64) -> Body {
    let (key, waiting) = shared.broker().follow();
    let writer = Writer::new(shared.settings.key.as_ref(), challenge);
    let shared = Arc::clone(shared);
    let following = Following { shared, key, waiting, writer, stands, begun: false };
    stream_of(unfold(following, |mut it| async move { Some((it.next().await?, it)) }))
}

impl Following {
    async fn next(&mut self) -> Option<Bytes> {
        let mut told = Vec::new();
        if !std::mem::replace(&mut self.begun, true) {
            let begins = self.begin();
            self.writer.write(&self.shared.runtime, &begins, &mut told);
        }
        self.add_events(&mut told);
        while told.is_empty() {
            let Shared { runtime, settings, .. } = &*self.shared;
            match runtime.timeout(settings.heartbeat, self.waiting.recv()).await {
                Ok(Ok(())) => self.add_events(&mut told),
                // The node stops.
                Ok(Err(_)) => return None,
                Err(Elapsed) => {
                    self.writer.write(&self.shared.runtime, &Passed::Heartbeat, &mut told);
                }
            }
        }
        Some(told.into())
    }

    /// Returns where the peer starts: after the events that it has, or at the first event kept.
    fn begin(&mut self) -> Passed {
        let broker = self.shared.broker();
        let (life, newest) = broker.own_position();
        let stands = Some(self.stands).filter(|&(of, _)| of == life);
        let last = match broker.own_after(stands) {
            Next::Entries(entry) => entry.number - 1,
            Next::Gap { position, .. } => position.1,
            Next::Nothing => newest,
        };
        self.stands = (life, last);
        Passed::From { life, last }
    }

    fn add_events(&mut self, told: &mut Vec<u8>) {
        for _ in 0..PASSED_AT_ONCE_MAX {
            let passed = match self.shared.broker().own_after(Some(self.stands)) {
                Next::Nothing => return,
                Next::Entries(entry) => {
                    self.stands.1 = entry.number;
                    Passed::event(entry)
                }
                // The peer was so slow that the next events are no longer kept.
                Next::Gap { position, .. } => {
                    self.stands = position;
                    Passed::From { life: position.0, last: position.1 }
                }
            };
            self.writer.write(&self.shared.runtime, &passed, told);
        }
    }
}

fn stream_of(stream: impl futures_lite::Stream<Item = Bytes> + Send + 'static) -> Body {
    use futures_lite::StreamExt;
    StreamBody::new(stream.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)))).boxed_unsync()
}
