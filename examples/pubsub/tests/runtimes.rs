//! The same service on tokio, smol and async-std.

use std::net::SocketAddr;
use std::time::Duration;

use futures_lite::io::{ReadHalf, WriteHalf, split};
use futures_lite::{AsyncWriteExt, future};
use pubsub::{LINE_SIZE_MAX, Lines, Ports, PubSub, Settings};
use swim_driver::{Cluster, Connection, Departure, Error, Options, RuntimeHandle};

/// Longest time for a whole test on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn options(name: &str, seed: Option<SocketAddr>) -> Options {
    let mut options = Options::local(name.parse().expect("a name"));
    options.bind = "127.0.0.1:0".parse().expect("an address");
    options.seeds = seed.iter().map(SocketAddr::to_string).collect();
    options
}

/// The application of a node: reports its ports to the test, and leaves when asked to.
async fn serve(
    cluster: Cluster,
    started: async_channel::Sender<(Cluster, Ports)>,
    stop: async_channel::Receiver<()>,
) -> Result<Departure, Error> {
    let service = PubSub::start(cluster.clone(), &Settings::default()).expect("free ports");
    started.send((cluster, service.ports())).await.expect("the test waits for it");
    let stopped = async {
        let _ = stop.recv().await;
    };
    service.run(stopped).await
}

/// The test beside the nodes.
struct Scene {
    nodes: Vec<(Cluster, Ports)>,
    stop: async_channel::Sender<()>,
}

impl Scene {
    async fn run(self) {
        let (cluster, _) = &self.nodes[0];
        let runtime = cluster.runtime();
        let limit = runtime.timeout(LIMIT, self.play(&runtime)).await;
        assert!(limit.is_ok(), "it did not end within {LIMIT:?}");
    }

    async fn play(&self, runtime: &RuntimeHandle) {
        let [(_, a), (_, b)] = &self.nodes[..] else { panic!("two nodes") };
        let mut reader = Client::connect(runtime, b.clients).await;
        let mut writer = Client::connect(runtime, a.clients).await;
        reader.ask("SUB news", "OK").await;
        // Wait for the link: before that, a does not owe b its messages.
        loop {
            writer.say("STATS").await;
            let mut is_linked = false;
            loop {
                let line = writer.hear().await;
                is_linked |= line.contains("STAT peer name=b") && line.contains("linked=true");
                if line == "OK" {
                    break;
                }
            }
            if is_linked {
                break;
            }
            runtime.sleep(Duration::from_millis(10)).await;
        }
        writer.ask("PUB news first of all", "OK 1").await;
        writer.ask("PUB other not for everybody", "OK 2").await;
        writer.ask("PUB news second", "OK 3").await;
        assert_eq!(reader.hear().await, "MSG news a 1 first of all");
        assert_eq!(reader.hear().await, "MSG news a 3 second");
        writer.ask("SUB", "ERR a topic has 1 to 64 bytes").await;
        writer.ask_bytes(b"PUB news \xff\n", "ERR the line is not UTF-8").await;
        let long = format!("PUB news {}", "x".repeat(LINE_SIZE_MAX));
        writer.ask(&long, "ERR a line has at most 4096 bytes").await;
        reader.ask("UNSUB news", "OK").await;
        reader.ask("QUIT", "BYE").await;
        self.stop.close();
    }
}

struct Client {
    lines: Lines<ReadHalf<Connection>>,
    writer: WriteHalf<Connection>,
}

impl Client {
    async fn connect(runtime: &RuntimeHandle, address: SocketAddr) -> Self {
        let (reader, writer) = split(runtime.connect(address).await.expect("it listens"));
        Client { lines: Lines::new(reader, 2 * LINE_SIZE_MAX), writer }
    }

    async fn say(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
    }

    async fn ask(&mut self, line: &str, answer: &str) {
        self.ask_bytes(format!("{line}\n").as_bytes(), answer).await;
    }

    async fn ask_bytes(&mut self, bytes: &[u8], answer: &str) {
        self.writer.write_all(bytes).await.expect("it reads");
        assert_eq!(self.hear().await, answer);
    }

    async fn hear(&mut self) -> String {
        self.lines.next().await.expect("it writes").expect("it goes on")
    }
}

/// Runs two nodes on a runtime, and the test beside them.
macro_rules! two_nodes {
    ($adapter:ident) => {{
        let (started, nodes) = async_channel::bounded(2);
        let (stop, stopped) = async_channel::bounded(1);
        let a = $adapter::bind(options("a", None)).await.expect("free ports");
        let b = $adapter::bind(options("b", Some(a.local_address()))).await.expect("free ports");
        // On the heap: a test thread's stack is small for unoptimised futures.
        let a = Box::pin(a.run(|cluster, _| serve(cluster, started.clone(), stopped.clone())));
        let b = Box::pin(b.run(|cluster, _| serve(cluster, started.clone(), stopped.clone())));
        let scene = Box::pin(async {
            let mut both = [nodes.recv().await, nodes.recv().await].map(|it| it.expect("started"));
            both.sort_by_key(|(cluster, _)| cluster.local().name);
            Scene { nodes: both.into(), stop }.run().await;
        });
        let (left, ()) = future::zip(future::zip(a, b), scene).await;
        assert!(left.0.is_ok() && left.1.is_ok(), "{left:?}");
    }};
}

#[test]
fn it_runs_on_tokio() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { two_nodes!(swim_tokio) });
}

#[test]
fn it_runs_on_smol() {
    smol::block_on(async { two_nodes!(swim_smol) });
}

#[test]
fn it_runs_on_async_std() {
    async_std::task::block_on(async { two_nodes!(swim_async_std) });
}
