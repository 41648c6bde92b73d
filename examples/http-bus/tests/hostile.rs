//! Malicious and broken clients: each gets a clear status or a closed connection, and other clients
//! are still served.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use http_bus::{Service, Settings};
use swim_sim::{Connection, Tags, World, WorldOptions, millis, secs};

const PORT: u16 = 8080;

/// A node with the service, and a host for clients.
struct Scene {
    world: World,
    node: SocketAddr,
}

impl Scene {
    fn new(change: impl FnOnce(&mut Settings)) -> Scene {
        let mut settings = Settings::default();
        settings.http_port = PORT;
        change(&mut settings);
        let mut world = WorldOptions::new(1).stream_buffer(16 << 10).build();
        world.start_application(
            "a",
            |_| {},
            move |cluster, events| {
                let service = Service::new(settings.clone()).unwrap();
                async move {
                    let stopped = service.run(cluster, events, std::future::pending()).await;
                    panic!("it ended: {stopped:?}");
                }
            },
        );
        world.start_driver("client", |options| options.config.label = "clients".into());
        world.run(secs(1));
        let node = SocketAddr::new(world.address("a").ip(), PORT);
        Scene { world, node }
    }

    /// A scene with a second member. Returns the scene and the life of that member.
    fn with_member(name: &'static str) -> (Scene, u64) {
        let mut scene = Scene::new(|_| {});
        let seeds = |options: &mut swim_sim::Options| options.seeds = vec!["a:7946".into()];
        scene.world.start_application(name, seeds, |cluster, events| async move {
            let mut settings = Settings::default();
            settings.http_port = PORT;
            let service = Service::new(settings).unwrap();
            let stopped = service.run(cluster, events, std::future::pending()).await;
            panic!("it ended: {stopped:?}");
        });
        scene.world.run(secs(10));
        let tags = Tags::of(&scene.world.cluster("a").member(name).unwrap()).unwrap();
        let life = u64::from_str_radix(tags.get("http-life").unwrap(), 16).unwrap();
        (scene, life)
    }

    /// Lets a client use a connection, for at most two minutes.
    fn client<T: 'static>(
        &mut self,
        act: impl AsyncFnOnce(Connection) -> io::Result<T> + 'static,
    ) -> io::Result<T> {
        let node = self.node;
        self.world.wait_for("client", secs(120), async move |cluster| {
            act(cluster.runtime().connect(node).await?).await
        })
    }

    /// Sends a request, and returns everything that comes until the connection is closed.
    fn request(&mut self, request: impl Into<Vec<u8>>) -> String {
        let request = request.into();
        let answer = self.client(async move |mut connection| {
            // The node may close it before everything is written.
            let _ = connection.write_all(&request).await;
            Ok(answer_on(connection).await)
        });
        answer.unwrap()
    }

    fn publish(&mut self, payload: &[u8]) -> String {
        let length = payload.len();
        let head = format!("POST /publish HTTP/1.0\r\ncontent-length: {length}\r\n\r\n");
        self.request([head.as_bytes(), payload].concat())
    }

    #[track_caller]
    fn expect_others_served(&mut self) {
        let answer = self.publish(b"hello");
        assert!(answer.starts_with("HTTP/1.0 202 "), "{answer}");
    }

    /// Has the client publish a message at this member.
    #[track_caller]
    fn publish_at(&mut self, member: &str) {
        let address = SocketAddr::new(self.world.address(member).ip(), PORT);
        let published = self.world.wait_for("client", secs(5), async move |cluster| {
            let mut connection = cluster.runtime().connect(address).await.unwrap();
            let request = b"POST /publish HTTP/1.0\r\ncontent-length: 5\r\n\r\nhello";
            connection.write_all(request).await.unwrap();
            answer_on(connection).await
        });
        expect_status(&published, 202);
    }

    /// Returns a figure from the node's health.
    fn health(&mut self, key: &str) -> u64 {
        let answer = self.request("GET /healthz HTTP/1.0\r\n\r\n");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let health: serde_json::Value = serde_json::from_str(body).unwrap();
        health[key].as_u64().unwrap()
    }
}

