//! Streams of events.

use serde_json::Value;
use swim_agent::client::EventReader;

use crate::common::{Fixture, PATIENCE, eventually, node, node_with};

/// The next event.
async fn next(events: &mut EventReader) -> Value {
    let next = tokio::time::timeout(PATIENCE, events.next()).await;
    next.expect("an event in time").unwrap().expect("the stream goes on")
}

#[tokio::test]
async fn events_come_as_they_happen_and_filtered() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let mut all = fixture.client.events(&[]).await.unwrap();
    let mut of_c = fixture.client.events(&[("name", "c"), ("kind", "joined,left")]).await.unwrap();
    let mut messages = fixture.client.events(&[("kind", "message")]).await.unwrap();
    for events in [&mut all, &mut of_c, &mut messages] {
        assert_eq!(next(events).await["event"], "subscribed");
    }
    for name in ["b", "c"] {
        let peer = node(name).await;
        peer.cluster().join([a.cluster().local_address()]).await.unwrap();
        peer.cluster().send_reliable("a", format!("from {name}\n")).await.unwrap();
        eventually("a knows it", || a.cluster().is_live(name)).await;
        peer.shutdown(PATIENCE).await.unwrap();
        eventually("a sees it leave", || !a.cluster().is_live(name)).await;
    }
    assert_eq!(next(&mut of_c).await["event"], "joined");
    let left = next(&mut of_c).await;
    assert_eq!((&left["event"], &left["name"]), (&"left".into(), &"c".into()));
    assert!(left["sentence"].as_str().unwrap().contains("left"), "{left}");
    assert_eq!(next(&mut messages).await["payload"], "from b\n");
    assert_eq!(next(&mut messages).await["payload"], "from c\n");
    let mut kinds = Vec::new();
    while kinds.iter().filter(|kind| *kind == "left").count() < 2 {
        kinds.push(next(&mut all).await["event"].as_str().unwrap().to_string());
    }
    assert!(!kinds.contains(&"message".to_string()), "{kinds:?}");
}

#[tokio::test]
async fn a_slow_reader_is_told_how_much_it_lost() {
    let a = node_with("a", |options| options.events_max = 8).await;
    let b = node("b").await;
    b.cluster().join([a.cluster().local_address()]).await.unwrap();
    let fixture = Fixture::of(&a).await;
    let mut events = fixture.client.events(&[("kind", "message")]).await.unwrap();
    assert_eq!(next(&mut events).await["event"], "subscribed");
    // The buffers of the connection hold less than a MiB, and the queue of the subscription 8
    // events. These are sent without being read meanwhile.
    const SENT: usize = 100;
    for _ in 0..SENT {
        b.cluster().send_reliable("a", vec![b'x'; 64 << 10]).await.unwrap();
    }
    let (mut read, mut lost) = (0, 0);
    while read + lost < SENT {
        let event = next(&mut events).await;
        match event["event"].as_str().unwrap() {
            "lagged" => lost += usize::try_from(event["missed"].as_u64().unwrap()).unwrap(),
            _ => read += 1,
        }
    }
    // Events of other kinds may be among the lost ones.
    assert!(lost > 0 && read > 0, "{read} read, {lost} lost");
}

#[tokio::test]
async fn a_stream_ends_with_the_node() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let mut events = fixture.client.events(&[]).await.unwrap();
    assert_eq!(next(&mut events).await["event"], "subscribed");
    a.shutdown(PATIENCE).await.unwrap();
    let ended =
        tokio::time::timeout(PATIENCE, async { while events.next().await.unwrap().is_some() {} });
    ended.await.expect("the stream ends");
}
