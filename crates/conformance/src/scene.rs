//! The tools of a case: its own network, and nodes in it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use swim_driver::{BindError, Hooks, NoHooks, Options, State};

use crate::adapter::Threads;
use crate::alone::wait_for_copies_of_sockets;
use crate::counting::Tasks;
use crate::loopback;
use crate::node::Node;
use crate::setting::{Setting, World};
use crate::stranger::Stranger;
use crate::unstarted::Unstarted;
use crate::wait::until;

/// A network of its own, and nodes in it.
#[derive(Clone)]
pub(crate) struct Scene {
    setting: Arc<dyn Setting>,
    world: Arc<dyn World>,
}

impl Scene {
    pub(crate) fn new(setting: Arc<dyn Setting>) -> Self {
        let world = setting.world();
        Scene { setting, world }
    }

    /// The same, with its nodes' tasks counted.
    pub(crate) fn counted(&self) -> (Self, Tasks) {
        let tasks = Tasks::default();
        let world = self.setting.counted_world(&tasks);
        (Scene { setting: Arc::clone(&self.setting), world }, tasks)
    }

    /// Options of a node with the local profile, on a free port.
    pub(crate) fn options(&self, name: &str) -> Options {
        let mut options = Options::local(name.parse().unwrap());
        options.bind = SocketAddr::new(self.address(), 0);
        options
    }

    /// The same on an address of its own, for a node that ends before the rest. So its port stays
    /// free until it returns, and no node of another case receives packets for it.
    #[expect(clippy::unused_self, reason = "it is what `options` is, elsewhere")]
    pub(crate) fn returning(&self, name: &str) -> Options {
        let mut options = Options::local(name.parse().unwrap());
        options.bind = apart();
        options
    }

    /// On the machine all nodes share one: connections come from it, whichever address a node
    /// listens on.
    fn address(&self) -> IpAddr {
        if self.setting.is_of_the_machine() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            loopback::address()
        }
    }

    pub(crate) async fn start(&self, options: Options) -> Node {
        self.start_with_hooks(options, Box::new(NoHooks)).await
    }

    pub(crate) async fn start_with_hooks(&self, options: Options, hooks: Box<dyn Hooks>) -> Node {
        wait_for_copies_of_sockets();
        self.world.start(options, hooks).await.unwrap().into()
    }

    /// A node with this name and default options.
    pub(crate) async fn node(&self, name: &str) -> Node {
        self.start(self.options(name)).await
    }

    pub(crate) async fn bind(&self, options: Options) -> Result<Box<dyn Unstarted>, BindError> {
        self.bind_with_hooks(options, Box::new(NoHooks)).await
    }

    pub(crate) async fn bind_with_hooks(
        &self,
        options: Options,
        hooks: Box<dyn Hooks>,
    ) -> Result<Box<dyn Unstarted>, BindError> {
        wait_for_copies_of_sockets();
        self.world.bind(options, hooks).await
    }

    /// Nodes that all know each other, each on its own address, for cases in which some
    /// [return](Scene::returning) or stay away.
    pub(crate) async fn formed_apart<const N: usize>(&self, names: [&str; N]) -> [Node; N] {
        self.formed_with(names, |options| options.bind = apart()).await
    }

    /// Nodes that all know each other.
    pub(crate) async fn formed<const N: usize>(&self, names: [&str; N]) -> [Node; N] {
        self.formed_with(names, |_| {}).await
    }

    pub(crate) async fn formed_with<const N: usize>(
        &self,
        names: [&str; N],
        change: impl Fn(&mut Options),
    ) -> [Node; N] {
        let nodes = self.form(&names, change).await;
        nodes.try_into().unwrap_or_else(|_| unreachable!("a node for each name"))
    }

    pub(crate) async fn form(
        &self,
        names: &[impl AsRef<str>],
        change: impl Fn(&mut Options),
    ) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for name in names {
            let mut options = self.options(name.as_ref());
            change(&mut options);
            options.seeds.extend(nodes.first().map(Node::address));
            nodes.push(self.start(options).await);
        }
        until("all know each other", || {
            let alive = |node: &Node, name: &str| node.state_of(name) == Some(State::Alive);
            nodes.iter().all(|node| names.iter().all(|name| alive(node, name.as_ref())))
        })
        .await;
        nodes
    }

    /// A stranger, which is not a node, at a free address.
    pub(crate) fn stranger(&self) -> Stranger {
        self.stranger_at(SocketAddr::new(self.address(), 0)).unwrap()
    }

    pub(crate) fn stranger_at(&self, bind: SocketAddr) -> Result<Stranger, BindError> {
        wait_for_copies_of_sockets();
        Ok(Stranger::new(self.world.open(bind)?))
    }

    /// Runs `work` in a thread with its own runtime, if the adapter has more than one.
    pub(crate) fn aside<F>(&self, work: impl FnOnce(Scene) -> F + Send + 'static) -> Aside
    where
        F: Future<Output = ()>,
    {
        let scene = self.clone();
        let thread = std::thread::spawn(move || {
            let setting = Arc::clone(&scene.setting);
            setting.block_on(Threads::One, Box::pin(work(scene)));
        });
        Aside { thread }
    }
}

/// Any port of a new address.
fn apart() -> SocketAddr {
    SocketAddr::new(loopback::address(), 0)
}

/// Work in another thread.
#[must_use]
pub(crate) struct Aside {
    thread: JoinHandle<()>,
}

impl Aside {
    /// Blocks until it ends, so ask it to end first.
    pub(crate) fn join(self) {
        self.thread.join().unwrap();
    }
}
