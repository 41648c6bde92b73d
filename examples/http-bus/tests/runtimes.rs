//! The same service on tokio, smol and async-std, on loopback.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

mod loopback;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender};
use http_bus::{Service, Settings};
use loopback::{LIMIT, eventually, exchange, publish, texts};
use swim_driver::{Cluster, Events, Options, Tags};

type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How to start a node, and the application to run beside it.
struct Start {
    options: Options,
    application: Box<dyn FnOnce(Cluster, Events) -> Served + Send>,
}

/// A running node.
struct Node {
    cluster: Cluster,
    stop: Sender<()>,
    ended: Receiver<Duration>,
}

impl Node {
    /// Starts a node with `run`, which calls the adapter's bind and spawn.
    fn start(name: &str, seed: Option<&Node>, run: fn(Start)) -> Node {
        let mut options = Options::local(name.parse().unwrap());
        options.bind = "127.0.0.1:0".parse().unwrap();
        options.seeds = seed.iter().map(|node| node.cluster.local_address().to_string()).collect();
        let (tell, told) = async_channel::bounded(1);
        let (stop, stopped) = async_channel::bounded::<()>(1);
        let (done, ended) = async_channel::bounded(1);
        let application = move |cluster: Cluster, events| -> Served {
            Box::pin(async move {
                tell.send(cluster.clone()).await.unwrap();
                let mut stopping = None;
                let stop = async {
                    stopped.recv().await.unwrap();
                    stopping = Some(Instant::now());
                };
                let service = Service::new(Settings::default()).unwrap();
                let ended = service.run(cluster, events, stop).await.unwrap();
                assert!(ended.handed_on);
                done.send(stopping.unwrap().elapsed()).await.unwrap();
            })
        };
        run(Start { options, application: Box::new(application) });
        Node { cluster: told.recv_blocking().unwrap(), stop, ended }
    }

    /// Returns the address of its service, once announced.
    fn http(&self) -> String {
        eventually("it announces a port", || {
            let tags = Tags::of(&self.cluster.local()).unwrap_or_default();
            let port = tags.get("http-port").ok_or("no tag")?.to_owned();
            Ok(format!("127.0.0.1:{port}"))
        })
    }
}

/// Runs three nodes that exchange messages, and expects that one that leaves hands on its messages.
fn three_nodes_pass_messages(run: fn(Start)) {
    let a = Node::start("a", None, run);
    let b = Node::start("b", Some(&a), run);
    let c = Node::start("c", Some(&a), run);
    let nodes = [a, b, c];
    for node in &nodes {
        eventually("all find each other", || {
            let health = exchange(&node.http(), "GET /healthz HTTP/1.0\r\n\r\n".as_bytes());
            if health.contains("\"others\":2") { Ok(()) } else { Err(health) }
        });
    }
    let mut expected = Vec::new();
    for (node, name) in nodes.iter().zip(["a", "b", "c"]) {
        for number in 0..20 {
            let message = format!("{number} of {name}");
            let answer = publish(&node.http(), message.as_bytes());
            assert!(answer.starts_with("HTTP/1.0 202 "), "{answer}");
            expected.push(message);
        }
    }
    expected.sort();
    for node in &nodes {
        eventually("it has all messages, each once", || {
            let mut read = texts(&node.http());
            read.sort();
            if read == expected { Ok(()) } else { Err(format!("{read:?}")) }
        });
    }
    nodes[1].stop.send_blocking(()).unwrap();
    let took = nodes[1].ended.recv_blocking().unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    eventually("the other members see that it left", || {
        let state = nodes[0].cluster.state("b");
        if state == Some(swim_driver::State::Left) { Ok(()) } else { Err(format!("{state:?}")) }
    });
    for node in [&nodes[0], &nodes[2]] {
        node.stop.send_blocking(()).unwrap();
        node.ended.recv_blocking().unwrap();
    }
    assert!(LIMIT > took);
}

#[test]
fn on_tokio() {
    three_nodes_pass_messages(|Start { options, application }| {
        std::thread::spawn(|| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().build().unwrap().block_on(async {
                swim_tokio::bind(options).await.unwrap().run(application).await;
            });
        });
    });
}

#[test]
fn a_service_that_is_dropped_leaves_nothing_behind() {
    // Repeat: only sometimes is another thread inside a task of the service when it is dropped.
    for _ in 0..20 {
        drop_while_messages_pass();
    }
}

fn drop_while_messages_pass() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().build().unwrap();
    let held = Arc::new(());
    let start = |name: &str, seed: Option<String>| {
        let mut options = Options::local(name.parse().unwrap());
        options.bind = "127.0.0.1:0".parse().unwrap();
        options.seeds = seed.into_iter().collect();
        let inside = Arc::clone(&held);
        let mut settings = Settings::default();
        settings.witness = Some(http_bus::Witness(Arc::new(move |_| drop(Arc::clone(&inside)))));
        let (tell, told) = async_channel::bounded(1);
        let task = runtime.spawn(async move {
            let service = Service::new(settings).unwrap();
            let bound = swim_tokio::bind(options).await.unwrap();
            let run = bound.run(|cluster, events| {
                tell.try_send(cluster.clone()).unwrap();
                service.run(cluster, events, std::future::pending())
            });
            run.await.unwrap();
        });
        let cluster = told.recv_blocking().unwrap();
        (
            Node { cluster, stop: async_channel::bounded(1).0, ended: async_channel::bounded(1).1 },
            task,
        )
    };
    let (a, a_task) = start("a", None);
    let (b, b_task) = start("b", Some(a.cluster.local_address().to_string()));
    let mut reader = std::net::TcpStream::connect(b.http()).unwrap();
    std::io::Write::write_all(&mut reader, b"GET /messages HTTP/1.0\r\n\r\n").unwrap();
    eventually("both have a message, and a connection between them", || {
        publish(&a.http(), b"hello");
        if texts(&b.http()).is_empty() { Err("none".into()) } else { Ok(()) }
    });
    a_task.abort();
    b_task.abort();
    eventually("nothing holds the settings", || match Arc::strong_count(&held) {
        1 => Ok(()),
        more => Err(format!("{more} hold it")),
    });
}

#[test]
fn on_smol() {
    three_nodes_pass_messages(|Start { options, application }| {
        smol::spawn(async {
            swim_smol::bind(options).await.unwrap().run(application).await;
        })
        .detach();
    });
}

#[test]
fn on_async_std() {
    three_nodes_pass_messages(|Start { options, application }| {
        async_std::task::spawn(async {
            swim_async_std::bind(options).await.unwrap().run(application).await;
        });
    });
}
