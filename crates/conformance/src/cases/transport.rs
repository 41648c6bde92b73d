//! The contract of a transport, without a node.

use std::io;

use futures_lite::future::zip;
use futures_lite::io::{AsyncReadExt, AsyncWriteExt};

use crate::case::{Case, case};
use crate::scene::Scene;
use crate::stranger::Connection;
use crate::wait::in_time;

pub(crate) const CASES: &[Case] = &[
    case!(a_datagram_arrives_whole_and_tells_where_it_is_from),
    case!(a_side_that_is_closed_ends_the_peers_reading_and_still_reads),
    case!(a_connection_that_is_dropped_ends_for_the_peer),
    case!(a_dial_to_nobody_is_refused),
    case!(an_address_that_is_taken_is_an_error_until_it_is_free),
];

async fn a_datagram_arrives_whole_and_tells_where_it_is_from(scene: &Scene) {
    let (mut a, mut b) = (scene.stranger(), scene.stranger());
    let mut buffer = vec![0; 1 << 16];
    for size in [1, 0, 1400, 60_000] {
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
        a.send(b.address(), &payload).await;
        let (len, from) = in_time("it arrives", b.receive(&mut buffer)).await;
        assert_eq!((&buffer[..len], from), (&payload[..], a.address()));
    }
}

/// Both ends of a connection.
async fn connected(scene: &Scene) -> (Connection, Connection) {
    let (mut a, mut b) = (scene.stranger(), scene.stranger());
    let to = b.address();
    // A handshake needs both ends.
    let accepting = async {
        let mut there = b.accept().await;
        there.flush().await.unwrap();
        there
    };
    in_time("they are connected", zip(a.dial(to), accepting)).await
}

async fn a_side_that_is_closed_ends_the_peers_reading_and_still_reads(scene: &Scene) {
    let (mut here, mut there) = connected(scene).await;
    let (mut heard, mut answer) = (String::new(), String::new());
    let asks = async {
        here.write_all(b"question").await.unwrap();
        here.close().await.unwrap();
        here.read_to_string(&mut answer).await.unwrap();
    };
    let answers = async {
        there.read_to_string(&mut heard).await.unwrap();
        there.write_all(b"answer").await.unwrap();
        there.close().await.unwrap();
    };
    in_time("both have heard the end", zip(asks, answers)).await;
    assert_eq!((&*heard, &*answer), ("question", "answer"));
}

async fn a_connection_that_is_dropped_ends_for_the_peer(scene: &Scene) {
    let (here, mut there) = connected(scene).await;
    drop(here);
    let read = in_time("it has ended", there.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    let writes = async { while there.write(&[7; 4096]).await.is_ok() {} };
    in_time("nothing can be written", writes).await;
}

async fn a_dial_to_nobody_is_refused(scene: &Scene) {
    let gone = scene.stranger_at(scene.returning("gone").bind).unwrap();
    let address = gone.address();
    drop(gone);
    let mut stranger = scene.stranger();
    let dial = stranger.try_dial(address);
    let Err(error) = in_time("it is refused", dial).await else { panic!("somebody is there") };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

async fn an_address_that_is_taken_is_an_error_until_it_is_free(scene: &Scene) {
    let first = scene.stranger_at(scene.returning("first").bind).unwrap();
    let address = first.address();
    assert!(scene.stranger_at(address).is_err(), "two at {address}");
    drop(first);
    assert_eq!(scene.stranger_at(address).unwrap().address(), address);
}
