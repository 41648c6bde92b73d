//! Events as they happen: `text/event-stream`.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hyper::body::Bytes;
use serde_json::json;
use swim_tokio::{Cluster, Events, Notice};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use crate::filter::EventFilter;
use crate::limits::{EVENTS_PER_PIECE_MAX, KEEP_ALIVE_INTERVAL};
use crate::members;

/// The events of a node, as the pieces of an answer that ends with the node or the server.
///
/// A client that does not read leaves its events in the queue of its subscription, which is bounded
/// and counts what it lost.
pub(crate) struct EventStream {
    events: Events,
    filter: EventFilter,
    first: Option<String>,
    keep_alive: Interval,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl EventStream {
    pub(crate) fn new(
        cluster: &Cluster,
        filter: EventFilter,
        mut stopped: watch::Receiver<bool>,
    ) -> Self {
        let (members, events) = cluster.subscribe();
        let subscribed = json!({
            "event": "subscribed",
            "node": cluster.local().name.as_str(),
            "members": members.len(),
        });
        let mut keep_alive = tokio::time::interval(KEEP_ALIVE_INTERVAL);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is now.
        keep_alive.reset();
        EventStream {
            events,
            filter,
            first: Some(message("subscribed", &subscribed.to_string())),
            keep_alive,
            // Its sender is gone with the server.
            stopped: Box::pin(async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            }),
        }
    }

    /// The next piece of the answer; `None` at its end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut piece = self.first.take().unwrap_or_default();
        let mut is_drained = false;
        for _ in 0..EVENTS_PER_PIECE_MAX {
            // In a statement of its own: the future borrows the events until then.
            let next = pin!(self.events.next()).poll(cx);
            match next {
                Poll::Ready(Some(notice)) => self.tell(&notice, &mut piece),
                Poll::Ready(None) if piece.is_empty() => return Poll::Ready(None),
                Poll::Ready(None) => break,
                Poll::Pending => {
                    is_drained = true;
                    break;
                }
            }
        }
        if !piece.is_empty() {
            self.keep_alive.reset();
            return Poll::Ready(Some(piece.into()));
        }
        if !is_drained {
            // Only events that nobody wants: other tasks first.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.stopped.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        self.keep_alive.poll_tick(cx).map(|_| Some(Bytes::from_static(b": still here\n\n")))
    }

    fn tell(&self, notice: &Notice, piece: &mut String) {
        match notice {
            Notice::Event(event) if self.filter.takes(event) => {
                let json = members::event(event);
                piece.push_str(&message(event.kind(), &json.to_string()));
            }
            Notice::Missed { events, .. } => {
                let json = json!({ "event": "lagged", "missed": events });
                piece.push_str(&message("lagged", &json.to_string()));
            }
            _ => {}
        }
    }
}

/// One message of the stream. JSON has no line breaks.
fn message(kind: &str, json: &str) -> String {
    format!("event: {kind}\ndata: {json}\n\n")
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("events", &self.events).finish_non_exhaustive()
    }
}
