//! The application's handle to its node.

mod queries;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_channel::Sender;
use bytes::Bytes;
use futures_channel::oneshot;
use swim_core::{Encryption, Key, Stats};

use crate::command::{Ask, Command, Joined, Pong, Reply};
use crate::error::Error;
use crate::leaving::Departure;
use crate::runtime_handle::RuntimeHandle;
use crate::tags::Tags;
use crate::view::View;

/// The application's handle to its node: cheap to clone, and the same on every runtime.
///
/// Queries about members are answered from a copy that the node publishes, without waiting for the
/// node. Commands go to the node through a bounded queue, and their futures resolve with its
/// answer.
///
/// The handle does not keep the node alive. Once the node has stopped, every command returns
/// [`Error::Stopped`], and queries return the members as last known.
///
/// # Cancel safety
/// This holds for every command. A future that is dropped before its first poll, or while the queue
/// is full ([`Options::commands_max`](crate::Options::commands_max)), has no effect. A future that
/// is dropped later loses only the answer: the node still carries out the command, once.
///
/// After that, commands that set something may be repeated safely. A repeated
/// [`broadcast`](Cluster::broadcast), [`send`](Cluster::send) or
/// [`send_reliable`](Cluster::send_reliable) may arrive twice.
///
/// ```
/// # use swim_driver::{Cluster, Error};
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
    runtime: Option<RuntimeHandle>,
}

impl Cluster {
    pub(crate) fn new(
        view: Arc<View>,
        commands: Sender<Command>,
        runtime: Option<RuntimeHandle>,
    ) -> Self {
        Cluster { view, commands, runtime }
    }

    /// The runtime of the node, for the application's own tasks, timers and connections.
    ///
    /// Code that uses no other runtime also runs in the simulator.
    ///
    /// # Panics
    /// If the application drives a [`Driver`](crate::Driver) itself and gave it no runtime: see
    /// [`Driver::set_runtime`](crate::Driver::set_runtime).
    #[must_use]
    pub fn runtime(&self) -> RuntimeHandle {
        self.runtime.clone().expect("this node's loop has no runtime: see Driver::set_runtime")
    }

    /// Joins a cluster through any of `seeds`.
    ///
    /// A seed is `host:port`, `ip:port`, `[v6]:port` or a [`SocketAddr`](std::net::SocketAddr); the
    /// default port is 7946. All seeds are tried at once, but no more than
    /// [`Options::join_parallel_max`](crate::Options::join_parallel_max) addresses at a time. The
    /// first that answers gives the result. The rest are still tried, which merges clusters that
    /// are separate by mistake. Names are resolved anew.
    ///
    /// The node remembers each address and name as a seed, whether it answers or not, until it is
    /// [removed](Cluster::remove_seed). It keeps at most 256 (see
    /// [`Options::seeds`](crate::Options::seeds)).
    ///
    /// After a [`leave`](Cluster::leave), a join brings the node back into the cluster.
    ///
    /// # Errors
    /// [`Error::BadSeed`] for a text that is not a seed, [`Error::TooManyAddresses`] for more than
    /// 4096 seeds, [`Error::NoAddresses`] for none. [`Error::NoneJoined`] or [`Error::NotResolved`]
    /// if no address answers, with the reason for each.
    pub async fn join<I, S>(&self, seeds: I) -> Result<Joined, Error>
    where
        I: IntoIterator<Item = S>,
        S: ToString,
    {
        let seeds = seeds.into_iter().map(|seed| seed.to_string().parse());
        let seeds = seeds.collect::<Result<Vec<_>, _>>()?;
        self.ask(|reply| Ask::Join { seeds, reply }).await
    }

    /// Adds a seed and asks it at once, without waiting for its answer.
    ///
    /// From then on the node asks it like the seeds that it was started with: see
    /// [`Options::seeds`](crate::Options::seeds). Returns false, and changes nothing, if it already
    /// is a seed.
    ///
    /// # Errors
    /// [`Error::BadSeed`] for a text that is not a seed, [`Error::TooManySeeds`] beyond 256.
    pub async fn add_seed(&self, seed: impl ToString) -> Result<bool, Error> {
        let seed = seed.to_string().parse()?;
        self.ask(|reply| Ask::AddSeed { seed, reply }).await
    }

