//! The connection to one peer, over which this node receives the peer's events.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use smol_hyper::rt::FuturesIo;
use swim_driver::{Bytes, Task};

use crate::log::Entry;
use crate::passed::{Passed, Reader};
use crate::service::Shared;

/// Pause before the next attempt to connect: at first, and at most.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Failures in a row after which to log the first warning, and between later ones.
const FAILURES_MIN: u64 = 5;
const FAILURES_AGAIN: u64 = 60;

/// Heartbeats that may be missed before the connection counts as broken.
const HEARTBEATS_MISSED: u32 = 2;

/// The connection to one peer.
pub(crate) struct Link {
    shared: Arc<Shared>,
    peer: String,
    address: SocketAddr,
}

/// An open connection.
struct Open {
    body: Incoming,
    reader: Reader,
    _moving: Task<()>,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, peer: String, address: SocketAddr) -> Self {
        Link { shared, peer, address }
    }

    /// Receives the peer's events, and connects again when the connection breaks.
    pub(crate) async fn follow(self) {
        let (mut pause, mut failures) = (PAUSE_MIN, 0u64);
        loop {
            let understood = match self.open().await {
                Ok(open) => self.take_in(open).await,
                Err(why) => Err(why),
            };
            self.shared.broker().lose(&self.peer);
            if let Err(why) = understood {
                failures += 1;
                self.complain(failures, &why);
            } else {
                (pause, failures) = (PAUSE_MIN, 0);
            }
            // Spread the attempts, so that not all nodes come back to a peer at once.
            let jitter = self.shared.runtime.random() % 1000;
            let time = pause / 2 + pause / 2 * u32::try_from(jitter).unwrap_or(0) / 1000;
            self.shared.runtime.sleep(time).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Logs that no events arrive from this peer, and why. A few failures are normal at a start.
    fn complain(&self, failures: u64, why: &str) {
        if failures == FAILURES_MIN || failures.is_multiple_of(FAILURES_AGAIN) {
            let Link { peer, address, .. } = self;
            tracing::warn!("no events arrive from {peer}, HTTP at {address}: {why}");
        }
    }

    async fn open(&self) -> Result<Open, String> {
        let Shared { runtime, settings, .. } = &*self.shared;
        let opened = runtime.timeout(settings.client_timeout, self.request()).await;
        opened.unwrap_or_else(|elapsed| Err(elapsed.to_string()))
    }

    async fn request(&self) -> Result<Open, String> {
        let Shared { runtime, settings, .. } = &*self.shared;
        let stands = self.shared.broker().position_of(&self.peer);
        let (life, last) = stands.unwrap_or_default();
        let challenge = runtime.random();
        let mut request =
            Request::get(format!("/peer?life={life}&last={last}&challenge={challenge}"))
                .header(HOST, self.address.to_string());
        if let Some(token) = &settings.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let request = request.body(Empty::<Bytes>::new()).map_err(|error| text(&error))?;
        let connection = runtime.connect(self.address).await.map_err(|error| text(&error))?;
        let handshake = http1::handshake(FuturesIo::new(connection)).await;
        let (mut sender, moving) = handshake.map_err(|error| text(&error))?;
        let moving = runtime.spawn(async move {
            // The body fails with the same error.
            let _ = moving.await;
        });
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err("it has another token".to_owned()),
            status => return Err(format!("it answers {status}")),
        }
        let reader = Reader::new(settings.key.as_ref(), challenge);
        Ok(Open { body: response.into_body(), reader, _moving: moving })
    }

    /// Receives messages until the connection breaks. An error gives the reason why none was
    /// understood.
    async fn take_in(&self, mut open: Open) -> Result<(), String> {
        let Shared { runtime, settings, .. } = &*self.shared;
        let patience = settings.heartbeat * (1 + HEARTBEATS_MISSED);
        let mut understood = false;
        loop {
            let frame = runtime.timeout(patience, open.body.frame()).await;
            let Ok(Some(Ok(frame))) = frame else {
                return if understood { Ok(()) } else { Err("it sends nothing".to_owned()) };
            };
            let Some(bytes) = frame.data_ref() else { continue };
            open.reader.take(bytes);
            loop {
                match open.reader.next() {
                    Ok(Some(passed)) => {
                        understood = true;
                        self.take(passed);
                    }
                    Ok(None) => break,
                    Err(_) => return Err("it has another key, or is not sse-cluster".to_owned()),
                }
            }
        }
    }

    fn take(&self, passed: Passed) {
        match passed {
            Passed::From { life, last } => self.shared.broker().meet(&self.peer, life, last),
            Passed::Event { number, target, message } => {
                self.shared.broker().receive(&self.peer, Entry { number, target, message });
            }
            Passed::Heartbeat => {}
        }
    }
}
