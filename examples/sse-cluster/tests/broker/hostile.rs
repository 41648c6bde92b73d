//! Clients that misbehave. Other clients are still served, and the node's memory stays bounded.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use swim_driver::{Bytes, RuntimeHandle};
use swim_interop::LIMIT;
use swim_tokio::Tokio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{ask, publish_at_length};
use crate::process::Process;

/// Memory limit of a node with a thousand clients that do not read, in bytes.
const MEMORY_MAX: u64 = 96 << 20;

async fn answer_to(node: SocketAddr, request: Request<Full<Bytes>>) -> (StatusCode, String) {
    let runtime = RuntimeHandle::new(Tokio);
    let (answer, _moving) = ask(&runtime, node, request).await.expect("it is answered");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("the answer is whole").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(path).body(Full::new(body.into())).expect("it is a request")
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let node = Process::start("a", None);
    let long = "x".repeat(1000);
    let cases = [
        (post("/channel/a", "no json"), StatusCode::BAD_REQUEST, "as JSON"),
        (post("/channel/a", vec![b'"'; 1 << 20]), StatusCode::PAYLOAD_TOO_LARGE, "too large"),
        (post("/channel/a", b"{\"data\":\"\xff\xfe\"}".to_vec()), StatusCode::BAD_REQUEST, "JSON"),
        (post("/channel/a", r#"{"event":"a\nb"}"#), StatusCode::BAD_REQUEST, "line break"),
        (post("/channel/a", r#"{"id":"a@b"}"#), StatusCode::BAD_REQUEST, "@"),
        (
            post("/channel/a", format!(r#"{{"id":"{long}"}}"#)),
            StatusCode::BAD_REQUEST,
            "the limit is 256",
        ),
        (post(&format!("/channel/{long}"), "{}"), StatusCode::BAD_REQUEST, "the limit is 256"),
        (post("/channel/%ff", "{}"), StatusCode::BAD_REQUEST, "not UTF-8"),
        (post("/channel/%0a", "{}"), StatusCode::BAD_REQUEST, "control characters"),
        (post("/channel//client/x", "{}"), StatusCode::BAD_REQUEST, "empty"),
        (post("/status", "{}"), StatusCode::METHOD_NOT_ALLOWED, "GET to listen"),
        (post("/nowhere", "{}"), StatusCode::NOT_FOUND, "/channel/CHANNEL"),
    ];
    for (request, expected, why) in cases {
        let path = request.uri().to_string();
        let (status, body) = answer_to(node.http, request).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(body.contains(why), "{path}: {body}");
    }
}

/// Sends bytes. Returns everything that comes until the connection ends or the time is up.
async fn raw(node: SocketAddr, bytes: &[u8], limit: Duration) -> String {
    let mut stream = TcpStream::connect(node).await.expect("it listens");
    // The node may close it during the write.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(limit, stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn headers_without_end_and_ids_of_a_megabyte_are_refused() {
    let node = Process::start("a", None);
    let limit = Duration::from_secs(30);
    let id = "i".repeat(1 << 20);
    let head = format!("GET /channel/a HTTP/1.1\r\nhost: x\r\nlast-event-id: {id}\r\n\r\n");
    let answer = raw(node.http, head.as_bytes(), limit).await;
    assert!(answer.is_empty() || answer.contains(" 431 "), "{answer:.100}");
    let path = format!("GET /channel/a/client/{id} HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = raw(node.http, path.as_bytes(), limit).await;
    assert!(
        answer.is_empty() || answer.contains(" 414 ") || answer.contains(" 431 "),
        "{answer:.100}"
    );
    let noise: Vec<u8> = (0..1 << 16).map(|byte: u32| byte.to_be_bytes()[3] | 0x80).collect();
    let answer = raw(node.http, &noise, limit).await;
    assert!(answer.is_empty() || answer.contains(" 400 "), "{answer:.100}");
    let (status, _) = answer_to(node.http, post("/channel/a", "{}")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_identifier_is_one_clients() {
    let node = Process::start("a", None);
    let runtime = RuntimeHandle::new(Tokio);
    let request = || Request::get("/channel/a/client/me").body(Full::default()).expect("a request");
    let first = ask(&runtime, node.http, request()).await.expect("it is answered");
    assert_eq!(first.0.status(), StatusCode::OK);
    let second = ask(&runtime, node.http, request()).await.expect("it is answered");
    assert_eq!(second.0.status(), StatusCode::CONFLICT);
    drop(first);
    // The identifier is free once the node notices the end.
    let freed = async {
        while ask(&runtime, node.http, request()).await.expect("it is answered").0.status()
            != StatusCode::OK
        {
            runtime.sleep(Duration::from_millis(20)).await;
        }
    };
    runtime.timeout(Duration::from_secs(60), freed).await.expect("it is noticed at once");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_that_never_read_hurt_nobody() {
    let node = Process::start("a", None);
    let runtime = RuntimeHandle::new(Tokio);
    let mut silent = Vec::new();
    for number in 0..1000 {
        let mut stream = TcpStream::connect(node.http).await.unwrap();
        // Only a tenth listen to the busy channel: with more, filling the system's buffers takes
        // long.
        let channel = number % 10;
        let request =
            format!("GET /channel/{channel}/client/c{number} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    // More than a node keeps of a publisher.
    let text = "x".repeat(8 << 10);
    for _ in 0..160 {
        let taken = publish_at_length(&runtime, node.http, "0", &text);
        let taken = runtime.timeout(LIMIT, taken).await.expect("other clients are served");
        assert!(taken.is_some(), "other clients are served");
    }
    let memory = memory_of(node.child.id());
    println!("{} MiB with 1,000 clients that never read", memory >> 20);
    assert!(memory <= MEMORY_MAX, "{} MiB", memory >> 20);
    drop(silent);
}

/// Returns the private memory of a process, in bytes.
#[cfg(target_os = "linux")]
fn memory_of(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("Linux tells it");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<u64>().expect("a number") << 10
}
