use std::net::SocketAddr;

use swim_tokio::{Error, bind};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{LIMIT, formed, options, returning, start};

/// The port is free again: a new node gets it.
async fn rebind(address: SocketAddr) {
    let mut options = options("again");
    options.bind = address;
    start(options).await;
}

#[tokio::test]
async fn dropping_the_future_frees_the_port_and_ends_the_events() {
    let a = start(options("a")).await;
    let b = start(returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let waiting = tokio::spawn({
        let cluster = b.cluster.clone();
        async move { cluster.set_meta("never spread").await }
    });
    let address = b.cluster.local_address();
    let (cluster, mut events) = b.crash().await;
    rebind(address).await;

    let ended = async { while events.next().await.is_some() {} };
    timeout(LIMIT, ended).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(Error::Stopped) | Ok(())));
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    assert_eq!(cluster.join([a.address()]).await, Err(Error::Stopped));
    assert_eq!(cluster.members().len(), 2, "as last known");
}

#[tokio::test]
async fn dropping_the_future_before_it_runs_frees_the_port() {
    let (cluster, mut events, node) = bind(returning("a")).await.unwrap();
    drop(node);
    rebind(cluster.local_address()).await;
    assert_eq!(events.next().await, None);
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
}

#[tokio::test]
async fn dropping_the_future_closes_its_connections() {
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
async fn handles_do_not_keep_a_node_alive_and_a_node_needs_no_handles() {
    let [a, b] = formed(["a", "b"]).await;
    // b runs on without a handle.
    drop((b.cluster, b.events));
    a.cluster.ping("b").await.unwrap();
    a.cluster.send_reliable("b", "nobody listens").await.unwrap();
    b.task.abort();
}
