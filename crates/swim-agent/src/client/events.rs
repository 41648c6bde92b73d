//! Follows the events of a node.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use super::Connection;
use super::error::ClientError;
use crate::limits::KEEP_ALIVE_INTERVAL;

/// Bytes of one event: a message of the application of the largest size, in hexadecimal.
const EVENT_SIZE_MAX: usize = 64 << 20;

/// How long a stream may be silent: three of its comments are missing then.
const SILENCE_MAX: Duration = KEEP_ALIVE_INTERVAL.saturating_mul(3);

/// The events of a node as they happen: see [`Client::events`](super::Client::events).
///
/// The first one is `subscribed`: nothing is missed after it. `lagged` says how many were lost
/// because this reader was slow.
///
/// ```
/// # use swim_agent::client::{Client, ClientError};
/// async fn failures(client: &Client) -> Result<(), ClientError> {
///     let mut events = client.events(&[("kind", "failed")]).await?;
///     while let Some(event) = events.next().await? {
///         println!("{}", event["sentence"]);
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct EventReader {
    socket: PathBuf,
    body: Incoming,
    received: Vec<u8>,
    /// The position from which the end of the first event is searched.
    searched: usize,
    _connection: Connection,
}

impl EventReader {
    pub(super) fn new(socket: PathBuf, body: Incoming, connection: Connection) -> Self {
        EventReader { socket, body, received: Vec::new(), searched: 0, _connection: connection }
    }

    /// The next event; `None` once the node or the server has ended.
    ///
    /// # Errors
    ///
    /// [`ClientError::Late`] if the server is silent for so long that it must be gone, and
    /// [`ClientError::BadAnswer`] if the stream broke off.
    ///
    /// # Cancel safety
    ///
    /// A dropped future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Value>, ClientError> {
        loop {
            while let Some(message) = self.message() {
                if let Some(event) = self.event(&message)? {
                    return Ok(Some(event));
                }
            }
            if self.received.len() > EVENT_SIZE_MAX {
                return Err(self.bad("an event is too large"));
            }
            let frame = tokio::time::timeout(SILENCE_MAX, self.body.frame()).await;
            match frame {
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.received.extend(bytes);
                    }
                }
                Ok(Some(Err(error))) => return Err(self.bad(&error.to_string())),
                Ok(None) => return Ok(None),
                Err(_) => {
                    let socket = self.socket.clone();
                    return Err(ClientError::Late { socket, after: SILENCE_MAX });
                }
            }
        }
    }

    /// Takes the first message out of what was received.
    fn message(&mut self) -> Option<Vec<u8>> {
        let found = self.received[self.searched..].windows(2).position(|two| two == b"\n\n");
        match found {
            Some(at) => {
                let end = self.searched + at + 2;
                self.searched = 0;
                Some(self.received.drain(..end).collect())
            }
            None => {
                self.searched = self.received.len().saturating_sub(1);
                None
            }
        }
    }

    /// The event of a message; `None` for a comment.
    fn event(&self, message: &[u8]) -> Result<Option<Value>, ClientError> {
        let lines = message.split(|byte| *byte == b'\n');
        let mut data = lines.filter_map(|line| line.strip_prefix(b"data: "));
        let Some(data) = data.next() else {
            return Ok(None);
        };
        serde_json::from_slice(data).map(Some).map_err(|error| self.bad(&error.to_string()))
    }

    fn bad(&self, reason: &str) -> ClientError {
        ClientError::BadAnswer { socket: self.socket.clone(), reason: reason.into() }
    }
}
