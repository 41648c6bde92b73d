//! Limits, and requests that are refused.

use std::net::SocketAddr;

use futures_lite::AsyncWriteExt;
use futures_lite::future;
use futures_lite::io::split;
use sharded_cache::{Cache, LINE_SIZE_MAX, Lines, Settings};
use swim_sim::{Cluster, Connection, World, secs};

/// A world with two nodes of the cache, with little room.
fn with_nodes() -> World {
    let mut world = World::new(1);
    for name in ["a", "b"] {
        let seeds = |options: &mut swim_sim::Options| options.seeds = vec!["a:7946".into()];
        world.start_application(name, seeds, |cluster, _| async {
            let settings = Settings { port: 80, bytes_max: 1000, ..Settings::default() };
            let cache = Cache::start(cluster, &settings).expect("the port is free");
            let _ = cache.run(future::pending()).await;
        });
    }
    world.run(secs(10));
    world
}

async fn connect(cluster: &Cluster) -> Connection {
    let mut address = cluster.local_address();
    address.set_port(80);
    cluster.runtime().connect(address).await.expect("it listens")
}

/// Sends a line on a new connection, and returns the answer.
async fn ask(cluster: &Cluster, line: &[u8]) -> String {
    let (reader, mut writer) = split(connect(cluster).await);
    // The node may close the connection before all of it is written.
    let _ = writer.write_all(line).await;
    Lines::new(reader, LINE_SIZE_MAX).next().await.expect("a line").expect("an answer")
}

#[test]
fn a_node_forwards_nothing_that_was_forwarded() {
    let mut world = with_nodes();
    world.wait_for("a", secs(60), async |cluster| {
        let mut forwarded = 0;
        for number in 0..20 {
            let owner = ask(&cluster, format!("WHERE {number}\n").as_bytes()).await;
            let answer = ask(&cluster, format!("FORWARDED GET {number}\n").as_bytes()).await;
            if owner.starts_with("OWNER a ") {
                assert_eq!(answer, "NONE");
            } else {
                assert_eq!(answer, "ERR the owner of the key is changing: try again");
                forwarded += 1;
            }
            let twice = format!("FORWARDED FORWARDED GET {number}\n");
            assert!(ask(&cluster, twice.as_bytes()).await.starts_with("ERR write GET KEY"));
        }
        assert!(forwarded > 0, "the other node owns some");
    });
}

#[test]
fn lines_that_are_too_long_and_values_that_are_too_large_are_refused() {
    let mut world = with_nodes();
    world.wait_for("a", secs(60), async |cluster| {
        for (line, answer) in [
            (vec![b'x'; 100_000], "ERR a line has at most 16384 bytes"),
            (format!("SET k {}\n", "x".repeat(8193)).into(), "ERR a value has at most 8192 bytes"),
            (format!("GET {}\n", "x".repeat(251)).into(), "ERR a key has 1 to 250 bytes"),
            (b"GET \xff\n".to_vec(), "ERR the line is not UTF-8"),
        ] {
            assert_eq!(ask(&cluster, &line).await, answer);
        }
    });
}

#[test]
fn memory_has_a_limit() {
    let mut world = with_nodes();
    world.wait_for("a", secs(50), async |cluster| {
        for number in 0..50 {
            assert_eq!(ask(&cluster, format!("SET {number} value\n").as_bytes()).await, "OK");
        }
        let stats = ask(&cluster, b"STATS\n").await;
        let keys = stats.split(' ').find_map(|it| it.strip_prefix("keys=")).unwrap();
        assert!(keys.parse::<u32>().unwrap() < 10, "1000 bytes hold few keys: {stats}");
        assert!(!stats.ends_with("evicted=0"), "{stats}");
    });
}

/// Opens so many connections from a host to node a, sends a line on each, and keeps them open.
fn hold(world: &mut World, host: &str, connections: usize, line: &'static [u8]) {
    let address = SocketAddr::new(world.address("a").ip(), 80);
    let holding = world.ask(host, async move |cluster| {
        let runtime = cluster.runtime();
        let mut held = Vec::new();
        for _ in 0..connections {
            let mut connection = runtime.connect(address).await.expect("it listens");
            // It may be refused already.
            let _ = connection.write_all(line).await;
            held.push(connection);
        }
        future::pending::<()>().await;
        drop(held);
    });
    world.run(secs(2));
    drop(holding);
}

/// Sends a line from a host to node a, and returns the answer.
fn answer_to(world: &mut World, host: &str, line: &'static [u8]) -> String {
    let address = SocketAddr::new(world.address("a").ip(), 80);
    world.wait_for(host, secs(10), async move |cluster| {
        let connection = cluster.runtime().connect(address).await.expect("it listens");
        let (reader, mut writer) = split(connection);
        let _ = writer.write_all(line).await;
        Lines::new(reader, LINE_SIZE_MAX).next().await.expect("a line").expect("an answer")
    })
}

/// Returns a key that a owns in b's view.
fn key_of_a(world: &mut World) -> String {
    world.wait_for("b", secs(60), async |cluster| {
        let mut number = 0;
        while !ask(&cluster, format!("WHERE {number}\n").as_bytes()).await.starts_with("OWNER a") {
            number += 1;
        }
        number.to_string()
    })
}

#[test]
fn clients_that_fill_their_places_keep_neither_nodes_nor_other_hosts_out() {
    let mut world = with_nodes();
    for host in ["x", "y", "z"] {
        world.start_driver(host, |options| options.config.label = "clients".into());
    }
    let key = key_of_a(&mut world);
    // First from the address of a node, then from another host.
    for (host, line) in [("b", &b"GET k\n"[..]), ("x", b"")] {
        // Silent connections count as new at first, and of new ones there are 128 per address at
        // most.
        for _ in 0..3 {
            hold(&mut world, host, 100, line);
        }
        let told = answer_to(&mut world, host, b"STATS\n");
        let limit = match host {
            "b" => "ERR node a serves clients on 256 connections from one address",
            _ => "ERR node a serves clients on 512 connections",
        };
        assert!(told.starts_with(limit), "{host}: {told}");
        let request = format!("SET {key} value\n");
        let answer = world
            .wait_for("b", secs(10), async move |cluster| ask(&cluster, request.as_bytes()).await);
        assert_eq!(answer, "OK", "b forwards it to a");
        if host == "b" {
            assert!(answer_to(&mut world, "y", b"STATS\n").starts_with("STATS"));
        }
    }
    let told = answer_to(&mut world, "z", b"STATS\n");
    assert!(told.starts_with("ERR node a serves clients on 512 connections"), "{told}");
    // Idle connections are closed, which makes room.
    world.run(secs(65));
    assert!(answer_to(&mut world, "z", b"STATS\n").starts_with("STATS"));
}

#[test]
fn the_limit_of_an_owner_is_not_taken_for_that_of_the_node_that_was_asked() {
    let mut world = with_nodes();
    let key = key_of_a(&mut world);
    let ask_b = |world: &mut World| {
        let request = format!("SET {key} value\n");
        world.wait_for("b", secs(10), async move |cluster| ask(&cluster, request.as_bytes()).await)
    };
    hold(&mut world, "b", 256, b"FORWARDED GET k\n");
    let told = ask_b(&mut world);
    assert!(told.starts_with("ERR node a serves other nodes on 256 connections"), "{told}");
    world.run(secs(6));
    assert_eq!(ask_b(&mut world), "OK", "connections of nodes are idle for 5 s at most");
}
