use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_lite::future::zip;
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};
use swim_driver::{ConnectionError, Error, Event, Failure, Joined, State};

use crate::case::{Case, Need, case};
use crate::node::Node;
use crate::scene::Scene;
use crate::wait::{beside, in_time, pause, until};

pub(crate) const CASES: &[Case] = &[
    case!(garbage_in_a_datagram_is_an_event_and_nothing_worse).needing(&[Need::Datagrams]),
    case!(garbage_on_a_link_is_an_event_and_nothing_worse).needing(&[Need::Links]),
    case!(garbage_on_a_stream_is_an_event_and_nothing_worse),
    case!(clients_that_connect_and_say_nothing_hinder_nobody),
    case!(a_peer_that_accepts_and_never_answers_holds_nobody_up),
    case!(clients_of_http_and_tls_are_an_event_and_let_go),
    case!(a_thousand_silent_connections_keep_nobody_from_the_cluster).alone(),
    case!(a_flood_of_datagrams_does_not_stop_a_node).needing(&[Need::Datagrams]).alone(),
];

fn bad_input(event: Event) -> Option<(SocketAddr, bool)> {
    match event {
        Event::BadInput { from, stream, .. } => Some((from, stream)),
        _ => None,
    }
}

/// For a second, silent connections may still be about to send (S74).
async fn until_joined(node: &Node, contact: &Node) -> Joined {
    loop {
        if let Ok(joined) = node.cluster.join([contact.address()]).await {
            return joined;
        }
        pause().await;
    }
}

async fn garbage_in_a_datagram_is_an_event_and_nothing_worse(scene: &Scene) {
    let [mut a, b] = scene.formed(["a", "b"]).await;
    let mut stranger = scene.stranger();
    stranger.send(a.socket(), b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(a.event(bad_input).await, (stranger.address(), false));
    stranger.send(a.socket(), &[]).await;
    stranger.send(a.socket(), &[0xff; 65_507]).await;
    a.cluster.ping("b").await.unwrap();
    b.cluster.ping("a").await.unwrap();
    assert_eq!(a.cluster.members().len(), 2);
}

async fn garbage_on_a_link_is_an_event_and_nothing_worse(scene: &Scene) {
    let [mut a, b] = scene.formed(["a", "b"]).await;
    let mut connection = scene.stranger().dial(a.socket()).await;
    // A hello of "x" at 192.0.2.1:7946, and a packet behind it.
    let hello = b"\xC2\x01\x00\x01x\x04\xC0\x00\x02\x01\x1F\x0A";
    let packet = b"\x00\x12GET / HTTP/1.1\r\n\r\n";
    connection.write_all(&[&hello[..], &packet[..]].concat()).await.unwrap();
    assert_eq!(a.event(bad_input).await, ("192.0.2.1:7946".parse().unwrap(), false));
    // Empty frames, and the beginning of one that never ends.
    connection.write_all(&[&[0; 1000][..], &[0xFF; 1000][..]].concat()).await.unwrap();
    a.cluster.ping("b").await.unwrap();
    b.cluster.ping("a").await.unwrap();
    assert_eq!(a.cluster.members().len(), 2);
}

async fn garbage_on_a_stream_is_an_event_and_nothing_worse(scene: &Scene) {
    let [mut a, b] = scene.formed(["a", "b"]).await;
    let mut connection = scene.stranger().dial(a.socket()).await;
    // The connection may be closed before all of it is written.
    let _ = in_time("it is written", connection.write_all(&[0x16; 100_000])).await;
    let (_, stream) = a.event(bad_input).await;
    assert!(stream);
    b.cluster.send_reliable("a", "still here").await.unwrap();
    assert_eq!(a.cluster.members().len(), 2);
}

async fn clients_that_connect_and_say_nothing_hinder_nobody(scene: &Scene) {
    let mut few = scene.options("a");
    few.config.streams_max = 8;
    let a = scene.start(few).await;
    let mut stranger = scene.stranger();
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(stranger.dial(a.socket()).await);
    }
    let b = scene.node("b").await;
    assert_eq!(in_time("b is let in", until_joined(&b, &a)).await.members, 2);
    b.cluster.send_reliable("a", "and a message too").await.unwrap();
}

