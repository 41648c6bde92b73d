//! The same cache on tokio, smol and async-std.

use std::net::SocketAddr;
use std::time::Duration;

use futures_lite::io::{ReadHalf, WriteHalf, split};
use futures_lite::{AsyncWriteExt, future};
use sharded_cache::{Cache, LINE_SIZE_MAX, Lines, Settings};
use swim_driver::{Cluster, Connection, Departure, Error, Options, RuntimeHandle};

/// Longest time for a whole test on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn options(name: &str, seed: Option<SocketAddr>) -> Options {
    let mut options = Options::local(name.parse().expect("a name"));
    options.bind = "127.0.0.1:0".parse().expect("an address");
    options.seeds = seed.iter().map(SocketAddr::to_string).collect();
    options
}

/// The application of a node: reports its address to the test, and leaves when asked to.
async fn serve(
    cluster: Cluster,
    started: async_channel::Sender<(Cluster, SocketAddr)>,
    stop: async_channel::Receiver<()>,
) -> Result<Departure, Error> {
    let cache = Cache::start(cluster.clone(), &Settings::default()).expect("a free port");
    started.send((cluster, cache.local_address())).await.expect("the test waits for it");
    let stopped = async {
        let _ = stop.recv().await;
    };
    cache.run(stopped).await
}

/// The test beside the nodes.
async fn play(runtime: &RuntimeHandle, nodes: [SocketAddr; 2]) {
    let mut a = Client::connect(runtime, nodes[0]).await;
    let mut b = Client::connect(runtime, nodes[1]).await;
    for client in [&mut a, &mut b] {
        while !client.ask("STATS").await.contains("members=2") {
            runtime.sleep(Duration::from_millis(10)).await;
        }
    }
    for number in 0..20 {
        let (key, value) = (format!("key-{number}"), format!("value  {number}"));
        let owner = a.ask(&format!("WHERE {key}")).await;
        assert_eq!(b.ask(&format!("WHERE {key}")).await, owner);
        assert_eq!(a.ask(&format!("GET {key}")).await, "NONE");
        assert_eq!(a.ask(&format!("SET {key} {value}")).await, "OK");
        assert_eq!(b.ask(&format!("GET {key}")).await, format!("VALUE {value}"));
    }
    assert_eq!(b.ask("DEL key-1").await, "OK");
    assert_eq!(a.ask("DEL key-1").await, "NONE");
    let stats = [a.ask("STATS").await, b.ask("STATS").await];
    assert!(stats.iter().all(|it| !it.contains("keys=0")), "each has its share: {stats:?}");
    assert!(a.ask("SET k").await.starts_with("ERR"));
    let long = format!("SET k {}", "x".repeat(LINE_SIZE_MAX));
    assert_eq!(a.ask(&long).await, "ERR a line has at most 16384 bytes");
    assert_eq!(b.ask("QUIT").await, "BYE");
}

struct Client {
    lines: Lines<ReadHalf<Connection>>,
    writer: WriteHalf<Connection>,
}

impl Client {
    async fn connect(runtime: &RuntimeHandle, address: SocketAddr) -> Self {
        let (reader, writer) = split(runtime.connect(address).await.expect("it listens"));
        Client { lines: Lines::new(reader, LINE_SIZE_MAX), writer }
    }

    async fn ask(&mut self, line: &str) -> String {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
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
            let both = [nodes.recv().await, nodes.recv().await].map(|it| it.expect("started"));
            let runtime = both[0].0.runtime();
            let playing = play(&runtime, [both[0].1, both[1].1]);
            let limit = runtime.timeout(LIMIT, playing).await;
            assert!(limit.is_ok(), "it did not end within {LIMIT:?}");
            stop.close();
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
