//! The application's handle of its node.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_channel::Sender;
use bytes::Bytes;
use futures_channel::oneshot;
use swim_core::{Member, Stats};

use crate::command::{Ask, Command, Joined, Pong, Reply};
use crate::error::Error;
use crate::events::Events;
use crate::view::View;

/// The application's handle of its node: cheap to clone, and the same on every runtime.
///
/// What it tells of members comes from a copy that the node publishes, without waiting for the
/// node. What it asks of the node goes through a bounded queue. A future of a command that is
/// dropped takes nothing back: what was asked is carried out.
///
/// The handle does not keep the node alive. When the node's future is dropped, every command
/// returns [`Error::Stopped`], and the members stay as they were last known.
///
/// ```
/// use swim_driver::{Cluster, Error};
///
/// async fn announce(cluster: &Cluster) -> Result<(), Error> {
///     cluster.join(["cache-1.example.org:7946", "10.0.0.2:7946"]).await?;
///     cluster.set_meta("role=cache").await?;
///     for member in cluster.members() {
///         println!("{} is {} at {}", member.name, member.state, member.address);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Cluster {
    view: Arc<View>,
    commands: Sender<Command>,
}

impl Cluster {
    pub(crate) fn new(view: Arc<View>, commands: Sender<Command>) -> Self {
        Cluster { view, commands }
    }

    /// Joins a cluster through any of its members: `host:port`, `ip:port`, `[v6]:port`, or a
    /// [`SocketAddr`].
    ///
    /// All are tried at once, and the first that answers decides; the others are still tried, so
    /// that clusters that should be one become one. Names are resolved anew. Each address and name
    /// is also remembered as a seed, whether it answers or not, up to 256 of them (see
    /// [`Options::seeds`](crate::Options::seeds)).
    ///
    /// After a [`leave`](Cluster::leave) this comes back into the cluster.
    pub async fn join<I, S>(&self, seeds: I) -> Result<Joined, Error>
    where
        I: IntoIterator<Item = S>,
        S: ToString,
    {
        let seeds = seeds.into_iter().map(|seed| seed.to_string().parse());
        let seeds = seeds.collect::<Result<Vec<_>, _>>()?;
        self.ask(|reply| Ask::Join { seeds, reply }).await
    }

    /// Says goodbye, and resolves when the word is spread, or there was nobody to tell. Others see
    /// this node as left, not as failed.
    ///
    /// After `timeout` (measured by the node, not by the caller's runtime) it returns
    /// [`Error::Timeout`], and goes on spreading the word.
    ///
    /// The node keeps running as a member that left: it answers pings, and may
    /// [`join`](Cluster::join) again. To end it, drop its future.
    pub async fn leave(&self, timeout: Duration) -> Result<(), Error> {
        self.ask(|reply| Ask::Leave { timeout, reply }).await
    }

    /// Announces other metadata, at most `meta_size_max` bytes. Resolves when the word is spread,
    /// or replaced by newer metadata.
    pub async fn set_meta(&self, meta: impl Into<Bytes>) -> Result<(), Error> {
        let meta = meta.into();
        self.ask(|reply| Ask::SetMeta { meta, reply }).await
    }

    /// Sends a message to every member, by gossip. Resolves when it was sent as often as an update
    /// is sent. It must fit into one datagram with all overheads.
    pub async fn broadcast(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        let payload = payload.into();
        self.ask(|reply| Ask::Broadcast { payload, reply }).await
    }

    /// Sends a message to one member in one datagram, which may be lost. Resolves when it is sent.
    pub async fn send(&self, to: &str, payload: impl Into<Bytes>) -> Result<(), Error> {
        let (to, payload) = (to.to_owned(), payload.into());
        self.ask(|reply| Ask::Send { to, payload, reply }).await
    }

    /// Sends a message of up to `reliable_size_max` bytes to one member over a stream. Resolves
    /// when the member has received it.
    pub async fn send_reliable(&self, to: &str, payload: impl Into<Bytes>) -> Result<(), Error> {
        let (to, payload) = (to.to_owned(), payload.into());
        self.ask(|reply| Ask::SendReliable { to, payload, reply }).await
    }

    /// Pings a member, and measures the round trip.
    pub async fn ping(&self, to: &str) -> Result<Pong, Error> {
        let to = to.to_owned();
        self.ask(|reply| Ask::Ping { to, reply }).await
    }

    /// Sets what this node sends along when it answers a ping. Others receive it as
    /// [`Event::AckPayload`](crate::Event::AckPayload).
    pub async fn set_ack_payload(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        let payload = payload.into();
        self.ask(|reply| Ask::SetAckPayload { payload, reply }).await
    }

    /// Sets the application state that this node exchanges in every push/pull. Others receive it
    /// as [`Event::UserState`](crate::Event::UserState).
    pub async fn set_user_state(&self, state: impl Into<Bytes>) -> Result<(), Error> {
        let state = state.into();
        self.ask(|reply| Ask::SetUserState { state, reply }).await
    }

    /// The node's counters.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.ask(|reply| Ask::Stats { reply }).await
    }

    /// The members now, by name, this node included; also those that failed or left of late.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.view.members()
    }

    /// One member now.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Member> {
        self.view.member(name)
    }

    /// This node, as it announces itself.
    #[must_use]
    pub fn local(&self) -> Member {
        self.view.local()
    }

    /// The address that this node listens on. The one it announces is `local().address`.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.view.local_address()
    }

    /// The members now, and every event after this moment, without a gap. All of
    /// [`Event`](crate::Event) but the answers to commands, which their callers receive.
    #[must_use]
    pub fn subscribe(&self) -> (Vec<Member>, Events) {
        self.view.subscribe()
    }

    /// Local health: 0 is healthy; the higher, the slower this node itself seems to be.
    #[must_use]
    pub fn health(&self) -> u8 {
        self.view.health()
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command(ask(reply))).await.map_err(|_| Error::Stopped)?;
        answer.await.unwrap_or(Err(Error::Stopped))
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("bound", &self.view.local_address()).finish_non_exhaustive()
    }
}
