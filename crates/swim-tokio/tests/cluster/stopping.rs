use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use swim_tokio::{Departure, Error, State, bind};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{LIMIT, Node, formed, options, returning, start, until};

/// The port is free: a node gets it at once.
async fn rebind(address: SocketAddr) -> Node {
    let mut options = options("again");
    options.bind = address;
    start(options).await
}

/// The port becomes free.
async fn until_rebound(address: SocketAddr) {
    let sockets = || {
        std::net::TcpListener::bind(address).is_ok() && std::net::UdpSocket::bind(address).is_ok()
    };
    until("the port is free", sockets).await;
}

/// Polls a future so many times at most, each time after it was woken.
async fn poll_up_to<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == times => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn shutdown_leaves_and_frees_the_port() {
    let a = start(options("a")).await;
    let b = start(returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let (address, cluster, mut events) = (b.cluster.local_address(), b.cluster, b.events);
    assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left));
    assert_eq!(a.state_of("b"), Some(State::Left));
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    timeout(LIMIT, async { while events.next().await.is_some() {} }).await.unwrap();
    rebind(address).await;
}

#[tokio::test]
async fn shutdown_without_a_live_peer_says_that_nobody_was_there() {
    let node = start(returning("a")).await;
    let address = node.cluster.local_address();
    assert_eq!(node.node.shutdown(LIMIT).await, Ok(Departure::NobodyToTell));
    rebind(address).await;
}

#[tokio::test]
async fn shutdown_stops_the_node_also_when_the_time_is_over() {
    let a = start(options("a")).await;
    let b = start(returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let address = b.cluster.local_address();
    assert_eq!(b.node.shutdown(Duration::ZERO).await, Ok(Departure::TimedOut));
    assert_eq!(b.cluster.stats().await, Err(Error::Stopped));
    rebind(address).await;
}

#[tokio::test]
async fn shutdown_after_a_leave_says_how_that_one_went() {
    let [_a, b] = formed(["a", "b"]).await;
    assert_eq!(b.cluster.leave(Duration::ZERO).await, Ok(Departure::TimedOut));
    assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left));
}

#[tokio::test]
async fn a_shutdown_that_is_dropped_at_any_await_point_stops_the_node() {
    let a = start(options("a")).await;
    let mut polls = 0;
    loop {
        let b = start(returning("b")).await;
        b.cluster.join([a.address()]).await.unwrap();
        let (cluster, address) = (b.cluster.clone(), b.cluster.local_address());
        let ended = poll_up_to(polls, b.node.shutdown(LIMIT)).await;
        timeout(LIMIT, async { while cluster.stats().await.is_ok() {} }).await.unwrap();
        until_rebound(address).await;
        if let Some(departure) = ended {
            assert_eq!(departure, Ok(Departure::Left));
            break;
        }
        polls += 1;
    }
    // It waits for the node's place in the queue, the leave, and the end of the task.
    assert!(polls >= 2, "{polls}");
}

#[tokio::test]
async fn dropping_the_handle_frees_the_port_and_ends_the_events() {
    let a = start(options("a")).await;
    let b = start(returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let waiting = tokio::spawn({
        let cluster = b.cluster.clone();
        async move { cluster.set_meta("never spread").await }
    });
    let Node { cluster, mut events, node } = b;
    drop(node);
    let ended = async { while events.next().await.is_some() {} };
    timeout(LIMIT, ended).await.unwrap();
    until_rebound(cluster.local_address()).await;
    assert!(matches!(waiting.await.unwrap(), Err(Error::Stopped) | Ok(())));
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    assert_eq!(cluster.join([a.address()]).await, Err(Error::Stopped));
    assert_eq!(cluster.members().len(), 2, "as last known");
}

#[tokio::test]
async fn dropping_a_node_that_never_ran_frees_the_port() {
    let bound = bind(returning("a")).await.unwrap();
    let address = bound.local_address();
    drop(bound);
    rebind(address).await;
}

#[tokio::test]
async fn a_node_runs_beside_the_application_in_one_task_until_that_ends() {
    let a = start(options("a")).await;
    let (contact, options) = (a.address(), returning("b"));
    let bound = bind(options).await.unwrap();
    let address = bound.local_address();
    let (cluster, left) = bound
        .run(|cluster, mut events| async move {
            // Nothing hangs, as the node runs already.
            cluster.join([contact]).await.unwrap();
            assert!(events.next().await.is_some(), "from the first on");
            let left = cluster.leave(LIMIT).await;
            (cluster, left)
        })
        .await;
    assert_eq!(left, Ok(Departure::Left));
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    rebind(address).await;
}

#[tokio::test]
async fn a_detached_node_runs_on_without_its_handle() {
    let [a, b] = formed(["a", "b"]).await;
    let cluster = b.cluster;
    b.node.detach();
    a.cluster.ping("b").await.unwrap();
    assert_eq!(cluster.leave(LIMIT).await, Ok(Departure::Left));
}

#[tokio::test]
async fn the_events_of_a_handle_begin_with_the_first_and_then_with_the_call() {
    let a = start(options("a")).await;
    let mut b = swim_tokio::start(options("b")).await.unwrap();
    b.cluster().join([a.address()]).await.unwrap();
    let (mut first, mut second) = (b.events(), b.events());
    assert!(first.try_next().is_some(), "a has joined");
    assert_eq!(second.try_next(), None);
}

#[tokio::test]
async fn stopping_a_node_closes_its_connections() {
    let node = start(options("a")).await;
    let mut client = TcpStream::connect(node.cluster.local_address()).await.unwrap();
    // An answer to something proves that the connection is served: stats count it.
    let served = async {
        while node.cluster.stats().await.unwrap().streams_accepted == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, served).await.unwrap();
    node.crash().await;
    let read = timeout(LIMIT, client.read(&mut [0; 16])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn a_node_needs_nobody_that_listens() {
    let [a, b] = formed(["a", "b"]).await;
    drop((b.cluster, b.events));
    a.cluster.ping("b").await.unwrap();
    a.cluster.send_reliable("b", "nobody listens").await.unwrap();
}
