//! Drivers that reach each other through queues, and a clock that the test moves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use swim_driver::{
    Action, Cluster, ConnectionError, Driver, Events, Hooks, Inbox, Input, Io, NoHooks, Notice,
    Options, ResolveId, StreamId, StreamNews,
};

/// An input that owns its bytes.
#[derive(Debug)]
pub(crate) enum Waiting {
    Datagram(SocketAddr, Bytes),
    Opened(StreamId),
    Data(StreamId, Bytes),
    Written(StreamId),
    Finished(StreamId),
    Failed(StreamId),
    Resolved(ResolveId, Lookup),
}

/// The answer of a name server.
pub(crate) type Lookup = Result<Vec<SocketAddr>, String>;

/// The input that waits in one node's sockets, and its actions.
pub(crate) struct Sockets {
    inbox: Inbox,
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) actions: Vec<Action>,
    data: Bytes,
    pub(crate) taken: usize,
    /// When they were opened.
    opened: Instant,
}

impl Sockets {
    fn next(&mut self) -> Option<Input<'_>> {
        if let Some(command) = self.inbox.try_next() {
            return Some(Input::Command(command));
        }
        self.taken += 1;
        let stream = |id, news| Some(Input::Stream { id, news });
        match self.waiting.pop_front()? {
            Waiting::Datagram(from, payload) => {
                self.data = payload;
                Some(Input::Datagram { from, payload: &self.data })
            }
            Waiting::Data(id, bytes) => {
                self.data = bytes;
                Some(Input::Stream { id, news: StreamNews::Data(&self.data) })
            }
            Waiting::Opened(id) => stream(id, StreamNews::Opened),
            Waiting::Written(id) => stream(id, StreamNews::Written),
            Waiting::Finished(id) => stream(id, StreamNews::Finished),
            Waiting::Failed(id) => stream(id, StreamNews::Failed(ConnectionError::Refused)),
            Waiting::Resolved(id, result) => Some(Input::Resolved { id, result }),
        }
    }
}

impl Io for Sockets {
    /// A time before any turn: a turn takes no time, unless a test says otherwise.
    fn take(&mut self) -> Option<(Instant, Input<'_>)> {
        let opened = self.opened;
        self.next().map(|input| (opened, input))
    }

    fn perform(&mut self, action: Action) {
        self.actions.push(action);
    }
}

pub(crate) struct Host {
    pub(crate) driver: Driver,
    pub(crate) cluster: Cluster,
    pub(crate) events: Events,
    pub(crate) sockets: Sockets,
    pub(crate) address: SocketAddr,
    /// Takes no turn, and receives nothing.
    pub(crate) crashed: bool,
    /// All connections that it dialled, with their destinations.
    pub(crate) dialled: Vec<(StreamId, SocketAddr)>,
    /// The connections that it aborted.
    pub(crate) aborted: Vec<StreamId>,
    /// The other end of each connection.
    ends: BTreeMap<StreamId, (usize, StreamId)>,
}

impl Host {
    /// All unread notices of the first subscriber.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.events.try_next()).collect()
    }

    fn is_at(&self, address: SocketAddr) -> bool {
        self.address == address && !self.crashed
    }

    /// The names that the node wants resolved, with their ids.
    pub(crate) fn resolves(&mut self) -> Vec<(ResolveId, String)> {
        let mut found = Vec::new();
        self.sockets.actions.retain(|action| match action {
            Action::Resolve { id, host, .. } => {
                found.push((*id, host.clone()));
                false
            }
            _ => true,
        });
        found
    }

    /// Answers each waiting lookup with `answer` for its name. Returns how many there were.
    pub(crate) fn resolve(&mut self, answer: impl Fn(&str) -> Lookup) -> usize {
        let names = self.resolves();
        for (id, name) in &names {
            self.sockets.waiting.push_back(Waiting::Resolved(*id, answer(name)));
        }
        names.len()
    }

    /// The addresses that the node dialled since the last call.
    pub(crate) fn dials(&mut self) -> Vec<SocketAddr> {
        self.dialled.drain(..).map(|(_, to)| to).collect()
    }
}

/// The nodes of a test.
pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) hosts: Vec<Host>,
    /// Dials of these addresses get no answer.
    pub(crate) black_holes: BTreeSet<SocketAddr>,
}

impl Net {
    pub(crate) fn new() -> Self {
        Net { now: Instant::now(), hosts: Vec::new(), black_holes: BTreeSet::new() }
    }

    /// Adds a node called `name` at `10.0.0.<n>:7946`, where n counts from 1.
    pub(crate) fn add(&mut self, name: &str, change: impl FnOnce(&mut Options)) -> usize {
        self.add_with_hooks(name, Box::new(NoHooks), change)
    }

    pub(crate) fn add_with_hooks(
        &mut self,
        name: &str,
        hooks: Box<dyn Hooks>,
        change: impl FnOnce(&mut Options),
    ) -> usize {
        let index = self.hosts.len();
        let host = self.host(index, name, hooks, change);
        self.hosts.push(host);
        index
    }

    /// Restarts a node at its address, without any knowledge.
    pub(crate) fn restart(&mut self, index: usize, change: impl FnOnce(&mut Options)) {
        let name = self.hosts[index].cluster.local().name;
        self.hosts[index] = self.host(index, name.as_str(), Box::new(NoHooks), change);
        for host in &mut self.hosts {
            host.ends.retain(|_, (peer, _)| *peer != index);
        }
    }