    /// Removes a seed: it is neither resolved nor dialled any longer.
    ///
    /// Any seed can be removed: one from the start, an [added](Cluster::add_seed) one, or one that
    /// a [`join`](Cluster::join) left behind. It may be added or joined again. Returns false if it
    /// is not a seed.
    ///
    /// Attempts under way are dropped: an address being resolved is not dialled, and a connection
    /// to the seed is closed, even in the middle of a join. A `join` that waits for it goes on with
    /// its other seeds. When none is left, that `join` returns the errors of those, or
    /// [`Error::SeedRemoved`] if there were none.
    ///
    /// Seeds are compared as written, so `cache-1:7946` and the address of that name are two seeds.
    /// Members that were joined through the seed stay members. If a member at its address fails,
    /// the node still looks for it there, until [`forget`](Cluster::forget).
    ///
    /// ```
    /// # use swim_driver::{Cluster, Error};
    /// async fn replace_seed(cluster: &Cluster, old: &str, new: &str) -> Result<(), Error> {
    ///     cluster.add_seed(new).await?;
    ///     if !cluster.remove_seed(old).await? {
    ///         println!("{old} was no seed");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadSeed`] for a text that is not a seed.
    pub async fn remove_seed(&self, seed: impl ToString) -> Result<bool, Error> {
        let seed = seed.to_string().parse()?;
        self.ask(|reply| Ask::RemoveSeed { seed, reply }).await
    }

    /// Leaves the cluster: peers see this node as left, not as failed.
    ///
    /// Resolves once the leave has been gossiped its full number of times, or at once if there is
    /// no live peer. At the latest it resolves after `timeout`, which the node measures. The result
    /// says which of these happened. After a timeout the node goes on gossiping the leave.
    ///
    /// The node keeps running as a departed member: it answers pings, and may
    /// [`join`](Cluster::join) again. Until then its view is frozen. It sends no probes and takes
    /// no updates, so [`members`](Cluster::members), [`peers`](Cluster::peers) and everything
    /// derived from them miss later changes. A call during a leave waits for that leave; a call
    /// after it returns its result.
    ///
    /// # Errors
    /// [`Failure::NobodyHeard`](crate::Failure::NobodyHeard), as an [`Error::Failure`], if no peer
    /// acknowledged the leave, neither in a datagram nor over a stream: all peers are down, or cut
    /// off from this node. The node has left all the same. Running peers see it as failed once it
    /// stops. This result takes at least 1.5 s longer than an acknowledged leave, so allow for that
    /// in `timeout`.
    ///
    /// [`Error::Stopped`] if the node is gone. Any other error leaves the node as it was.
    ///
    /// # Cancel safety
    /// As for every [command](Cluster#cancel-safety): a leave that has begun goes on. Call this
    /// again to wait for its end.
    pub async fn leave(&self, timeout: Duration) -> Result<Departure, Error> {
        self.ask(|reply| Ask::Leave { timeout, reply }).await
    }

