//! Clients that do not read or that send garbage, and strangers.

use futures_lite::io::split;
use futures_lite::{AsyncWriteExt, future};
use pubsub::{LIFE, LINE_SIZE_MAX, Lines, PubSub, Settings};
use swim_sim::{Cluster, Connection, Tags, World, WorldOptions, millis, secs};

/// Longest time for a message that waits for slow subscribers: half a second and a round trip.
const ANSWER_MAX: std::time::Duration = millis(600);

/// A world with one node of the service.
fn with_node() -> World {
    with_nodes(&["a"])
}

fn with_nodes(names: &[&str]) -> World {
    let mut world = WorldOptions::new(1).stream_buffer(16 << 10).build();
    let serve = |cluster, _| async {
        let settings = Settings { client_port: 80, data_port: 81, ..Settings::default() };
        let service = PubSub::start(cluster, &settings).expect("the ports are free");
        let _ = service.run(future::pending()).await;
    };
    for name in names {
        world.start_application(name, |options| options.seeds = vec!["a:7946".into()], serve);
    }
    world.run(secs(10));
    world
}

#[test]
fn a_subscriber_that_does_not_read_is_dropped_and_holds_up_nobody_for_long() {
    let mut world = with_node();
    let last = world.wait_for("a", secs(300), async |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let connect = async || split::<Connection>(runtime.connect(address).await.unwrap());
        let ((reader, mut writer), (answers, mut publisher)) = (connect().await, connect().await);
        writer.write_all(b"SUB t\n").await.unwrap();
        let mut answers = Lines::new(answers, LINE_SIZE_MAX);
        let text = "x".repeat(1000);
        let mut waited = 0;
        for number in 1..=1000 {
            let begin = runtime.now();
            publisher.write_all(format!("PUB t {text}\n").as_bytes()).await.unwrap();
            assert_eq!(answers.next().await.unwrap(), Some(format!("OK {number}")));
            let took = runtime.now() - begin;
            assert!(took <= ANSWER_MAX, "{number} took {took:?}");
            waited += u32::from(took > millis(100));
        }
        assert_eq!(waited, 1, "the subscriber is dropped once its queue was full for a while");
        let (mut lines, mut last) = (Lines::new(reader, 2 * LINE_SIZE_MAX), String::new());
        while let Ok(Some(line)) = lines.next().await {
            last = line;
        }
        last
    });
    assert!(last.starts_with("ERR this client is too slow"), "{last}");
}

#[test]
fn a_subscriber_that_reads_late_but_in_time_misses_nothing() {
    let mut world = with_node();
    world.wait_for("a", secs(60), async |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let (reader, mut writer) = split::<Connection>(runtime.connect(address).await.unwrap());
        let mut lines = Lines::new(reader, 2 * LINE_SIZE_MAX);
        writer.write_all(b"SUB t\n").await.unwrap();
        for _ in 0..200 {
            writer.write_all(b"PUB t text\n").await.unwrap();
        }
        runtime.sleep(secs(9)).await;
        let mut messages = 0;
        while messages < 200 {
            let line = lines.next().await.unwrap().unwrap();
            assert!(!line.starts_with("ERR"), "{line}");
            messages += u32::from(line.starts_with("MSG t a "));
        }
    });
}

#[test]
fn a_line_without_an_end_is_refused_and_the_client_told() {
    let mut world = with_node();
    let last = world.wait_for("a", secs(60), async |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let (reader, mut writer) = split::<Connection>(runtime.connect(address).await.unwrap());
        // The node may close the connection before all of it is written.
        let _ = writer.write_all(&[b'x'; 100_000]).await;
        Lines::new(reader, LINE_SIZE_MAX).next().await.unwrap()
    });
    assert_eq!(last.as_deref(), Some("ERR a line has at most 4096 bytes"));
}

