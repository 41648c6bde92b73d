use std::time::Duration;

use swim_driver::{Bytes, CommandError, Error, Event, Name, Notice, Options};

use crate::case::{Case, case};
use crate::scene::Scene;
use crate::wait::{LIMIT, all, in_time, until};

pub(crate) const CASES: &[Case] = &[
    case!(messages_to_one_member_arrive),
    case!(many_large_messages_at_once_arrive).alone(),
    case!(a_message_of_19_mib_arrives).alone(),
    case!(a_broadcast_reaches_every_member),
    case!(a_broadcast_tells_its_key),
    case!(metadata_reaches_every_member),
    case!(a_ping_measures_the_round_trip),
    case!(application_state_is_exchanged_on_a_join),
    case!(what_cannot_be_sent_is_an_error_with_its_reason),
    case!(a_consumer_that_never_reads_costs_the_node_nothing),
    case!(s76_no_round_trip_on_loopback_is_0),
];

async fn messages_to_one_member_arrive(scene: &Scene) {
    let [a, mut b] = scene.formed(["a", "b"]).await;
    let large = Bytes::from(vec![7; 1 << 20]);
    a.cluster.send("b", "by datagram").await.unwrap();
    a.cluster.send_reliable("b", "by stream").await.unwrap();
    a.cluster.send_reliable("b", large.clone()).await.unwrap();
    let mut expected =
        vec![(Bytes::from("by datagram"), false), (Bytes::from("by stream"), true), (large, true)];
    while !expected.is_empty() {
        let (from, message) = b
            .event(|event| match event {
                Event::Message { from, payload, reliable, .. } => Some((from, (payload, reliable))),
                _ => None,
            })
            .await;
        assert_eq!(from.as_ref().map(Name::as_str), Some("a"));
        let at = expected.iter().position(|it| *it == message).expect("one that was sent");
        expected.remove(at);
    }
}

async fn many_large_messages_at_once_arrive(scene: &Scene) {
    // Each of eight transfers must advance by 256 KiB in this time, even on a busy machine. A test
    // of the engine covers that they advance evenly.
    let patient = |options: &mut Options| options.config.stream_timeout = Duration::from_secs(10);
    let [a, mut b] = scene.formed_with(["a", "b"], patient).await;
    let payload = Bytes::from(vec![7; 3 << 20]);
    let sent = all((0..8).map(|_| a.cluster.send_reliable("b", payload.clone()))).await;
    for result in sent {
        result.unwrap();
        let size = b
            .event(|event| match event {
                Event::Message { payload, .. } => Some(payload.len()),
                _ => None,
            })
            .await;
        assert_eq!(size, 3 << 20);
    }
}

async fn a_message_of_19_mib_arrives(scene: &Scene) {
    let [a, mut b] = scene.formed(["a", "b"]).await;
    let numbers = (0..(19_u32 << 20) / 4).flat_map(u32::to_be_bytes);
    let payload: Bytes = numbers.collect::<Vec<_>>().into();
    let sent = in_time("it is sent", a.cluster.send_reliable("b", payload.clone())).await;
    assert_eq!(sent, Ok(()));
    let received = b
        .event(|event| match event {
            Event::Message { payload, .. } => Some(payload),
            _ => None,
        })
        .await;
    assert_eq!(received.len(), payload.len());
    assert!(received == payload, "every byte in its place");
}

async fn a_broadcast_reaches_every_member(scene: &Scene) {
    let [a, mut b, mut c] = scene.formed(["a", "b", "c"]).await;
    a.cluster.broadcast("to all").await.unwrap();
    for node in [&mut b, &mut c] {
        let (origin, payload) = node
            .event(|event| match event {
                Event::Broadcast { origin, payload, .. } => Some((origin, payload)),
                _ => None,
            })
            .await;
        assert_eq!((origin.as_str(), &payload[..]), ("a", &b"to all"[..]));
    }
}

async fn a_broadcast_tells_its_key(scene: &Scene) {
    let [a, mut b] = scene.formed(["a", "b"]).await;
    a.cluster.broadcast_keyed("load", "7").await.unwrap();
    let heard = b
        .event(|event| match event {
            Event::Broadcast { key, payload, .. } => Some((key, payload)),
            _ => None,
        })
        .await;
    assert_eq!(heard, ("load".into(), "7".into()));
}

