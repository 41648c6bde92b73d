//! The cache beside a node: answers and forwards requests, follows the members, leaves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use async_channel::{Receiver, Sender};
use example_lines::{Lines, word};
use futures_lite::io::split;
use futures_lite::{AsyncWriteExt, future};
use swim_driver::{Change, Cluster, Departure, Error, Listener, Member, RuntimeHandle, Tags};

use crate::owner::owner;
use crate::request::Request;
use crate::serving::Room;
use crate::settings::{Flaw, LINE_SIZE_MAX, Settings};
use crate::store::Store;

/// The tag with the port of a node of the cache.
pub const PORT: &str = "cache-port";

/// Longest wait for an owner's answer. Then the client gets an error.
const FORWARD_TIME_MAX: Duration = Duration::from_secs(1);

/// Longest time for a leaving node to hand over its keys. Together with [`LEAVE_TIME_MAX`] it is
/// less than 5 s.
const HANDOVER_TIME_MAX: Duration = Duration::from_secs(2);

/// Longest time for the leave itself.
const LEAVE_TIME_MAX: Duration = Duration::from_millis(2500);

/// Pause after a failed accept: the process is out of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A cache beside a node of a cluster.
#[derive(Debug)]
pub struct Cache {
    cluster: Cluster,
    listener: Listener,
    node: Node,
    /// Signalled when keys may have to be handed over.
    rung: Receiver<()>,
}

impl Cache {
    /// Listens on the node's address. Connections are served from [`run`](Cache::run) on.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the port cannot be opened.
    pub fn start(cluster: Cluster, settings: &Settings) -> Result<Self, StartError> {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(settings.port);
        let listener = runtime.listen(address).map_err(|error| StartError { address, error })?;
        let (bell, rung) = async_channel::bounded(1);
        let state = State {
            name: cluster.local().name.to_string(),
            address: listener.local_address(),
            peers: BTreeMap::new(),
            store: Store::new(settings.bytes_max),
            leaving: false,
            counts: Counts::default(),
        };
        let (word, room) = (word(&state.name).into(), Room::new());
        let state = Arc::new(Mutex::new(state));
        let node = Node { state, word, room, runtime, bell, flaw: settings.flaw };
        Ok(Cache { cluster, listener, node, rung })
    }

    /// Returns the address at which the cache listens.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Serves until `stop` resolves, then hands over its keys and leaves the cluster within 5 s.
    ///
    /// # Errors
    ///
    /// The node stopped, its tags have no room for the port, or no peer received the leave.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Departure, Error> {
        let Cache { cluster, mut listener, node, rung } = self;
        let mut tags = Tags::of(&cluster.local()).unwrap_or_default();
        tags.insert(PORT, listener.local_address().port().to_string());
        cluster.set_tags(&tags).await?;
        // Closed when this future ends, which ends every task that it spawned.
        let (_running, ended) = async_channel::bounded::<()>(1);
        let leaving = async {
            stop.await;
            // Without the port in this node's tags, peers stop forwarding to it. It forwards all
            // requests to them.
            node.state().leaving = true;
            tags.remove(PORT);
            cluster.set_tags(&tags).await?;
            let _ = node.runtime.timeout(HANDOVER_TIME_MAX, node.is_handed_over()).await;
            cluster.leave(LEAVE_TIME_MAX).await
        };
        let following = async {
            node.follow(&cluster).await;
            Err(Error::Stopped)
        };
        let others = async {
            future::zip(node.accept(&mut listener, &ended), node.hand_over(rung)).await;
            future::pending().await
        };
        future::or(leaving, future::or(following, others)).await
    }
}

/// The parts that the tasks of a node share.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    state: Arc<Mutex<State>>,
    /// The node's name as one word.
    pub(crate) word: Arc<str>,
    pub(crate) room: Room,
    pub(crate) runtime: RuntimeHandle,
    pub(crate) bell: Sender<()>,
    pub(crate) flaw: Flaw,
}

/// The state of a node. No task waits while it holds the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    address: SocketAddr,
    /// The live peers that run the cache.
    pub(crate) peers: BTreeMap<String, SocketAddr>,
    pub(crate) store: Store,
    /// The node is leaving: it owns no key any longer.
    pub(crate) leaving: bool,
    pub(crate) counts: Counts,
}

/// Counters for `STATS`.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    hits: u64,
    misses: u64,
    forwarded: u64,
    unanswered: u64,
    pub(crate) moved_in: u64,
    pub(crate) moved_out: u64,
}

impl State {
    /// Returns the owner of a key: its name, and its address unless it is this node. `None` if this
    /// node leaves and has no peers.
    pub(crate) fn owner(&self, key: &str) -> Option<(&str, Option<SocketAddr>)> {
        let own = (!self.leaving).then_some(&*self.name);
        let name = owner(key, self.peers.keys().map(String::as_str).chain(own))?;
        Some((name, self.peers.get(name).copied()))
    }

    /// Answers a request as the owner of its key.
    fn answer(&mut self, request: &Request, flaw: Flaw) -> String {
        match request {
            Request::Get { key } => {
                let found = self.store.get(key);
                let mixed = || self.store.keys().find(|other| other.len() == key.len());
                let found = match flaw {
                    Flaw::MixesKeys => mixed().and_then(|other| self.store.get(other)),
                    _ => found,
                };
                let answer = found.map(|value| format!("VALUE {value}"));
                *match answer {
                    Some(_) => &mut self.counts.hits,
                    None => &mut self.counts.misses,
                } += 1;
                answer.unwrap_or_else(|| "NONE".into())
            }
            Request::Set { key, value } => {
                self.store.set(key, value);
                "OK".into()
            }
            Request::Delete { key } if self.store.remove(key) => "OK".into(),
            _ => "NONE".into(),
        }
    }

