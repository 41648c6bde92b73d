//! Starting nodes, and waiting for what they should come to believe.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use swim_test_support::say_skipped;
use swim_tokio::{Cluster, Event, Events, Notice, Options, State};
use tokio::time::{sleep, timeout};

/// Far more than anything here takes, also on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) events: Events,
    pub(crate) node: swim_tokio::Node,
}

impl From<swim_tokio::Node> for Node {
    fn from(mut node: swim_tokio::Node) -> Self {
        Node { cluster: node.cluster(), events: node.events(), node }
    }
}

impl Node {
    /// The address that others join.
    pub(crate) fn address(&self) -> String {
        self.cluster.local().address.to_string()
    }

    /// What this node believes of another.
    pub(crate) fn state_of(&self, name: &str) -> Option<State> {
        self.cluster.member(name).map(|member| member.state)
    }

    /// Waits for an event for which `wanted` gives something; others are skipped.
    pub(crate) async fn event<T>(&mut self, wanted: impl Fn(Event) -> Option<T>) -> T {
        let name = self.cluster.local().name;
        let search = async {
            loop {
                match self.events.next().await {
                    Some(Notice::Event(event)) => {
                        if let Some(found) = wanted(event) {
                            return found;
                        }
                    }
                    Some(_) => {}
                    None => panic!("the node ended"),
                }
            }
        };
        let found = timeout(LIMIT, search).await;
        found.unwrap_or_else(|_| panic!("{name} never told of it"))
    }

    /// Ends the node without a leave, and waits until it is gone.
    pub(crate) async fn crash(self) -> (Cluster, Events) {
        self.node.stop().await;
        (self.cluster, self.events)
    }
}

/// Settings of a node of the local profile on a free port of 127.0.0.1.
pub(crate) fn options(name: &str) -> Options {
    let mut options = Options::local(name.parse().unwrap());
    options.bind = "127.0.0.1:0".parse().unwrap();
    options
}

/// The same on an address of its own, so that its port stays free for it when it is gone for a
/// while, whatever else runs on this machine.
pub(crate) fn returning(name: &str) -> Options {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let mut options = options(name);
    // Elsewhere loopback is a single address.
    if cfg!(target_os = "linux") {
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 128 | process[2], process[3], 1 + number);
        options.bind = SocketAddr::new(address.into(), 0);
    }
    options
}

pub(crate) async fn start(options: Options) -> Node {
    swim_tokio::start(options).await.unwrap().into()
}

/// Nodes that all know each other.
pub(crate) async fn formed<const N: usize>(names: [&str; N]) -> [Node; N] {
    formed_with(names, |_| {}).await
}

pub(crate) async fn formed_with<const N: usize>(
    names: [&str; N],
    change: impl Fn(&mut Options),
) -> [Node; N] {
    let mut nodes: Vec<Node> = Vec::new();
    for name in names {
        let mut options = options(name);
        change(&mut options);
        options.seeds.extend(nodes.first().map(Node::address));
        nodes.push(start(options).await);
    }
    until("all know each other", || {
        nodes.iter().all(|node| names.iter().all(|name| node.state_of(name) == Some(State::Alive)))
    })
    .await;
    nodes.try_into().unwrap_or_else(|_| unreachable!("a node for each name"))
}

/// Waits until something is true.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("it never came true that {what}"));
}

/// Whether this machine speaks IPv6 with itself; if not, says so.
pub(crate) fn has_ipv6() -> bool {
    let has = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        say_skipped("everything over IPv6", "this machine has no ::1: enable IPv6 on loopback");
    }
    has
}
