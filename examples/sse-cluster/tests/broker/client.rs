//! Clients: one that publishes, and one that listens.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use smol_hyper::rt::FuturesIo;
use swim_driver::{Bytes, RuntimeHandle, Task};

/// Longest wait for the head of an answer, on virtual time and without faults.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer, and the task that copies its bytes.
pub(crate) type Answer = (Response<Incoming>, Task<()>);

/// Sends a request to a node.
pub(crate) async fn ask(
    runtime: &RuntimeHandle,
    node: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Option<Answer> {
    runtime.timeout(PATIENCE, send(runtime, node, request)).await.ok()?
}

async fn send(
    runtime: &RuntimeHandle,
    node: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Option<Answer> {
    let connection = runtime.connect(node).await.ok()?;
    let (mut sender, moving) = http1::handshake(FuturesIo::new(connection)).await.ok()?;
    let moving = runtime.spawn(async move {
        let _ = moving.await;
    });
    Some((sender.send_request(request).await.ok()?, moving))
}

/// Publishes a text. Returns the publisher and the number, if the node took it in time.
pub(crate) async fn publish(
    runtime: &RuntimeHandle,
    node: SocketAddr,
    channel: &str,
    text: &str,
) -> Option<(String, u64)> {
    let publishing = publish_at_length(runtime, node, channel, text);
    runtime.timeout(PATIENCE, publishing).await.ok()?
}

/// Publishes like [`publish`], without a time limit.
pub(crate) async fn publish_at_length(
    runtime: &RuntimeHandle,
    node: SocketAddr,
    channel: &str,
    text: &str,
) -> Option<(String, u64)> {
    let body = serde_json::json!({ "data": text }).to_string();
    let request = Request::post(format!("/channel/{channel}")).body(Full::new(body.into())).ok()?;
    let (answer, _moving) = send(runtime, node, request).await?;
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    let told: serde_json::Value = serde_json::from_slice(&body).ok()?;
    Some((told["publisher"].as_str()?.to_owned(), told["number"].as_u64()?))
}

/// One block of a stream of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// Listens to a channel at a node, after an id, until the stream ends. Each block goes to `take`.
pub(crate) async fn listen(
    runtime: &RuntimeHandle,
    node: SocketAddr,
    channel: &str,
    last_id: &str,
    mut take: impl FnMut(Block),
) -> Option<()> {
    let mut request = Request::get(format!("/channel/{channel}"));
    if !last_id.is_empty() {
        request = request.header("last-event-id", last_id);
    }
    let request = request.body(Full::default()).ok()?;
    let (answer, _moving) = ask(runtime, node, request).await?;
    let (mut body, mut unread) = (answer.into_body(), String::new());
    loop {
        // Heartbeats come every 15 s.
        let frame = runtime.timeout(Duration::from_secs(40), body.frame()).await.ok()??.ok()?;
        unread.push_str(std::str::from_utf8(frame.data_ref()?).ok()?);
        while let Some((block, rest)) = unread.split_once("\n\n") {
            take(parse(block));
            unread = rest.to_owned();
        }
    }
}

fn parse(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", value)) => block.event = value.to_owned(),
            Some(("id", value)) => block.id = value.to_owned(),
            Some(("data", value)) => block.data = value.to_owned(),
            _ => {}
        }
    }
    block
}