    /// Takes a key that another node hands over, unless it has a value here: that one is newer.
    fn take(&mut self, key: &str, value: &str, flaw: Flaw) -> String {
        if self.leaving {
            return "ERR this node is leaving the cluster".into();
        }
        if self.store.get(key).is_none() || flaw == Flaw::TakesOldValues {
            self.store.set(key, value);
            self.counts.moved_in += 1;
        }
        "OK".into()
    }

    fn stats(&self) -> String {
        let Counts { hits, misses, forwarded, unanswered, moved_in, moved_out } = self.counts;
        format!(
            "STATS keys={} members={} hits={hits} misses={misses} forwarded={forwarded} \
             unanswered={unanswered} moved_in={moved_in} moved_out={moved_out} evicted={}",
            self.store.len(),
            self.peers.len() + usize::from(!self.leaving),
            self.store.evicted
        )
    }
}

impl Node {
    /// Locks the state. A task that panicked while it held the lock does not stop the other tasks.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the live members while the node runs.
    async fn follow(&self, cluster: &Cluster) {
        let mut watch = cluster.watch();
        while let Some(change) = watch.next().await {
            let member = change.member();
            let name = member.name.to_string();
            match address_of(member).filter(|_| !matches!(change, Change::Gone { .. })) {
                Some(address) => self.state().peers.insert(name, address),
                None => self.state().peers.remove(&name),
            };
            // If the channel is full, the receiver will wake anyway.
            let _ = self.bell.try_send(());
        }
    }

    async fn accept(&self, listener: &mut Listener, ended: &Receiver<()>) {
        loop {
            let Ok((connection, from)) = listener.accept().await else {
                self.runtime.sleep(ACCEPT_AGAIN).await;
                continue;
            };
            let Some(admitted) = self.room.admit(from.ip()) else { continue };
            let (node, ended) = (self.clone(), ended.clone());
            let serving = async move {
                node.serve(connection, admitted).await;
            };
            let ends = async move {
                let _ = ended.recv().await;
            };
            self.runtime.spawn(future::or(serving, ends)).detach();
        }
    }

    pub(crate) async fn answer(&self, request: &Request) -> String {
        let (owned, is_forwarded) = match request {
            Request::Forwarded(request) => (&**request, true),
            request => (request, false),
        };
        let Some(key) = owned.key() else { return self.answer_any(request) };
        // Decide and answer under one lock. Otherwise a key could be set here after it was handed
        // over.
        let place = {
            let mut state = self.state();
            match self.place(&state, key) {
                Some((_, None)) => return state.answer(owned, self.flaw),
                place => place,
            }
        };
        match place {
            Some((name, Some(address))) if !is_forwarded => {
                self.forward(owned, &name, address).await
            }
            Some(_) => "ERR the owner of the key is changing: try again".into(),
            None => "ERR this node is leaving, and no other is left".into(),
        }
    }

    /// Answers a request that any node can answer.
    fn answer_any(&self, request: &Request) -> String {
        let mut state = self.state();
        match request {
            Request::Take { key, value } => {
                // The key may belong to another node.
                let _ = self.bell.try_send(());
                state.take(key, value, self.flaw)
            }
            Request::Where { key } => match self.place(&state, key) {
                Some((name, address)) => {
                    format!("OWNER {} {}", word(&name), address.unwrap_or(state.address))
                }
                None => "NONE".into(),
            },
            _ => state.stats(),
        }
    }

    /// Returns the owner of a key, and its address unless it is this node.
    fn place(&self, state: &State, key: &str) -> Option<(String, Option<SocketAddr>)> {
        let seen = match self.flaw {
            Flaw::DisagreesOnOwners => format!("{key}{}", state.name),
            _ => key.to_owned(),
        };
        state.owner(&seen).map(|(name, address)| (name.to_owned(), address))
    }

    /// Forwards a request to the owner. Returns its answer, or an error after a limited time.
    async fn forward(&self, request: &Request, name: &str, address: SocketAddr) -> String {
        self.state().counts.forwarded += 1;
        let asking = async {
            let (reader, mut writer) = split(self.runtime.connect(address).await?);
            writer.write_all(format!("FORWARDED {request}\n").as_bytes()).await?;
            let line = Lines::new(reader, LINE_SIZE_MAX).next().await.map_err(io::Error::other)?;
            line.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
        };
        let limit = match self.flaw {
            Flaw::WaitsForOwner => Duration::MAX,
            _ => FORWARD_TIME_MAX,
        };
        let answer = self.runtime.timeout(limit, asking).await;
        answer.unwrap_or_else(|elapsed| Err(elapsed.into())).unwrap_or_else(|error| {
            self.state().counts.unanswered += 1;
            format!("ERR the owner {} does not answer: {error}", word(name))
        })
    }
}

/// Returns the address at which a member takes requests, or `None` if it does not run the cache.
fn address_of(member: &Member) -> Option<SocketAddr> {
    let port = Tags::of(member)?.get(PORT)?.parse().ok()?;
    Some(SocketAddr::new(member.address.ip(), port))
}

/// Why a cache cannot start: its port cannot be opened.
#[derive(Debug)]
pub struct StartError {
    address: SocketAddr,
    error: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StartError { address, error } = self;
        match error.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "port {} is in use on {}: stop the other process, or choose another port with \
                 --port",
                address.port(),
                address.ip()
            ),
            _ => write!(f, "cannot listen on {address}: {error}; see --port"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