async fn metadata_reaches_every_member(scene: &Scene) {
    let [a, b, c] = scene.formed(["a", "b", "c"]).await;
    a.cluster.set_meta("role=cache").await.unwrap();
    assert_eq!(a.cluster.local().meta, "role=cache");
    for node in [&b, &c] {
        until("it is known", || node.cluster.member("a").unwrap().meta == "role=cache").await;
    }
}

async fn a_ping_measures_the_round_trip(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    b.cluster.set_ack_payload("load=7").await.unwrap();
    let pong = a.cluster.ping("b").await.unwrap();
    assert_eq!(pong.payload, "load=7");
    assert!(pong.round_trip < LIMIT);
}

async fn application_state_is_exchanged_on_a_join(scene: &Scene) {
    let mut a = scene.start(scene.options("a")).await;
    let b = scene.start(scene.options("b")).await;
    b.cluster.set_user_state("state of b").await.unwrap();
    b.cluster.join([a.address()]).await.unwrap();
    let state = a
        .event(|event| match event {
            Event::UserState { state, join: true, .. } => Some(state),
            _ => None,
        })
        .await;
    assert_eq!(state, "state of b");
}

async fn what_cannot_be_sent_is_an_error_with_its_reason(scene: &Scene) {
    let [a, _b] = scene.formed(["a", "b"]).await;
    let unknown = Err(Error::Command(CommandError::UnknownMember));
    assert_eq!(a.cluster.send("nobody", "hello").await, unknown);
    assert_eq!(a.cluster.send_reliable("nobody", "hello").await, unknown);
    assert_eq!(a.cluster.ping("nobody").await.map(drop), unknown);
    let large = vec![0; 64 << 20];
    for result in [
        a.cluster.send("b", large.clone()).await,
        a.cluster.send_reliable("b", large.clone()).await,
        a.cluster.broadcast(large.clone()).await,
        a.cluster.set_meta(large.clone()).await,
        a.cluster.set_ack_payload(large.clone()).await,
        a.cluster.set_user_state(large.clone()).await,
    ] {
        let too_large = |size, max| size == 64 << 20 && max < size;
        assert!(
            matches!(
                result,
                Err(Error::Command(CommandError::TooLarge { size, max })) if too_large(size, max)
            ),
            "{result:?}"
        );
    }
}

async fn a_consumer_that_never_reads_costs_the_node_nothing(scene: &Scene) {
    let [a, mut b] = scene.formed_with(["a", "b"], |options| options.events_max = 8).await;
    let (_, mut other) = b.cluster.subscribe();
    for number in 0..200_u32 {
        a.cluster.send_reliable("b", number.to_be_bytes().to_vec()).await.unwrap();
    }
    b.cluster.ping("a").await.unwrap();
    let mut told = 0;
    let mut missed = 0;
    while let Some(notice) = other.try_next() {
        match notice {
            Notice::Event(_) => told += 1,
            Notice::Missed { events, .. } => {
                assert_eq!(missed, 0, "told once");
                missed = events;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(told, 8);
    assert!(missed >= 192, "{missed}");
    // From now on it reads again, and misses nothing.
    a.cluster.send_reliable("b", "again").await.unwrap();
    b.events = other;
    b.event(|event| match event {
        Event::Message { payload, .. } if payload == "again" => Some(()),
        _ => None,
    })
    .await;
}

/// Prints the distribution: `cargo test -p swim-tokio --test conformance s76`.
async fn s76_no_round_trip_on_loopback_is_0(scene: &Scene) {
    let [a, _b] = scene.formed(["a", "b"]).await;
    let mut measured = Vec::new();
    for _ in 0..1000 {
        measured.push(a.cluster.ping("b").await.unwrap().round_trip);
    }
    measured.sort();
    let quantile = |per_mille: usize| measured[(measured.len() - 1) * per_mille / 1000];
    println!(
        "measured: 1,000 round trips, least {:?}, p50 {:?}, p90 {:?}, p99 {:?}, most {:?}",
        quantile(0),
        quantile(500),
        quantile(900),
        quantile(990),
        quantile(1000)
    );
    assert!(!measured[0].is_zero());
}