    /// Announces new metadata, at most `meta_size_max` bytes.
    ///
    /// Resolves once the update has been gossiped its full number of times, or newer metadata
    /// replaces it. While another node has this node's name
    /// ([`Event::NameTaken`](crate::Event::NameTaken)), this fails at once with
    /// [`Failure::NameTaken`](crate::Failure::NameTaken); the metadata is announced when the name
    /// is free.
    ///
    /// # Errors
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge) beyond `meta_size_max`.
    pub async fn set_meta(&self, meta: impl Into<Bytes>) -> Result<(), Error> {
        let meta = meta.into();
        self.ask(|reply| Ask::SetMeta { meta, reply }).await
    }

    /// Announces new tags as this node's metadata, like [`set_meta`](Cluster::set_meta).
    ///
    /// # Errors
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge) beyond `meta_size_max`.
    pub async fn set_tags(&self, tags: &Tags) -> Result<(), Error> {
        self.set_meta(tags.encode()).await
    }

    /// Sends a message to every member, by gossip.
    ///
    /// Resolves once it has been gossiped its full number of times. The message must fit into one
    /// datagram with all overheads.
    ///
    /// # Errors
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge), and
    /// [`CommandError::Busy`](crate::CommandError::Busy) if too many broadcasts wait.
    pub async fn broadcast(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        self.broadcast_keyed(Bytes::new(), payload).await
    }

    /// Like [`broadcast`](Cluster::broadcast), but replaces an older message with the same key.
    ///
    /// Use it for state whose latest value alone matters. This node's older broadcast with that key
    /// is replaced at every node that still has to pass it on, and its future then resolves. A key
    /// has at most 255 bytes; an empty key replaces nothing. Key and payload together must fit into
    /// one datagram with all overheads.
    ///
    /// The older message can still arrive after the newer one, at members that already passed the
    /// newer one on. If that matters, put a version into the payload.
    ///
    /// ```
    /// # use swim_driver::{Cluster, Error};
    /// async fn announce_load(cluster: &Cluster, load: u32) -> Result<(), Error> {
    ///     cluster.broadcast_keyed("load", load.to_string()).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`broadcast`](Cluster::broadcast).
    pub async fn broadcast_keyed(
        &self,
        key: impl Into<Bytes>,
        payload: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let (key, payload) = (key.into(), payload.into());
        self.ask(|reply| Ask::Broadcast { key, payload, reply }).await
    }

    /// Sends a message to one member in one datagram, which may be lost. Resolves once it is sent.
    ///
    /// # Errors
    /// [`CommandError::UnknownMember`](crate::CommandError::UnknownMember) if it is not live,
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge).
    pub async fn send(&self, to: &str, payload: impl Into<Bytes>) -> Result<(), Error> {
        let (to, payload) = (to.to_owned(), payload.into());
        self.ask(|reply| Ask::Send { to, payload, reply }).await
    }

    /// Sends a message of up to `reliable_size_max` bytes to one member over a stream.
    ///
    /// Resolves once the member has received it.
    ///
    /// # Errors
    /// As for [`send`](Cluster::send); [`Error::Failure`] if the member does not acknowledge it.
    pub async fn send_reliable(&self, to: &str, payload: impl Into<Bytes>) -> Result<(), Error> {
        let (to, payload) = (to.to_owned(), payload.into());
        self.ask(|reply| Ask::SendReliable { to, payload, reply }).await
    }

    /// Pings a member and measures the round trip.
    ///
    /// # Errors
    /// [`CommandError::UnknownMember`](crate::CommandError::UnknownMember) if it is not live,
    /// [`Failure::Timeout`](crate::Failure::Timeout) if it does not answer.
    pub async fn ping(&self, to: &str) -> Result<Pong, Error> {
        let to = to.to_owned();
        self.ask(|reply| Ask::Ping { to, reply }).await
    }

    /// Forgets a member that failed or left, for names that will never return.
    ///
    /// This node stops looking for it and drops all that it remembers of it, so old updates may
    /// bring it back for a while. Other members do not forget it.
    ///
    /// A member that is no longer listed can also be forgotten, as long as the node remembers it (a
    /// day by default). If it is a seed, the node still asks it:
    /// [`remove_seed`](Cluster::remove_seed) ends that.
    ///
    /// ```
    /// # use swim_driver::{Cluster, CommandError, Error};
    /// async fn decommissioned(cluster: &Cluster, name: &str) -> Result<(), Error> {
    ///     match cluster.forget(name).await {
    ///         // This node knows nothing of it: nothing to do.
    ///         Err(Error::Command(CommandError::UnknownMember)) => Ok(()),
    ///         result => result,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`CommandError::UnknownMember`](crate::CommandError::UnknownMember) for a name that the node
    /// does not remember, [`CommandError::StillLive`](crate::CommandError::StillLive) for an alive
    /// or suspect member, [`CommandError::OwnName`](crate::CommandError::OwnName) for this node's
    /// own name.
    pub async fn forget(&self, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.ask(|reply| Ask::Forget { name, reply }).await
    }

    /// Sets the payload of this node's acks.
    ///
    /// Peers receive it as [`Event::AckPayload`](crate::Event::AckPayload).
    ///
    /// # Errors
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge).
    pub async fn set_ack_payload(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        let payload = payload.into();
        self.ask(|reply| Ask::SetAckPayload { payload, reply }).await
    }

    /// Sets the application state that this node sends in every push/pull.
    ///
    /// Peers receive it as [`Event::UserState`](crate::Event::UserState).
    ///
    /// # Errors
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge) beyond `user_state_size_max`.
    pub async fn set_user_state(&self, state: impl Into<Bytes>) -> Result<(), Error> {
        let state = state.into();
        self.ask(|reply| Ask::SetUserState { state, reply }).await
    }

    /// Installs a key: from now on this node opens what is sealed with it.
    ///
    /// Returns false if the key was installed already. The first key is also used to seal.
    ///
    /// To replace the key of a running cluster, finish each step on every member before the next:
    /// install the new key, [use](Cluster::use_key) it, [remove](Cluster::remove_key) the old one.
    /// `docs/how-to/rotate-keys.md` describes that, and how a cluster without keys gets its first.
    /// Nothing is kept on disk: after a restart a node has the keys of its
    /// [`Config`](crate::Config).
    ///
    /// ```
    /// # use swim_driver::{Cluster, Error, Key};
    /// async fn replace(members: &[Cluster], new: &Key) -> Result<(), Error> {
    ///     for member in members {
    ///         member.install_key(new.clone()).await?;
    ///     }
    ///     for member in members {
    ///         member.use_key(new).await?;
    ///     }
    ///     for member in members {
    ///         for old in &member.keys().await?[1..] {
    ///             member.remove_key(old).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`KeyringError::Full`](crate::KeyringError::Full) within
    /// [`CommandError::Keyring`](crate::CommandError::Keyring),
    /// [`CommandError::Cipher`](crate::CommandError::Cipher) for a key that memberlist's wire does
    /// not support, [`CommandError::PacketTooSmall`](crate::CommandError::PacketTooSmall).
    pub async fn install_key(&self, key: Key) -> Result<bool, Error> {
        self.ask(|reply| Ask::InstallKey { key, reply }).await
    }

    /// Seals with this key from now on.
    ///
    /// Install it on every member first: a member without it can no longer open what this node
    /// sends.
    ///
    /// # Errors
    /// [`KeyringError::Unknown`](crate::KeyringError::Unknown) within
    /// [`CommandError::Keyring`](crate::CommandError::Keyring) for a key that is not installed,
    /// [`CommandError::PacketTooSmall`](crate::CommandError::PacketTooSmall).
    pub async fn use_key(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        self.ask(|reply| Ask::UseKey { key, reply }).await
    }

    /// Removes a key: this node no longer opens what is sealed with it.
    ///
    /// Remove it only when no member seals with it, including members that are down and will come
    /// back.
    ///
    /// # Errors
    /// Within [`CommandError::Keyring`](crate::CommandError::Keyring):
    /// [`KeyringError::Primary`](crate::KeyringError::Primary) for the key that this node seals
    /// with, [`KeyringError::Unknown`](crate::KeyringError::Unknown) for a key that is not
    /// installed.
    pub async fn remove_key(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        self.ask(|reply| Ask::RemoveKey { key, reply }).await
    }

    /// The keys of this node, the primary key first.
    ///
    /// To compare the keys of two nodes, use their [fingerprints](Key::fingerprint).
    ///
    /// # Errors
    /// Only [`Error::Stopped`].
    pub async fn keys(&self) -> Result<Vec<Key>, Error> {
        self.ask(|reply| Ask::Keys { reply }).await
    }

    /// Sets whether a node with keys seals what it sends and accepts only sealed input.
    ///
    /// Both are on, unless the [`Config`](crate::Config) turns them off. To encrypt a running
    /// cluster that has no keys, finish each of three steps on every member before the next:
    ///
    /// ```
    /// # use swim_driver::{Cluster, Encryption, Error, Key};
    /// async fn encrypt(members: &[Cluster], key: &Key) -> Result<(), Error> {
    ///     for member in members {
    ///         member.set_encryption(Encryption::Off).await?; // before there is a key
    ///         member.install_key(key.clone()).await?;
    ///     }
    ///     for member in members {
    ///         member.set_encryption(Encryption::Outgoing).await?;
    ///     }
    ///     for member in members {
    ///         member.set_encryption(Encryption::Required).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`CommandError::PacketTooSmall`](crate::CommandError::PacketTooSmall).
    pub async fn set_encryption(&self, encryption: Encryption) -> Result<(), Error> {
        self.ask(|reply| Ask::SetEncryption { encryption, reply }).await
    }

    /// Sets the cluster label that this node sends, and which other label it also accepts.
    ///
    /// For `also`, `None` accepts no other label, and an empty label accepts traffic without one.
    /// To move a running cluster to another label, finish each of three steps on every member
    /// before the next:
    ///
    /// ```
    /// # use swim_driver::{Cluster, Error};
    /// async fn relabel(members: &[Cluster]) -> Result<(), Error> {
    ///     for member in members {
    ///         member.set_label("staging", Some("production".into())).await?;
    ///     }
    ///     for member in members {
    ///         member.set_label("production", Some("staging".into())).await?;
    ///     }
    ///     for member in members {
    ///         member.set_label("production", None).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge) for a label of more than 255
    /// bytes, [`CommandError::PacketTooSmall`](crate::CommandError::PacketTooSmall).
    pub async fn set_label(
        &self,
        label: impl Into<Bytes>,
        also: Option<Bytes>,
    ) -> Result<(), Error> {
        let label = label.into();
        self.ask(|reply| Ask::SetLabel { label, also, reply }).await
    }

    /// The node's counters.
    ///
    /// # Errors
    /// Only [`Error::Stopped`].
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.ask(|reply| Ask::Stats { reply }).await
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
