use std::time::Duration;

use std::net::SocketAddr;

use swim_tokio::{Event, State};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use crate::harness::{formed, options, start};

fn bad_input(event: Event) -> Option<(SocketAddr, bool)> {
    match event {
        Event::BadInput { from, stream, .. } => Some((from, stream)),
        _ => None,
    }
}

#[tokio::test]
async fn garbage_in_a_datagram_is_an_event_and_nothing_worse() {
    let [mut a, b] = formed(["a", "b"]).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    stranger.send_to(b"GET / HTTP/1.1\r\n\r\n", a.cluster.local_address()).await.unwrap();
    assert_eq!(a.event(bad_input).await, (stranger.local_addr().unwrap(), false));
    stranger.send_to(&[], a.cluster.local_address()).await.unwrap();
    stranger.send_to(&[0xff; 65_507], a.cluster.local_address()).await.unwrap();
    a.cluster.ping("b").await.unwrap();
    b.cluster.ping("a").await.unwrap();
    assert_eq!(a.cluster.members().len(), 2);
}

#[tokio::test]
async fn garbage_on_a_stream_is_an_event_and_nothing_worse() {
    let [mut a, b] = formed(["a", "b"]).await;
    let mut stranger = TcpStream::connect(a.cluster.local_address()).await.unwrap();
    // It may be closed before all of it is written.
    let _ = stranger.write_all(&[0x16; 100_000]).await;
    assert_eq!(a.event(bad_input).await, (stranger.local_addr().unwrap(), true));
    b.cluster.send_reliable("a", "still here").await.unwrap();
    assert_eq!(a.cluster.members().len(), 2);
}

#[tokio::test]
async fn clients_that_connect_and_say_nothing_hinder_nobody() {
    let mut few = options("a");
    few.config.streams_max = 8;
    let a = start(few).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(TcpStream::connect(a.cluster.local_address()).await.unwrap());
    }
    let b = start(options("b")).await;
    // For a second the silent ones may have been about to say something (S74).
    let joined = async {
        loop {
            if let Ok(joined) = b.cluster.join([a.address()]).await {
                break joined;
            }
            tokio::task::yield_now().await;
        }
    };
    let joined = tokio::time::timeout(Duration::from_secs(10), joined).await.unwrap();
    assert_eq!(joined.members, 2);
    b.cluster.send_reliable("a", "and a message too").await.unwrap();
}

#[tokio::test]
async fn a_flood_of_datagrams_does_not_stop_a_node() {
    let [a, b] = formed(["a", "b"]).await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let target = a.cluster.local_address();
    let flood = tokio::spawn(async move {
        loop {
            let _ = stranger.send_to(&[0xff; 64], target).await;
            tokio::task::yield_now().await;
        }
    });
    for _ in 0..20 {
        b.cluster.send_reliable("a", "through the flood").await.unwrap();
    }
    flood.abort();
    assert_eq!(b.state_of("a"), Some(State::Alive));
}