    fn host(
        &self,
        index: usize,
        name: &str,
        hooks: Box<dyn Hooks>,
        change: impl FnOnce(&mut Options),
    ) -> Host {
        let address: SocketAddr = format!("10.0.0.{}:7946", index + 1).parse().unwrap();
        let mut options = Options::local(name.parse().unwrap());
        options.bind = address;
        change(&mut options);
        let seed = [u8::try_from(index).unwrap() + 1; 32];
        let driver = Driver::with_hooks(&options, hooks, address, seed, self.now).unwrap();
        let cluster = driver.cluster();
        let (_, events) = cluster.subscribe();
        let sockets = Sockets {
            inbox: driver.inbox(),
            waiting: VecDeque::new(),
            actions: Vec::new(),
            data: Bytes::new(),
            taken: 0,
            opened: self.now,
        };
        Host {
            driver,
            cluster,
            events,
            sockets,
            address,
            crashed: false,
            dialled: Vec::new(),
            aborted: Vec::new(),
            ends: BTreeMap::new(),
        }
    }

    /// Nodes `a`, `b`, ... that have joined each other.
    pub(crate) fn formed(count: usize, change: impl Fn(&mut Options)) -> Self {
        let mut net = Net::new();
        for index in 0..count {
            let name = char::from(b'a' + u8::try_from(index).unwrap()).to_string();
            net.add(&name, |options| {
                options.seeds = vec!["10.0.0.1:7946".into()];
                change(options);
            });
        }
        // Gossip alone may miss a member; push/pull does not.
        let complete = |host: &Host| host.cluster.members().len() == count;
        for _ in 0..60 {
            net.run(Duration::from_secs(1));
            if net.hosts.iter().all(complete) {
                break;
            }
        }
        for host in &mut net.hosts {
            assert!(complete(host), "{} knows {:?}", host.address, host.cluster.members());
            host.notices();
        }
        net
    }

    /// One turn of one node, and the delivery of its output.
    pub(crate) fn turn(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        if host.crashed {
            host.sockets.waiting.clear();
            return false;
        }
        let more = host.driver.turn(self.now, &mut host.sockets);
        self.deliver(index);
        more
    }

    /// Turns of all nodes until no input waits.
    pub(crate) fn settle(&mut self) {
        loop {
            for index in 0..self.hosts.len() {
                self.turn(index);
            }
            if self.hosts.iter().all(|host| host.sockets.waiting.is_empty()) {
                return;
            }
        }
    }

    /// Lets time pass, with every node on time.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let up = self.hosts.iter().filter(|host| !host.crashed);
            let due = up.filter_map(|host| host.driver.poll_timeout()).min();
            match due {
                Some(due) if due <= end => self.now = self.now.max(due),
                _ => break,
            }
        }
        self.now = end;
        self.settle();
    }

    /// Carries out a node's actions. Names are left for the test to resolve.
    fn deliver(&mut self, from: usize) {
        let address = self.hosts[from].address;
        let mut kept = Vec::new();
        for action in std::mem::take(&mut self.hosts[from].sockets.actions) {
            match action {
                Action::Send { to, payload } => {
                    if let Some(to) = self.hosts.iter_mut().find(|it| it.is_at(to)) {
                        to.sockets.waiting.push_back(Waiting::Datagram(address, payload));
                    }
                }
                Action::Dial { id, to, .. } => self.connect(from, id, to),
                Action::Write { id, bytes } => {
                    self.hosts[from].sockets.waiting.push_back(Waiting::Written(id));
                    self.tell_peer(from, id, |peer| Waiting::Data(peer, bytes));
                }
                Action::Finish { id } => self.tell_peer(from, id, Waiting::Finished),
                Action::Abort { id } => {
                    self.hosts[from].aborted.push(id);
                    self.tell_peer(from, id, Waiting::Failed);
                }
                Action::Resolve { .. } => kept.push(action),
            }
        }
        self.hosts[from].sockets.actions = kept;
    }

    fn connect(&mut self, from: usize, id: StreamId, to: SocketAddr) {
        self.hosts[from].dialled.push((id, to));
        if self.black_holes.contains(&to) {
            return;
        }
        let address = self.hosts[from].address;
        let listener = self.hosts.iter().position(|host| host.is_at(to));
        let accepted = listener.and_then(|peer| {
            let accepted = self.hosts[peer].driver.handle_accept(self.now, address).ok()?;
            Some((peer, accepted))
        });
        let Some((peer, accepted)) = accepted else {
            return self.hosts[from].sockets.waiting.push_back(Waiting::Failed(id));
        };
        self.hosts[from].ends.insert(id, (peer, accepted));
        self.hosts[peer].ends.insert(accepted, (from, id));
        self.hosts[from].sockets.waiting.push_back(Waiting::Opened(id));
    }

    fn tell_peer(&mut self, from: usize, id: StreamId, news: impl FnOnce(StreamId) -> Waiting) {
        if let Some(&(peer, peer_id)) = self.hosts[from].ends.get(&id)
            && !self.hosts[peer].crashed
        {
            self.hosts[peer].sockets.waiting.push_back(news(peer_id));
        }
    }
}

/// Polls a future once.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a command that the node completes within its turn.
pub(crate) fn ask<F: Future>(net: &mut Net, asking: F) -> F::Output {
    let mut asking = Box::pin(asking);
    assert!(poll(&mut asking).is_pending());
    net.settle();
    ready(&mut asking)
}

/// The result of a future that is ready.
pub(crate) fn ready<F: Future + Unpin>(future: &mut F) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready yet"),
    }
}
