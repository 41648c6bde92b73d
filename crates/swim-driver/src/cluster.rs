//! The application's handle of its node.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_channel::Sender;
use bytes::Bytes;
use futures_channel::oneshot;
use swim_core::{Encryption, Key, Member, State, Stats};

use crate::command::{Ask, Command, Joined, Pong, Reply};
use crate::error::Error;
use crate::events::Events;
use crate::leaving::Departure;
use crate::runtime_handle::RuntimeHandle;
use crate::tags::Tags;
use crate::view::View;
use crate::watch::Watch;

/// The application's handle of its node: cheap to clone, and the same on every runtime.
///
/// Questions about members are answered from a copy that the node publishes, without waiting for
/// the node. Commands go through a bounded queue to the node, and their futures resolve with its
/// answer.
///
/// The handle does not keep the node alive. Once the node has stopped, every command returns
/// [`Error::Stopped`], and the members stay as they were last known.
///
/// # Cancel safety
///
/// Holds for every command. A future that is dropped before its first poll, or while the queue is
/// full ([`Options::commands_max`](crate::Options::commands_max)), has done nothing. Dropped later,
/// it takes nothing back: the node carries the command out once, and only the answer is lost.
/// Commands that set something may be repeated after that; a repeated
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

    /// The runtime that the node runs on, for the application's own tasks, timers and connections.
    /// What uses nothing else runs in the simulator, too.
    ///
    /// # Panics
    ///
    /// In a loop of your own that gave its driver none: see
    /// [`Driver::set_runtime`](crate::Driver::set_runtime).
    #[must_use]
    pub fn runtime(&self) -> RuntimeHandle {
        self.runtime.clone().expect("this node's loop has no runtime: see Driver::set_runtime")
    }

    /// Joins a cluster through any of its members: `host:port`, `ip:port`, `[v6]:port`, or a
    /// [`SocketAddr`]. Without a port it is 7946.
    ///
    /// All are tried at once, up to
    /// [`Options::join_parallel_max`](crate::Options::join_parallel_max) of them, and the first
    /// that answers decides; the others are still tried, so that clusters that should be one become
    /// one. Names are resolved anew. Each address and name is also remembered as a seed, whether it
    /// answers or
    /// not, up to 256 of them (see [`Options::seeds`](crate::Options::seeds)), until it is
    /// [removed](Cluster::remove_seed).
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

    /// Adds a seed to those that the node was started with, and has it asked at once, then again
    /// and again as told at [`Options::seeds`](crate::Options::seeds). Unlike
    /// [`join`](Cluster::join) it does not wait for an answer. False if it is a seed already; then
    /// nothing changes.
    ///
    /// # Errors
    ///
    /// [`Error::BadSeed`] for a text that is none, [`Error::TooManySeeds`] beyond 256.
    pub async fn add_seed(&self, seed: impl ToString) -> Result<bool, Error> {
        let seed = seed.to_string().parse()?;
        self.ask(|reply| Ask::AddSeed { seed, reply }).await
    }

    /// Removes a seed, be it one that the node was started with, an [added](Cluster::add_seed) one,
    /// or one that a [`join`](Cluster::join) left behind. It is neither resolved nor dialled any
    /// more, until it is added or joined again. False if it is no seed.
    ///
    /// What is under way for it is dropped: an address that is being resolved is not dialled, and
    /// a connection to it that is being made, or over which it is being joined, is closed. A `join`
    /// that waits for it goes on with its other seeds. When it has none left it returns what went
    /// wrong with those, or [`Error::SeedRemoved`] if nothing did.
    ///
    /// A seed is told by how it is written, not by where it leads: `cache-1:7946` and the address
    /// of that name are two. Members that were joined through it stay members. A member that
    /// failed is looked for at its address all the same; [`forget`](Cluster::forget) ends that.
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
    ///
    /// [`Error::BadSeed`] for a text that is none.
    pub async fn remove_seed(&self, seed: impl ToString) -> Result<bool, Error> {
        let seed = seed.to_string().parse()?;
        self.ask(|reply| Ask::RemoveSeed { seed, reply }).await
    }

    /// Leaves the cluster: peers see this node as left, not as failed.
    ///
    /// Resolves once the leave has been gossiped its full number of times, at once if there is no
    /// live peer, and at the latest after `timeout`, which the node measures. The result says which
    /// of these it was. After a timeout the node goes on gossiping the leave.
    ///
    /// The node keeps running as a member that left: it answers pings, and may
    /// [`join`](Cluster::join) again. Until then its view is frozen: it probes nobody and hears no
    /// more news, so [`members`](Cluster::members), [`peers`](Cluster::peers) and all that is
    /// derived from them do not show members that join, change, fail or leave later. A call during
    /// a leave waits for that leave; a call after it returns how it went.
    ///
    /// # Errors
    ///
    /// [`Failure::NobodyHeard`](crate::Failure::NobodyHeard), as an [`Error::Failure`], if no peer
    /// acknowledged the leave, neither in a datagram nor over a stream: all of them are down, or
    /// the network between them and this node is. The node has left all the same, and peers that
    /// run see it as failed once it stops. It takes at least 1.5 s longer than a leave that is
    /// heard, so give `timeout` the time for that.
    ///
    /// [`Error::Stopped`] if the node is gone. Any other error leaves the node as it was.
    ///
    /// # Cancel safety
    ///
    /// That of every [command](Cluster#cancel-safety): a leave that has begun goes on. Call it again
    /// to wait for its end.
    pub async fn leave(&self, timeout: Duration) -> Result<Departure, Error> {
        self.ask(|reply| Ask::Leave { timeout, reply }).await
    }

    /// Announces other metadata, at most `meta_size_max` bytes. Resolves when the word is spread,
    /// or replaced by newer metadata. While another node has this node's name
    /// ([`Event::NameTaken`](crate::Event::NameTaken)) it fails with
    /// [`Failure::NameTaken`](crate::Failure::NameTaken) at once, and the metadata is announced when
    /// the name is free.
    pub async fn set_meta(&self, meta: impl Into<Bytes>) -> Result<(), Error> {
        let meta = meta.into();
        self.ask(|reply| Ask::SetMeta { meta, reply }).await
    }

    /// Announces other tags as this node's metadata, as [`set_meta`](Cluster::set_meta) does.
    ///
    /// # Errors
    ///
    /// [`CommandError::TooLarge`](crate::CommandError::TooLarge) beyond `meta_size_max`.
    pub async fn set_tags(&self, tags: &Tags) -> Result<(), Error> {
        self.set_meta(tags.encode()).await
    }

    /// Sends a message to every member, by gossip. Resolves when it was sent as often as an update
    /// is sent. It must fit into one datagram with all overheads.
    pub async fn broadcast(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        self.broadcast_keyed(Bytes::new(), payload).await
    }

    /// Like [`broadcast`](Cluster::broadcast), with a key of up to 255 bytes: it replaces an older
    /// broadcast of this node with the same key, wherever that one still waits to be passed on; the
    /// older one's future then resolves. For state of which only the latest matters. Key and
    /// payload together must fit into one datagram with all overheads. An empty key is none.
    ///
    /// An older one can still arrive after a newer one, where the newer one has been passed on
    /// already; put a version into the payload if that matters.
    ///
    /// ```
    /// # use swim_driver::{Cluster, Error};
    /// async fn announce_load(cluster: &Cluster, load: u32) -> Result<(), Error> {
    ///     cluster.broadcast_keyed("load", load.to_string()).await
    /// }
    /// ```
    pub async fn broadcast_keyed(
        &self,
        key: impl Into<Bytes>,
        payload: impl Into<Bytes>,
    ) -> Result<(), Error> {
        let (key, payload) = (key.into(), payload.into());
        self.ask(|reply| Ask::Broadcast { key, payload, reply }).await
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

    /// Forgets a member that failed or left, and all that is held against it: this node does not
    /// look for it any more, and old news may bring it back for a while. For names that will never
    /// return. Only this node forgets; others are told nothing.
    ///
    /// Also a member that is not listed any more can be forgotten, as long as the node remembers
    /// it (a day by default). One that is a seed is still asked:
    /// [`remove_seed`](Cluster::remove_seed) ends that.
    ///
    /// ```
    /// # use swim_driver::{Cluster, CommandError, Error};
    /// async fn decommissioned(cluster: &Cluster, name: &str) -> Result<(), Error> {
    ///     match cluster.forget(name).await {
    ///         // Nothing is known of it: just as well.
    ///         Err(Error::Command(CommandError::UnknownMember)) => Ok(()),
    ///         result => result,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CommandError::UnknownMember`](crate::CommandError::UnknownMember) for a name that is not
    /// remembered, [`CommandError::StillLive`](crate::CommandError::StillLive) for a member that is
    /// alive or suspect, [`CommandError::OwnName`](crate::CommandError::OwnName) for this node's.
    pub async fn forget(&self, name: &str) -> Result<(), Error> {
        let name = name.to_owned();
        self.ask(|reply| Ask::Forget { name, reply }).await
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

    /// Installs a key: from now on this node opens what is sealed with it. False if it was there
    /// already. A first key is also sealed with.
    ///
    /// A running cluster gets another key in three steps, each of which must have ended on every
    /// member before the next one begins: install the new key, then [use](Cluster::use_key) it,
    /// then [remove](Cluster::remove_key) the old one: see `docs/how-to/rotate-keys.md`, and
    /// `docs/how-to/encrypt.md` for a first key. Nothing is kept on disk: after a restart a node
    /// has the keys of its [`Config`](crate::Config).
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
    ///
    /// [`KeyringError::Full`](crate::KeyringError::Full) within
    /// [`CommandError::Keyring`](crate::CommandError::Keyring),
    /// [`CommandError::Cipher`](crate::CommandError::Cipher) for a key that memberlist's wire does
    /// not know, [`CommandError::PacketTooSmall`](crate::CommandError::PacketTooSmall).
    pub async fn install_key(&self, key: Key) -> Result<bool, Error> {
        self.ask(|reply| Ask::InstallKey { key, reply }).await
    }

    /// Seals with this key from now on. Install it on every member first: those that do not have
    /// it hear nothing of this node any more.
    ///
    /// # Errors
    ///
    /// [`KeyringError::Unknown`](crate::KeyringError::Unknown) within
    /// [`CommandError::Keyring`](crate::CommandError::Keyring) for a key that is not installed.
    pub async fn use_key(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        self.ask(|reply| Ask::UseKey { key, reply }).await
    }

    /// Removes a key: what it seals is not opened any more. Do it when no member seals with it,
    /// those that are down and will come back included.
    ///
    /// # Errors
    ///
    /// Within [`CommandError::Keyring`](crate::CommandError::Keyring)
    /// [`KeyringError::Primary`](crate::KeyringError::Primary) for the key that this node seals
    /// with, [`KeyringError::Unknown`](crate::KeyringError::Unknown) for one that it does not have.
    pub async fn remove_key(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        self.ask(|reply| Ask::RemoveKey { key, reply }).await
    }

    /// The keys of this node: the one that it seals with, then the others. To compare those of two
    /// nodes, use their [fingerprints](Key::fingerprint).
    pub async fn keys(&self) -> Result<Vec<Key>, Error> {
        self.ask(|reply| Ask::Keys { reply }).await
    }

    /// Says whether, with keys, what goes out is encrypted, and what comes in has to be. Both are
    /// so unless the [`Config`](crate::Config) says otherwise.
    ///
    /// A running cluster without keys is moved to encryption in three steps, each of which must
    /// have ended on every member before the next one begins:
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
    ///
    /// [`CommandError::PacketTooSmall`](crate::CommandError::PacketTooSmall).
    pub async fn set_encryption(&self, encryption: Encryption) -> Result<(), Error> {
        self.ask(|reply| Ask::SetEncryption { encryption, reply }).await
    }

    /// Takes another label for the cluster, and says which other one is accepted as well: empty
    /// for none at all, `None` for no other.
    ///
    /// A running cluster is moved from one label to another in three steps, each of which must have
    /// ended on every member before the next one begins:
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
    ///
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
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.ask(|reply| Ask::Stats { reply }).await
    }

    /// The members now, by name, this node included; also those that failed or left of late.
    ///
    /// After a [`leave`](Cluster::leave) this is a frozen view, until the node joins again: it
    /// probes nobody and hears no more news, so members that join, change, fail or leave later are
    /// not shown.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.view.members()
    }

    /// The live peers now, by name: all members that are alive or suspect, without this node.
    ///
    /// A suspect is live: it did not answer one probe, and mostly does answer the next. To follow
    /// the live peers, use [`watch`](Cluster::watch).
    #[must_use]
    pub fn peers(&self) -> Vec<Member> {
        self.view.peers_where(|_| true)
    }

    /// The live [`peers`](Cluster::peers) that have this [tag](Tags).
    ///
    /// ```
    /// # use swim_driver::Cluster;
    /// fn caches(cluster: &Cluster) -> Vec<std::net::SocketAddr> {
    ///     cluster.peers_tagged("role", "cache").iter().map(|member| member.address).collect()
    /// }
    /// ```
    #[must_use]
    pub fn peers_tagged(&self, key: &str, value: &str) -> Vec<Member> {
        self.view.peers_where(|peer| Tags::of(peer).is_some_and(|it| it.get(key) == Some(value)))
    }

    /// How many live [`peers`](Cluster::peers) there are now. 0 means that this node is alone, or
    /// cut off from all others.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.view.peer_count()
    }

    /// How many members are live now (alive or suspect), this node included unless it left.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.view.live_count()
    }

    /// Returns the live peers as a stream of changes: who joined, changed, was replaced, is gone.
    ///
    /// Each [`Watch`] begins with the peers that are live now. It misses nothing, however slowly it
    /// is read.
    ///
    /// ```
    /// # use swim_driver::{Change, Cluster};
    /// async fn keep_connected(cluster: &Cluster) {
    ///     let mut watch = cluster.watch();
    ///     while let Some(change) = watch.next().await {
    ///         println!("{change}; {} live peers", cluster.peer_count());
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.view.watch()
    }

    /// One member now.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Member> {
        self.view.member(name)
    }

    /// The member that announces this address now; of several the live one.
    #[must_use]
    pub fn member_at(&self, address: SocketAddr) -> Option<Member> {
        self.view.member_at(address)
    }

    /// What one member's state is now. `None` for a name that is not listed.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<State> {
        self.view.state(name)
    }

    /// Whether a member of this name is live now, that is alive or suspect.
    #[must_use]
    pub fn is_live(&self, name: &str) -> bool {
        self.state(name).is_some_and(State::is_live)
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