/// Reads the answer until the connection ends for any reason.
async fn answer_on(mut connection: Connection) -> String {
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(size @ 1..) = connection.read(&mut piece).await {
        answer.extend_from_slice(&piece[..size]);
    }
    String::from_utf8(answer).unwrap()
}

#[track_caller]
fn expect_status(answer: &str, status: u16) {
    assert!(answer.split(' ').nth(1) == Some(&status.to_string()), "not {status}: {answer}");
}

#[test]
fn a_body_without_end_is_too_large() {
    let mut scene = Scene::new(|_| {});
    for path in ["/publish", "/hand-on"] {
        let answer = scene.client(async move |mut connection| {
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
            connection.write_all(head.as_bytes()).await?;
            let chunk = [b"1000\r\n".to_vec(), vec![b'x'; 4096], b"\r\n".to_vec()].concat();
            for _ in 0..1000 {
                if connection.write_all(&chunk).await.is_err() {
                    break;
                }
            }
            Ok(answer_on(connection).await)
        });
        // The answer may be lost, as the connection is closed while the client writes.
        let answer = answer.unwrap();
        assert!(answer.is_empty() || answer.contains(" 413 "), "{answer}");
        scene.expect_others_served();
    }
}

#[test]
fn a_content_length_is_believed_only_where_it_is_too_large() {
    let mut scene = Scene::new(|_| {});
    for (length, status) in [
        ("65537", 413),
        ("1000000000000", 413),
        ("18446744073709551615", 431),
        ("99999999999999999999", 400),
        ("-1", 400),
    ] {
        let head = format!("POST /publish HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
        expect_status(&scene.request(head), status);
    }
    scene.expect_others_served();
    assert_eq!(scene.health("kept"), 1);
}

#[test]
fn a_body_of_the_largest_size_is_accepted_and_one_byte_more_is_not() {
    let mut scene = Scene::new(|_| {});
    expect_status(&scene.publish(&[7; 64 << 10]), 202);
    expect_status(&scene.publish(&[7; (64 << 10) + 1]), 413);
}

#[test]
fn a_slow_body_ends_after_its_time() {
    let mut scene = Scene::new(|_| {});
    let before = scene.world.now();
    let head = "POST /publish HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf";
    expect_status(&scene.request(head), 408);
    assert!(scene.world.now() - before < secs(11));
    scene.expect_others_served();
}

#[test]
fn slow_headers_end_with_the_connection() {
    let mut scene = Scene::new(|_| {});
    let node = scene.node;
    let lasted = scene.world.wait_for("client", secs(60), async move |cluster| {
        let runtime = cluster.runtime();
        let (begin, mut connection) = (runtime.now(), runtime.connect(node).await.unwrap());
        for byte in "GET /healthz HTTP/1.1\r\nx: y".bytes().cycle() {
            connection.write_all(&[byte]).await.unwrap();
            let answer = runtime.timeout(millis(500), connection.read(&mut [0])).await;
            if answer.is_ok() {
                break;
            }
        }
        runtime.now() - begin
    });
    assert!((secs(9)..secs(13)).contains(&lasted), "{lasted:?}");
    scene.expect_others_served();
}

#[test]
fn a_megabyte_of_header_address_or_number_is_refused() {
    let mut scene = Scene::new(|_| {});
    let long = "9".repeat(1 << 20);
    for request in [
        format!("GET /messages?since={long} HTTP/1.1\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\nx: {long}\r\n\r\n"),
        format!("{long} /healthz HTTP/1.1\r\n\r\n"),
        format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100)),
    ] {
        let answer = scene.request(request);
        let status = answer.split(' ').nth(1).unwrap_or("closed");
        assert!(["400", "414", "431", "closed"].contains(&status), "{answer}");
        scene.expect_others_served();
    }
}

