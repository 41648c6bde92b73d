//! The commands of `Cluster` handles, and the queue in which they wait.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_channel::Receiver;
use bytes::Bytes;
use futures_channel::oneshot;
use futures_core::Stream;
use swim_core::{Encryption, Key, Stats};

use crate::error::Error;
use crate::leaving::Departure;
use crate::seed::Seed;

/// A command of a [`Cluster`](crate::Cluster), for [`Driver::handle`](crate::Driver::handle).
#[derive(Debug)]
pub struct Command(pub(crate) Ask);

/// The way back for the result of a command. Its caller may have stopped waiting.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

#[derive(Debug)]
pub(crate) enum Ask {
    Join { seeds: Vec<Seed>, reply: Reply<Joined> },
    AddSeed { seed: Seed, reply: Reply<bool> },
    RemoveSeed { seed: Seed, reply: Reply<bool> },
    Leave { timeout: Duration, reply: Reply<Departure> },
    SetMeta { meta: Bytes, reply: Reply<()> },
    Broadcast { key: Bytes, payload: Bytes, reply: Reply<()> },
    Send { to: String, payload: Bytes, reply: Reply<()> },
    SendReliable { to: String, payload: Bytes, reply: Reply<()> },
    Ping { to: String, reply: Reply<Pong> },
    Forget { name: String, reply: Reply<()> },
    SetAckPayload { payload: Bytes, reply: Reply<()> },
    SetUserState { state: Bytes, reply: Reply<()> },
    InstallKey { key: Key, reply: Reply<bool> },
    UseKey { key: Key, reply: Reply<()> },
    RemoveKey { key: Key, reply: Reply<()> },
    Keys { reply: Reply<Vec<Key>> },
    SetEncryption { encryption: Encryption, reply: Reply<()> },
    SetLabel { label: Bytes, also: Option<Bytes>, reply: Reply<()> },
    Stats { reply: Reply<Stats> },
}

/// The result of [`Cluster::join`](crate::Cluster::join).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Joined {
    /// The address that answered first.
    pub contact: SocketAddr,
    /// How many live members this node knew at that time, including itself.
    pub members: usize,
}

/// The result of [`Cluster::ping`](crate::Cluster::ping).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pong {
    /// The measured round trip.
    pub round_trip: Duration,
    /// The payload of the member's acks.
    pub payload: Bytes,
}

/// The commands that wait for a node.
///
/// Adapters pass them to [`Driver::handle`](crate::Driver::handle).
#[derive(Debug)]
pub struct Inbox(Pin<Box<Receiver<Command>>>);

impl Inbox {
    pub(crate) fn new(commands: Receiver<Command>) -> Self {
        Inbox(Box::pin(commands))
    }

    /// Waits for the next command. `None` once the driver is gone. A dropped future loses nothing.
    pub async fn next(&self) -> Option<Command> {
        self.0.recv().await.ok()
    }

    /// Like [`next`](Inbox::next), for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Command>> {
        self.0.as_mut().poll_next(cx)
    }

    /// The next command, if one is waiting.
    #[must_use]
    pub fn try_next(&self) -> Option<Command> {
        self.0.try_recv().ok()
    }
}
