//! The connection to one peer, whose events this node takes in.

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

/// The least and the most that a node waits before it connects again.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// So many heartbeats may be late before the connection counts as broken.
const HEARTBEATS_MISSED: u32 = 2;

/// The connection to one peer.
pub(crate) struct Link {
    shared: Arc<Shared>,
    peer: String,
    address: SocketAddr,
}

/// A connection on which the peer passes on.
struct Open {
    body: Incoming,
    reader: Reader,
    _moving: Task<()>,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, peer: String, address: SocketAddr) -> Self {
        Link { shared, peer, address }
    }

    /// Takes in what the peer passes on, and connects again when the connection breaks.
    pub(crate) async fn follow(self) {
        let mut pause = PAUSE_MIN;
        loop {
            if let Some(open) = self.open().await
                && self.take_in(open).await
            {
                pause = PAUSE_MIN;
            }
            // Spread, so that not all come back to a peer at once.
            let jitter = self.shared.runtime.random() % 1000;
            let time = pause / 2 + pause / 2 * u32::try_from(jitter).unwrap_or(0) / 1000;
            self.shared.runtime.sleep(time).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn open(&self) -> Option<Open> {
        let Shared { runtime, settings, .. } = &*self.shared;
        runtime.timeout(settings.client_timeout, self.request()).await.ok()?
    }

    async fn request(&self) -> Option<Open> {
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
        let request = request.body(Empty::<Bytes>::new()).ok()?;
        let connection = runtime.connect(self.address).await.ok()?;
        let (mut sender, moving) = http1::handshake(FuturesIo::new(connection)).await.ok()?;
        let moving = runtime.spawn(async move {
            // An error is one of the body, too.
            let _ = moving.await;
        });
        let response = sender.send_request(request).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let reader = Reader::new(settings.key.as_ref(), challenge);
        Some(Open { body: response.into_body(), reader, _moving: moving })
    }

    /// Takes in what comes, until the connection breaks. Whether anything was understood.
    async fn take_in(&self, mut open: Open) -> bool {
        let Shared { runtime, settings, .. } = &*self.shared;
        let patience = settings.heartbeat * (1 + HEARTBEATS_MISSED);
        let mut understood = false;
        loop {
            let frame = runtime.timeout(patience, open.body.frame()).await;
            let Ok(Some(Ok(frame))) = frame else { return understood };
            let Some(bytes) = frame.data_ref() else { continue };
            open.reader.take(bytes);
            loop {
                match open.reader.next() {
                    Ok(Some(passed)) => {
                        understood = true;
                        self.take(passed);
                    }
                    Ok(None) => break,
                    // Another key, or no node of this kind.
                    Err(_) => return false,
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