#[test]
fn what_is_no_http_is_refused() {
    let mut scene = Scene::new(|_| {});
    for request in
        [&b"\xff\xfe\xfd\r\n\r\n"[..], b"\0\0\0\0\0\0\0\0\r\n\r\n", b"GET / SPDY/9\r\n\r\n"]
    {
        let answer = scene.request(request);
        assert!(answer.is_empty() || answer.contains(" 400 "), "{answer}");
    }
    expect_status(&scene.request("GET /nothing HTTP/1.0\r\n\r\n"), 404);
    let answer = scene.request("DELETE /publish HTTP/1.0\r\n\r\n");
    expect_status(&answer, 405);
    assert!(answer.contains("allow: POST"), "{answer}");
    for since in ["-1", "x", "18446744073709551616", "1&life=2", "%ff"] {
        let answer = scene.request(format!("GET /messages?since={since} HTTP/1.0\r\n\r\n"));
        expect_status(&answer, 400);
    }
    scene.expect_others_served();
}

#[test]
fn a_hand_on_that_is_none_is_refused() {
    let mut scene = Scene::new(|_| {});
    let id = |origin: &str| {
        format!(r#"{{"origin":"{origin}","life":1,"number":1,"left":9000,"had":[],"size":0}}"#)
    };
    for (line, status) in [
        (id(&"x".repeat(60_000)).into_bytes(), 400),
        (id(&"x".repeat(1 << 20)).into_bytes(), 413),
        (b"{\"origin\":\"\xff\xfe\"}".to_vec(), 400),
        (b"{".to_vec(), 400),
        (b"[".repeat(60_000), 400),
        (id("a/b").into_bytes(), 400),
        (id("a\\nb").into_bytes(), 400),
        (id("b").into_bytes(), 202),
        (id("b").into_bytes(), 200),
    ] {
        let length = line.len() + 1;
        let head = format!("POST /hand-on HTTP/1.0\r\ncontent-length: {length}\r\n\r\n");
        expect_status(&scene.request([head.as_bytes(), &line, b"\n"].concat()), status);
    }
    scene.expect_others_served();
    assert_eq!(scene.health("kept"), 2);
}

#[test]
fn a_number_that_a_stranger_makes_up_silences_no_member() {
    let (mut scene, life) = Scene::with_member("b");
    for number in [u64::MAX, 1 << 40, 5000, 4096] {
        let line = format!(
            r#"{{"origin":"b","life":{life},"number":{number},"left":9000,"had":[],"size":0}}"#
        );
        let length = line.len() + 1;
        let head = format!("POST /hand-on HTTP/1.0\r\ncontent-length: {length}\r\n\r\n");
        expect_status(&scene.request(format!("{head}{line}\n")), 202);
        let kept = scene.health("kept");
        scene.publish_at("b");
        scene.world.run(secs(2));
        assert_eq!(scene.health("kept"), kept + 1, "after number {number}");
    }
}

#[test]
fn a_name_that_cannot_be_part_of_an_id_is_refused_with_the_reason() {
    let mut world = World::new(1);
    let told: std::sync::Arc<std::sync::OnceLock<String>> = std::sync::Arc::default();
    let tell = std::sync::Arc::clone(&told);
    world.start_application(
        "a/b",
        |_| {},
        move |cluster, events| {
            let tell = std::sync::Arc::clone(&tell);
            async move {
                let service = Service::new(Settings::default()).unwrap();
                let ended = service.run(cluster, events, std::future::pending()).await;
                tell.set(ended.unwrap_err().to_string()).unwrap();
            }
        },
    );
    world.run(secs(1));
    assert!(told.get().unwrap().contains("choose another --name"), "{told:?}");
}

/// Opens so many connections, and keeps them open in silence.
fn hold(scene: &mut Scene, connections: usize) {
    let node = scene.node;
    let _ = scene.world.ask("client", async move |cluster| {
        let mut held = Vec::new();
        for _ in 0..connections {
            held.push(cluster.runtime().connect(node).await);
        }
        std::future::pending::<()>().await;
        drop(held);
    });
    scene.world.run(millis(500));
}

#[test]
fn connections_beyond_the_limit_are_told_so_until_silent_ones_are_closed() {
    let mut scene = Scene::new(|settings| {
        settings.server.connections_max = 8;
        settings.readers_max = 4;
    });
    hold(&mut scene, 8);
    let answer = scene.request("GET /healthz HTTP/1.0\r\n\r\n");
    expect_status(&answer, 503);
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    scene.world.run(secs(11));
    scene.expect_others_served();
    // Connections beyond those that get a 503 are closed.
    hold(&mut scene, 100);
    scene.world.run(secs(12));
    scene.expect_others_served();
}

#[test]
fn a_host_that_takes_all_connections_it_gets_does_not_keep_others_out() {
    let mut scene = Scene::new(|_| {});
    let node = scene.node;
    scene.world.start_driver("other", |options| options.config.label = "clients".into());
    for _ in 0..2 {
        hold(&mut scene, 200);
        // Some get a 503; the rest are closed.
        let answer = scene.request("GET /healthz HTTP/1.0\r\n\r\n");
        assert!(answer.is_empty() || answer.contains(" 503 "), "{answer}");
        let answer = scene.world.wait_for("other", secs(5), async move |cluster| {
            let mut connection = cluster.runtime().connect(node).await.unwrap();
            connection.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
            answer_on(connection).await
        });
        expect_status(&answer, 200);
        scene.world.run(secs(3));
        expect_status(&scene.request("GET /healthz HTTP/1.0\r\n\r\n"), 503);
    }
}

/// Starts a reader that waits, then reads everything.
fn slow_reader(scene: &mut Scene, wait: Duration) -> swim_sim::Reply<String> {
    let node = scene.node;
    let reply = scene.world.ask("client", async move |cluster| {
        let runtime = cluster.runtime();
        let mut connection = runtime.connect(node).await.unwrap();
        connection.write_all(b"GET /messages HTTP/1.0\r\n\r\n").await.unwrap();
        runtime.sleep(wait).await;
        answer_on(connection).await
    });
    scene.world.run(millis(100));
    reply
}

#[test]
fn a_reader_that_never_reads_is_cut_off() {
    let mut scene = Scene::new(|_| {});
    let reader = slow_reader(&mut scene, secs(600));
    assert_eq!(scene.health("readers"), 1);
    for _ in 0..10 {
        expect_status(&scene.publish(&[b'x'; 60_000]), 202);
    }
    scene.world.run(secs(35));
    assert_eq!(scene.health("readers"), 0);
    scene.expect_others_served();
    drop(reader);
}

#[test]
fn a_slow_reader_is_told_that_it_is_too_slow() {
    let mut scene = Scene::new(|settings| settings.keep = secs(5));
    let reader = slow_reader(&mut scene, secs(15));
    for _ in 0..20 {
        expect_status(&scene.publish(&[b'x'; 60_000]), 202);
    }
    scene.world.run(secs(20));
    let read = reader.take().unwrap();
    let last = read.lines().last().unwrap();
    assert!(last.starts_with(r#"{"end":"too slow"#), "{last}");
    let told: serde_json::Value = serde_json::from_str(last).unwrap();
    let lines = read.lines().filter(|line| line.contains(r#""n":"#)).count() as u64;
    assert!((1..20).contains(&lines), "{lines}");
    assert_eq!(told["since"], lines);
}

#[test]
fn readers_beyond_the_limit_are_sent_away() {
    let mut scene = Scene::new(|settings| settings.readers_max = 2);
    let readers = [1, 2].map(|_| slow_reader(&mut scene, secs(600)));
    let answer = scene.request("GET /messages HTTP/1.0\r\n\r\n");
    expect_status(&answer, 503);
    assert!(answer.contains("retry-after: "), "{answer}");
    drop(readers);
}

#[test]
fn readers_at_the_address_of_a_member_do_not_keep_the_member_out() {
    let (mut scene, _) = Scene::with_member("b");
    let node = scene.node;
    // 200 exceeds the connections allowed per address.
    let told = scene.world.ask("b", async move |cluster| {
        let (mut readers, mut served) = (Vec::new(), 0);
        for _ in 0..200 {
            let Ok(mut connection) = cluster.runtime().connect(node).await else { continue };
            let _ = connection.write_all(b"GET /messages HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let mut head = [0; 12];
            let _ = connection.read_exact(&mut head).await;
            served += u64::from(&head == b"HTTP/1.1 200");
            readers.push(connection);
        }
        assert_eq!(served, 64);
        std::future::pending::<()>().await;
        drop(readers);
    });
    scene.world.run(secs(20));
    assert!(told.take().is_none(), "they keep their connections");
    let kept = scene.health("kept");
    scene.publish_at("b");
    scene.world.run(secs(5));
    assert_eq!(scene.health("kept"), kept + 1, "b hands on what was published there");
    assert_eq!(scene.health("readers"), 64);
}

#[test]
fn a_full_node_says_when_to_come_again() {
    for fill in [
        |settings: &mut Settings| settings.published_max = 3,
        |settings: &mut Settings| settings.kept_max = 6,
        |settings: &mut Settings| settings.kept_bytes_max = 2 * (64 << 10),
    ] {
        let mut scene = Scene::new(|settings| {
            settings.keep = secs(10);
            fill(settings);
        });
        for _ in 0..3 {
            expect_status(&scene.publish(&[b'x'; 20 << 10]), 202);
        }
        let answer = scene.publish(&[b'x'; 20 << 10]);
        expect_status(&answer, 503);
        let after = answer.split("retry-after: ").nth(1).unwrap().split('\r').next().unwrap();
        let after: u64 = after.parse().unwrap();
        assert!((1..=10).contains(&after), "{after}");
        scene.world.run(secs(after));
        expect_status(&scene.publish(&[b'x'; 20 << 10]), 202);
    }
}

#[test]
fn any_bytes_come_back_and_a_reader_goes_on_where_it_ended() {
    let mut scene = Scene::new(|settings| settings.keep = secs(5));
    for payload in [&b"first"[..], "ü\n".as_bytes(), b"\xff\0"] {
        expect_status(&scene.publish(payload), 202);
    }
    let reader = |since: &'static str| {
        async move |mut connection: Connection| {
            let request = format!("GET /messages?{since} HTTP/1.0\r\n\r\n");
            connection.write_all(request.as_bytes()).await?;
            let (mut read, mut piece) = (String::new(), [0; 4096]);
            // A heartbeat marks the end of the messages.
            while !read.ends_with("\n\n") {
                let size = connection.read(&mut piece).await?;
                read.push_str(std::str::from_utf8(&piece[..size]).unwrap());
            }
            Ok(read.split("\r\n\r\n").nth(1).unwrap().to_owned())
        }
    };
    let read = scene.client(reader("since=1")).unwrap();
    let lines: Vec<&str> = read.lines().collect();
    assert!(lines[0].starts_with(r#"{"last":3,"#) && lines[0].contains(r#""node":"a""#), "{read}");
    assert!(lines[1].ends_with(r#""n":2,"origin":"a","text":"ü\n"}"#), "{read}");
    assert!(lines[2].starts_with(r#"{"base64":"/wA=","#), "{read}");
    assert_eq!(lines.len(), 4, "{read}");

    let read = scene.client(reader("")).unwrap();
    assert_eq!(read.lines().nth(1), Some(r#"{"expired":{"from":1,"to":3}}"#));
}
