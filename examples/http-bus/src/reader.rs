//! The stream of messages for one reader.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_listener::EventListener;
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use swim_driver::Bytes;

use crate::bus::Found;
use crate::settings::Flaw;
use crate::shared::Shared;

/// Streams the log as the body of a response: lines of JSON, from one number on.
///
/// Nothing is queued for a reader. It takes the next line from the log when there is room to write
/// it. So a slow reader costs a buffer of fixed size and falls behind. When the next message has
/// expired, the reader gets a last line with that reason.
pub(crate) struct Reader {
    shared: Arc<Shared>,
    from: IpAddr,
    next: u64,
    stage: Stage,
    news: Option<EventListener>,
    heartbeat: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was sent yet.
    Head,
    /// The head was sent, but no message. Messages missing here may have expired long ago.
    First,
    Running,
    Ended,
}

impl Reader {
    /// Admits a reader at this address that wants the messages after number `since`.
    ///
    /// # Errors
    ///
    /// The reason why there are too many readers.
    pub(crate) fn new(shared: Arc<Shared>, from: IpAddr, since: u64) -> Result<Self, String> {
        shared.add_reader(from)?;
        let skipped = u64::from(shared.settings.flaw == Flaw::ReaderSkips && since > 0);
        let next = since.saturating_add(1 + skipped);
        Ok(Reader { shared, from, next, stage: Stage::Head, news: None, heartbeat: None })
    }

    /// Returns the next line, if there is one.
    fn line(&mut self) -> Option<Bytes> {
        if self.stage == Stage::Head {
            self.stage = Stage::First;
            let head = self.shared.look(|bus| {
                let life = format!("{:016x}", bus.own().life);
                json!({ "node": &*bus.own().name, "life": life, "last": bus.last() })
            });
            return Some(line(&head));
        }
        match self.shared.look(|bus| bus.read(self.next)) {
            Found::Message(message) => {
                let line = message.line(self.next);
                self.next += 1;
                self.stage = Stage::Running;
                Some(line)
            }
            Found::Gap(next) if self.stage == Stage::First => {
                let missed = json!({ "expired": { "from": self.next, "to": next - 1 } });
                self.next = next;
                self.stage = Stage::Running;
                Some(line(&missed))
            }
            Found::Gap(_) => Some(self.end("too slow: the next message has expired")),
            Found::Nothing => {
                self.shared.is_stopping().then(|| self.end("the node is leaving the cluster"))
            }
        }
    }

    fn end(&mut self, why: &str) -> Bytes {
        self.stage = Stage::Ended;
        line(&json!({ "end": why, "since": self.next - 1 }))
    }
}

fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}

impl Body for Reader {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.stage == Stage::Ended {
            return Poll::Ready(None);
        }
        loop {
            // Listen first, so that a message appended between the look and the wait is not missed.
            let mut news = match self.news.take() {
                Some(news) => news,
                None => self.shared.news.listen(),
            };
            if let Some(line) = self.line() {
                self.heartbeat = None;
                return Poll::Ready(Some(Ok(Frame::data(line))));
            }
            if Pin::new(&mut news).poll(cx).is_pending() {
                self.news = Some(news);
                break;
            }
        }
        let shared = Arc::clone(&self.shared);
        let heartbeat = self
            .heartbeat
            .get_or_insert_with(|| Box::pin(shared.runtime.sleep(shared.settings.heartbeat)));
        if heartbeat.as_mut().poll(cx).is_ready() {
            self.heartbeat = None;
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"\n")))));
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.remove_reader(self.from);
    }
}