async fn a_peer_that_accepts_and_never_answers_holds_nobody_up(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    let silent = scene.stranger();
    let address = silent.address();
    beside(silent.say_nothing(), async {
        let join = in_time("it is given up", a.cluster.join([address]));
        let meanwhile = async {
            a.cluster.ping("b").await.unwrap();
            b.cluster.send_reliable("a", "still here").await.unwrap();
            // One seed among others.
            let mut options = scene.options("c");
            options.seeds = vec![address.to_string(), a.address()];
            let c = scene.start(options).await;
            until("c has joined", || c.cluster.live_count() == 3).await;
            let joined = c.cluster.join([address.to_string(), b.address()]).await.unwrap();
            assert_eq!(joined.contact, b.socket());
        };
        let (joined, ()) = zip(join, meanwhile).await;
        // The connection or its handshake may not be done by then.
        let times = [Failure::Timeout, Failure::Connection(ConnectionError::TimedOut)];
        let errors = times.map(|failure| Error::NoneJoined { attempts: vec![(address, failure)] });
        assert!(errors.iter().any(|error| joined.as_ref() == Err(error)), "{joined:?}");
    })
    .await;
}

async fn clients_of_http_and_tls_are_an_event_and_let_go(scene: &Scene) {
    let http = b"GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n";
    // A TLS record with a TLS 1.2 ClientHello, as far as it is read.
    let mut tls = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    tls.resize(5 + 512, 0x5a);
    for hello in [&http[..], &tls[..]] {
        let [mut a, b] = scene.formed(["a", "b"]).await;
        let mut connection = scene.stranger().dial(a.socket()).await;
        in_time("it is written", connection.write_all(hello)).await.unwrap();
        let (_, stream) = a.event(bad_input).await;
        assert!(stream);
        // These wait for an answer.
        let read = in_time("it is let go", connection.read(&mut [0; 16])).await;
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
        b.cluster.send_reliable("a", "still here").await.unwrap();
        assert_eq!(a.cluster.members().len(), 2);
    }
}

async fn a_thousand_silent_connections_keep_nobody_from_the_cluster(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    let mut stranger = scene.stranger();
    let mut silent = Vec::new();
    for _ in 0..1000 {
        silent.push(stranger.dial(a.socket()).await);
    }
    // These may be about to send. They hold all places of their address, which b shares; after a
    // second they make way (S74).
    let send = async { while b.cluster.send_reliable("a", "hello").await.is_err() {} };
    in_time("a member gets through", send).await;
    let c = scene.node("c").await;
    in_time("c is let in", until_joined(&c, &a)).await;
    c.cluster.send_reliable("a", "hello").await.unwrap();
    a.cluster.ping("c").await.unwrap();
    let stats = a.cluster.stats().await.unwrap();
    let (open, max) = (stats.streams_open, scene.options("a").config.streams_max);
    assert!(open <= max, "{open} of {max}");
    until("all know all", || [&a, &b, &c].iter().all(|it| it.cluster.live_count() == 3)).await;
    drop(silent);
}

async fn a_flood_of_datagrams_does_not_stop_a_node(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    let enough = Arc::new(AtomicBool::new(false));
    let flood = scene.aside({
        let (target, enough) = (a.socket(), Arc::clone(&enough));
        async move |scene: Scene| {
            let mut stranger = scene.stranger();
            while !enough.load(Ordering::SeqCst) {
                stranger.send(target, &[0xff; 64]).await;
                futures_lite::future::yield_now().await;
            }
        }
    });
    for _ in 0..20 {
        b.cluster.send_reliable("a", "through the flood").await.unwrap();
    }
    enough.store(true, Ordering::SeqCst);
    flood.join();
    assert_eq!(b.state_of("a"), Some(State::Alive));
}
