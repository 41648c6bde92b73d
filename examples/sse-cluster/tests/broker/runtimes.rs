//! The same service on tokio, smol and async-std.

use std::future::{pending, poll_fn};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use sse_cluster::{Settings, SseCluster};
use swim_driver::{Cluster, Options, RuntimeHandle};

use crate::client::{listen, publish};

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn options(name: &str, seeds: Vec<String>) -> Options {
    let mut options = Options::local(name.parse().expect("a name"));
    options.bind = any_port();
    options.seeds = seeds;
    options
}

fn open(cluster: &Cluster) -> SseCluster {
    let mut settings = Settings::new(any_port());
    settings.key = Some([7; 32]);
    SseCluster::open(cluster, settings).expect("a free port")
}

/// Awaits the first of two futures.
async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| match one.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => other.as_mut().poll(cx),
    })
    .await;
}

/// Expects that an event published at one node reaches a client of the other.
async fn passes_on(a: Cluster, b: Cluster) {
    let (first_node, second_node) = (open(&a), open(&b));
    let (at, from) = (first_node.address(), second_node.address());
    let serving = async |node: SseCluster| {
        let _ = node.run(pending()).await;
    };
    let serving = first(serving(first_node), serving(second_node));
    let runtime = a.runtime();
    let got = Arc::new(Mutex::new(Vec::new()));
    let (texts, told) = (Arc::clone(&got), Arc::clone(&got));
    let listening = {
        let runtime = runtime.clone();
        async move {
            let take = |block: crate::client::Block| {
                texts.lock().expect("nobody panicked").push(block.data);
            };
            listen(&runtime, at, "news", "", take).await;
        }
    };
    let publishing = async move {
        let has = |text: &str| told.lock().expect("nobody panicked").iter().any(|it| it == text);
        // Wait until the client has its position.
        while told.lock().expect("nobody panicked").is_empty() {
            runtime.sleep(Duration::from_millis(10)).await;
        }
        publish(&runtime, from, "news", "hello").await.expect("it is taken");
        while !has("hello") {
            runtime.sleep(Duration::from_millis(10)).await;
        }
    };
    first(publishing, first(serving, listening)).await;
    assert!(got.lock().expect("nobody panicked").iter().any(|it| it == "hello"));
}

async fn in_time(runtime: RuntimeHandle, test: impl Future<Output = ()>) {
    // Boxed: in unoptimized code, each layer would hold a copy on the stack.
    runtime.timeout(Duration::from_secs(60), Box::pin(test)).await.expect("it takes far less");
}

#[tokio::test]
async fn events_are_passed_on_with_tokio() {
    let a = swim_tokio::start(options("a", Vec::new())).await.unwrap();
    let seed = a.cluster().local_address().to_string();
    let b = swim_tokio::start(options("b", vec![seed])).await.unwrap();
    let runtime = a.cluster().runtime();
    in_time(runtime, Box::pin(passes_on(a.cluster(), b.cluster()))).await;
}

#[test]
fn events_are_passed_on_with_smol() {
    smol::block_on(async {
        let a = swim_smol::start(options("a", Vec::new())).await.unwrap();
        let seed = a.cluster().local_address().to_string();
        let b = swim_smol::start(options("b", vec![seed])).await.unwrap();
        let runtime = a.cluster().runtime();
        in_time(runtime, Box::pin(passes_on(a.cluster(), b.cluster()))).await;
    });
}

#[test]
fn events_are_passed_on_with_async_std() {
    async_std::task::block_on(async {
        let a = swim_async_std::start(options("a", Vec::new())).await.unwrap();
        let seed = a.cluster().local_address().to_string();
        let b = swim_async_std::start(options("b", vec![seed])).await.unwrap();
        let runtime = a.cluster().runtime();
        in_time(runtime, Box::pin(passes_on(a.cluster(), b.cluster()))).await;
    });
}
