//! The nodes of the demo: real ones, each with its own sockets on 127.0.0.1.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use swim_tokio::{BindError, Cluster, Config, Events, Name, NameError, Notice, Options, State};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The label of the demo's cluster: another demo on this machine must not join it.
const LABEL: &str = "swim-demo";

/// The capacity of the channel of news.
const NEWS_WAITING_MAX: usize = 4096;

/// How often, and at which interval, a restarted node tries to bind its old port.
const REBIND_TRIES: u32 = 20;
const REBIND_PAUSE: Duration = Duration::from_millis(100);

/// An event of a node.
#[derive(Debug)]
pub(super) struct News {
    /// The time at which it was reported.
    pub(super) at: Instant,
    /// The node that reported it.
    pub(super) observer: usize,
    /// The event, or a notice of lost events.
    pub(super) notice: Notice,
}

/// One of the nodes, running or not.
#[derive(Debug)]
struct Node {
    name: Name,
    address: Option<SocketAddr>,
    running: Option<Running>,
}

/// A running node. Dropping it stops the node without a leave.
#[derive(Debug)]
struct Running {
    node: swim_tokio::Node,
    /// Ends after the node's last event.
    watch: JoinHandle<()>,
}

/// All nodes of the demo.
#[derive(Debug)]
pub(super) struct Cast {
    nodes: Vec<Node>,
    sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
}

impl Cast {
    /// Creates `count` nodes with names. None runs yet.
    pub(super) fn new(count: usize) -> Result<Self, NameError> {
        let nodes = (1..=count)
            .map(|number| {
                Ok(Node {
                    name: Name::new(&format!("node-{number}"))?,
                    address: None,
                    running: None,
                })
            })
            .collect::<Result<_, _>>()?;
        let (sender, news) = mpsc::channel(NEWS_WAITING_MAX);
        Ok(Cast { nodes, sender, news })
    }

    /// Starts a node: on a free port the first time, then on the same port.
    pub(super) async fn start(
        &mut self,
        index: usize,
        seeds: &[usize],
    ) -> Result<SocketAddr, BindError> {
        let node = &self.nodes[index];
        let address = node.address.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
        let seeds: Vec<String> = seeds
            .iter()
            .filter_map(|seed| self.nodes[*seed].address)
            .map(|address| address.to_string())
            .collect();
        let mut tries = 0;
        let mut started = loop {
            let mut options = Options::local(node.name.clone());
            options.bind = address;
            options.seeds = seeds.clone();
            options.config.label = LABEL.into();
            tries += 1;
            match swim_tokio::start(options).await {
                // The sockets of the crashed node may take a moment to close.
                Err(_) if node.address.is_some() && tries < REBIND_TRIES => {
                    tokio::time::sleep(REBIND_PAUSE).await;
                }
                result => break result?,
            }
        };
        let address = started.cluster().local_address();
        let watch = tokio::spawn(watch(index, started.events(), self.sender.clone()));
        let node = &mut self.nodes[index];
        node.address = Some(address);
        node.running = Some(Running { node: started, watch });
        Ok(address)
    }

    /// Stops a node without a leave: its sockets close.
    pub(super) async fn crash(&mut self, index: usize) {
        if let Some(Running { node, watch }) = self.nodes[index].running.take() {
            watch.abort();
            node.stop().await;
        }
    }

    /// The handle of a running node.
    pub(super) fn cluster(&self, index: usize) -> Option<Cluster> {
        self.nodes[index].running.as_ref().map(|running| running.node.cluster())
    }

    /// The settings of all nodes, apart from the name.
    pub(super) fn config(&self) -> Config {
        Options::local(self.nodes[0].name.clone()).config
    }

    /// The next news of any node.
    pub(super) async fn next_news(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            // This value holds a sender itself, so the channel never closes.
            None => std::future::pending().await,
        }
    }

    /// The number of nodes, running or not.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The name of a node.
    pub(super) fn name(&self, index: usize) -> &str {
        self.nodes[index].name.as_str()
    }

    /// The node of that name.
    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == *name)
    }

    /// The state of each node in a running node's view; `None` for nodes that it does not list.
    pub(super) fn view(&self, observer: usize) -> Vec<Option<State>> {
        let mut view = vec![None; self.len()];
        if let Some(running) = &self.nodes[observer].running {
            for member in running.node.cluster().members() {
                if let Some(subject) = self.index_of(member.name.as_str()) {
                    view[subject] = Some(member.state);
                }
            }
        }
        view
    }
}

/// Passes on the events of a node, with their times.
async fn watch(observer: usize, mut events: Events, sender: mpsc::Sender<News>) {
    while let Some(notice) = events.next().await {
        let news = News { at: Instant::now(), observer, notice };
        if sender.send(news).await.is_err() {
            return;
        }
    }
}
