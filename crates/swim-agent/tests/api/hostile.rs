//! Clients that are slow, broken or malicious: they are cut off, and the node does not notice.

use std::time::{Duration, Instant};

use swim_agent::limits::{
    BODY_SIZE_MAX, CONNECTIONS_MAX, HEADER_TIME_MAX, REQUESTS_PER_CONNECTION_MAX, WRITE_TIME_MAX,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::common::{Fixture, PATIENCE, answer, node, pair, problem};

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let large = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'x'; 1 << 20]].concat();
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100));
    for (bytes, expected) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /v1/members/\xff\xfe HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 400),
        (b"GET /v1/info HTTP/1.1\r\nhost: \xff\xfe\r\nconnection: close\r\n\r\n", 403),
        (b"GET /v1/members/%ff HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 400),
        (b"POST /v1/join HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n", 400),
        (&large, 431),
        (many.as_bytes(), 431),
    ] {
        let (status, text) = fixture.raw(bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        assert_eq!(status, expected, "{shown:?}: {text}");
    }
    let (status, body) = fixture.request("PUT", "/v1/tags", "{\"tags\": {\"a\": \"\u{0}\"}}").await;
    assert_eq!(status, 400, "{body}");
    let head = "POST /v1/join HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\
        connection: close\r\n\r\n";
    let (status, text) = fixture.raw(&[head.as_bytes(), b"\xff\xfe"].concat()).await;
    assert_eq!(status, 400, "{text}");
    problem(text.split_once("\r\n\r\n").unwrap().1);
}

#[tokio::test]
async fn bodies_have_an_end() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let head = "PUT /v1/tags HTTP/1.1\r\nhost: localhost\r\n";
    // It is refused before any of it comes.
    let announced = format!("{head}content-length: {}\r\n\r\n", 1_u64 << 40);
    assert_eq!(fixture.raw(announced.as_bytes()).await.0, 413);
    // It does not say how long it is, and never ends.
    let mut stream = fixture.connect().await;
    stream.write_all(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
    let chunk = [b"1000\r\n".to_vec(), vec![b' '; 0x1000], b"\r\n".to_vec()].concat();
    let mut sent = 0;
    while stream.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
        assert!(sent < 8 * BODY_SIZE_MAX, "it is read for ever");
    }
    assert_eq!(answer(&mut stream).await.0, 413);
    // A value that no member table takes.
    let tags = format!("{{\"tags\": {{\"a\": \"{}\"}}}}", "x".repeat(600));
    let (status, body) = fixture.request("PUT", "/v1/tags", &tags).await;
    assert_eq!(status, 413);
    assert!(problem(&body)["detail"].as_str().unwrap().contains("at most 512"), "{body}");
    // JSON that nests for ever.
    let (status, _) = fixture.request("PUT", "/v1/tags", &"[".repeat(BODY_SIZE_MAX)).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_come_in_later() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut stream = fixture.connect().await;
        stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        assert_eq!(answer(&mut stream).await.0, 200);
        open.push(stream);
    }
    let (status, body) = fixture.request("GET", "/v1/info", "").await;
    assert_eq!(status, 503);
    assert_eq!(problem(&body)["title"], "busy");
    drop(open);
    let deadline = Instant::now() + PATIENCE;
    while fixture.request("GET", "/v1/info", "").await.0 != 200 {
        assert!(Instant::now() < deadline, "the places are never free again");
    }
}

#[tokio::test]
async fn clients_that_send_nothing_are_cut_off() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let begun = Instant::now();
    let mut silent = fixture.connect().await;
    let mut halfway = fixture.connect().await;
    halfway.write_all(b"GET /v1/info HTTP/1.1\r\nhost: loc").await.unwrap();
    answer(&mut silent).await;
    answer(&mut halfway).await;
    assert!(begun.elapsed() >= HEADER_TIME_MAX);
}

/// Asks for everything again and again, and reads nothing.
async fn asks_without_reading(mut stream: UnixStream) -> Instant {
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    while stream.write_all(request).await.is_ok() {}
    Instant::now()
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off_and_the_node_does_not_notice() {
    let (a, b) = pair().await;
    let fixture = Fixture::of(&a).await;
    let begun = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(tokio::spawn(asks_without_reading(fixture.connect().await)));
    }
    for client in clients {
        let ended = tokio::time::timeout(2 * WRITE_TIME_MAX + PATIENCE, client).await;
        let ended = ended.expect("it is cut off").unwrap();
        assert!(ended - begun >= WRITE_TIME_MAX.min(Duration::from_secs(1)));
    }
    let stats = a.cluster().stats().await.unwrap();
    assert_eq!((stats.failures_declared, a.cluster().health()), (0, 0));
    assert!(a.cluster().is_live("b") && b.cluster().is_live("a"));
}

#[tokio::test]
async fn a_connection_ends_after_so_many_requests() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let mut stream = fixture.connect().await;
    let mut left = REQUESTS_PER_CONNECTION_MAX + 10;
    let mut bytes = Vec::new();
    // One after the other: the buffers of a connection do not take them all.
    while left > 0 && stream.write_all(b"GET /v1/members/b HTTP/1.1\r\nhost:\r\n\r\n").await.is_ok()
    {
        left -= 1;
        let end = bytes.len();
        while !String::from_utf8_lossy(&bytes[end..]).ends_with('}') {
            match stream.read_buf(&mut bytes).await {
                Ok(1..) => {}
                _ => left = 0,
            }
            if left == 0 {
                break;
            }
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 404 ").count(), REQUESTS_PER_CONNECTION_MAX);
    assert_eq!(text.matches("connection: close").count(), 1);
}