#[test]
fn clients_of_one_address_leave_places_to_others_and_are_told_of_the_limit() {
    let mut world = with_node();
    let hosts = ["x", "y", "z"];
    for host in hosts {
        world.start_driver(host, |options| options.config.label = "clients".into());
    }
    let address = std::net::SocketAddr::new(world.address("a").ip(), 80);
    let subscribe = async move |cluster: Cluster| {
        let connecting = cluster.runtime().connect(address).await;
        let (reader, mut writer) = split::<Connection>(connecting.unwrap());
        let mut lines = Lines::new(reader, LINE_SIZE_MAX);
        let _ = writer.write_all(b"SUB t\n").await;
        (lines.next().await.unwrap().unwrap(), lines, writer)
    };
    let own = "ERR this node serves 128 connections from one address, which is the limit: use \
        another node";
    let all = "ERR this node serves 256 connections, which is the limit: use another node";
    for (host, places, limit) in [("x", 128, own), ("y", 128, all), ("z", 0, all)] {
        let told = world.ask(host, async move |cluster| {
            let mut clients = Vec::new();
            for _ in 0..places {
                let client = subscribe(cluster.clone()).await;
                assert_eq!(client.0, "OK");
                clients.push(client);
            }
            assert_eq!(subscribe(cluster.clone()).await.0, limit);
            // A client that ends makes room.
            clients.pop();
            cluster.runtime().sleep(secs(2)).await;
            if places > 0 {
                let client = subscribe(cluster).await;
                assert_eq!(client.0, "OK");
                clients.push(client);
            }
            future::pending::<()>().await;
            drop(clients);
        });
        world.run(secs(20));
        assert!(told.take().is_none(), "it keeps its clients");
    }
}

#[test]
fn a_client_that_says_nothing_loses_its_place_unless_it_subscribed() {
    let mut world = with_node();
    world.wait_for("a", secs(2000), async |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let idle = "ERR the connection was idle, without a subscription, for";
        for (line, answer, closed) in [
            ("", None, Some(10)),
            ("half a line", None, Some(10)),
            ("UNSUB t\n", Some("ERR this client has no such subscription"), Some(10)),
            ("PUB t text\n", Some("OK 1"), Some(600)),
            ("SUB t\n", Some("OK"), None),
        ] {
            let (reader, mut writer) = split::<Connection>(runtime.connect(address).await.unwrap());
            let mut lines = Lines::new(reader, LINE_SIZE_MAX);
            writer.write_all(line.as_bytes()).await.unwrap();
            if answer.is_some() {
                assert_eq!(lines.next().await.unwrap().as_deref(), answer);
            }
            let begin = runtime.now();
            let last = runtime.timeout(secs(700), lines.next()).await;
            let took = (runtime.now() - begin + millis(100)).as_secs();
            match (last, closed) {
                (Err(_), None) => {}
                (Ok(Ok(Some(last))), Some(seconds)) => {
                    assert_eq!(last, format!("{idle} {seconds} s"));
                    assert_eq!(took, seconds);
                    assert!(lines.next().await.unwrap().is_none());
                }
                (last, closed) => panic!("{line:?}: {last:?}, not {closed:?}"),
            }
        }
    });
}

#[test]
fn strangers_on_the_port_for_peers_are_refused() {
    let mut world = with_node();
    world.wait_for("a", secs(60), async |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(81);
        let own = Tags::of(&cluster.local()).unwrap().get(LIFE).unwrap().to_owned();
        let no_member = "REFUSED no live member of this cluster has that life";
        let other_life = "REFUSED this node restarted and has another life";
        for (line, answer) in [
            (format!("HELLO 1 000000000000002a {own}\n"), Some(no_member)),
            (format!("HELLO 1 {own} {own}\n"), Some(no_member)),
            (format!("HELLO 1 {own} 000000000000002a\n"), Some(other_life)),
            (format!("HELLO 2 {own} {own}\n"), None),
            ("MSG 1 t text\n".into(), None),
            ("GET / HTTP/1.1\n".into(), None),
            ("x".repeat(100_000), None),
            // A silent connection is closed.
            (String::new(), None),
        ] {
            let (reader, mut writer) = split::<Connection>(runtime.connect(address).await.unwrap());
            let _ = writer.write_all(line.as_bytes()).await;
            let mut lines = Lines::new(reader, LINE_SIZE_MAX);
            let told = runtime.timeout(secs(6), lines.next()).await.expect("it ends in time");
            assert_eq!(told.ok().flatten().as_deref(), answer, "{line:.60}");
        }
    });
}

