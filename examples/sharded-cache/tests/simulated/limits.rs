//! Limits, and requests that are refused.

use futures_lite::AsyncWriteExt;
use futures_lite::future;
use futures_lite::io::split;
use sharded_cache::{Cache, LINE_SIZE_MAX, Lines, Settings};
use swim_sim::{Cluster, Connection, World, secs};

/// Two nodes of the cache that run on, with little room.
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

/// The answer of a node to this, on a connection of its own.
async fn ask(cluster: &Cluster, line: &[u8]) -> String {
    let (reader, mut writer) = split(connect(cluster).await);
    // The node may end the connection before all is written.
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
fn connections_and_memory_have_limits() {
    let mut world = with_nodes();
    world.wait_for("a", secs(50), async |cluster| {
        for number in 0..50 {
            assert_eq!(ask(&cluster, format!("SET {number} value\n").as_bytes()).await, "OK");
        }
        let stats = ask(&cluster, b"STATS\n").await;
        let keys = stats.split(' ').find_map(|it| it.strip_prefix("keys=")).unwrap();
        assert!(keys.parse::<u32>().unwrap() < 10, "1000 bytes hold few keys: {stats}");
        assert!(!stats.ends_with("evicted=0"), "{stats}");

        let mut connections = Vec::new();
        for _ in 0..512 {
            connections.push(connect(&cluster).await);
        }
        assert!(ask(&cluster, b"STATS\n").await.starts_with("ERR this node has 512 connections"));
        drop(connections);
        cluster.runtime().sleep(secs(2)).await;
        assert!(ask(&cluster, b"STATS\n").await.starts_with("STATS"));
    });
}