#[test]
fn a_peer_that_stands_still_delays_nobody_and_gets_everything_later() {
    let mut world = with_nodes(&["a", "b"]);
    let link = |world: &mut World| {
        world.wait_for("a", secs(10), async |cluster| {
            let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
            address.set_port(80);
            let (reader, mut writer) = split::<Connection>(runtime.connect(address).await.unwrap());
            writer.write_all(b"STATS\n").await.unwrap();
            let mut lines = Lines::new(reader, LINE_SIZE_MAX);
            lines.next().await.unwrap();
            lines.next().await.unwrap().unwrap()
        })
    };
    let told = link(&mut world);
    assert!(told.contains("name=b") && told.contains("linked=true"), "{told}");
    world.pause("b");
    world.wait_for("a", secs(60), async |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let (reader, mut writer) = split::<Connection>(runtime.connect(address).await.unwrap());
        let mut lines = Lines::new(reader, LINE_SIZE_MAX);
        // More than the connection to the peer buffers.
        let text = "x".repeat(1000);
        for number in 1..=1000 {
            let begin = runtime.now();
            writer.write_all(format!("PUB t {text}\n").as_bytes()).await.unwrap();
            assert_eq!(lines.next().await.unwrap(), Some(format!("OK {number}")));
            assert!(runtime.now() - begin < millis(20), "of number {number}");
        }
    });
    world.resume("b");
    world.run(secs(20));
    let told = link(&mut world);
    assert!(told.contains("behind=0 dropped=0"), "{told}");
}

#[test]
fn a_number_that_a_stranger_makes_up_silences_no_member() {
    let mut world = with_nodes(&["a", "b"]);
    let life = |world: &World, name| {
        let tags = Tags::of(&world.cluster(name).local()).unwrap();
        tags.get(LIFE).unwrap().to_owned()
    };
    let (a, b) = (life(&world, "a"), life(&world, "b"));
    let peers = std::net::SocketAddr::new(world.address("b").ip(), 81);
    // Before and after b knows a number of a: impossible numbers and a possible one.
    for round in 0..2_u64 {
        for number in [u64::MAX, 1 << 62, 1_000_000 * (round + 1)] {
            for forged in [
                format!("BEGIN {number}\n"),
                format!("BEGIN 1\nMSG {number} t forged\n"),
                format!("BEGIN 1\nAT {number}\n"),
                format!("BEGIN 1\nBYE {number}\n"),
            ] {
                let hello = format!("HELLO 1 {a} {b}\n{forged}");
                world.wait_for("b", secs(10), async move |cluster| {
                    let connecting = cluster.runtime().connect(peers).await;
                    let (reader, mut writer) = split::<Connection>(connecting.unwrap());
                    writer.write_all(hello.as_bytes()).await.unwrap();
                    let mut lines = Lines::new(reader, LINE_SIZE_MAX);
                    // The member itself connects again, which ends this link.
                    while lines.next().await.ok().flatten().is_some() {}
                });
                hears(&mut world, &format!("{round} {number} after {forged:?}"));
            }
        }
    }
}

/// Expects that a subscriber at b receives a message published at a.
fn hears(world: &mut World, text: &str) {
    let expected = text.to_owned();
    let heard = world.ask("b", async move |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let (reader, mut writer) =
            split::<Connection>(runtime.connect(address).await.expect("it listens"));
        writer.write_all(b"SUB t\n").await.expect("it reads");
        let mut lines = Lines::new(reader, 2 * LINE_SIZE_MAX);
        loop {
            let line = lines.next().await.expect("a line").expect("an answer");
            // A forged BEGIN makes earlier messages come twice.
            if line.starts_with("MSG t a ") && line.ends_with(&expected) {
                return line;
            }
        }
    });
    world.run(secs(1));
    let published = format!("PUB t {text}\n");
    let number = world.wait_for("a", secs(1), async move |cluster| {
        let (runtime, mut address) = (cluster.runtime(), cluster.local_address());
        address.set_port(80);
        let (reader, mut writer) =
            split::<Connection>(runtime.connect(address).await.expect("it listens"));
        writer.write_all(published.as_bytes()).await.expect("it reads");
        Lines::new(reader, LINE_SIZE_MAX).next().await.expect("a line").expect("an answer")
    });
    world.run(secs(5));
    let heard = heard.take().unwrap_or_else(|| panic!("nothing is heard: {text}"));
    let number = number.strip_prefix("OK ").expect("it is taken");
    assert_eq!(heard, format!("MSG t a {number} {text}"));
}
