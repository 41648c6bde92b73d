//! Clients of the service, on their own host.

use std::io;
use std::net::SocketAddr;

use example_http::{Client, ClientLimits};
use futures_lite::io::{AsyncBufReadExt, BufReader};
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use serde_json::Value;
use swim_sim::{Bytes, RuntimeHandle, secs};

use crate::checker::History;

/// Publishes a message, and notes whether it was accepted.
pub(crate) async fn publish(
    runtime: RuntimeHandle,
    node: SocketAddr,
    payload: Vec<u8>,
    history: History,
) {
    let mut client = Client::new(runtime, node, ClientLimits::default());
    let posted = client.post("/publish", "text/plain", Bytes::copy_from_slice(&payload)).await;
    let Ok(reply) = posted else { return };
    if reply.status == 202 {
        let told: Value = serde_json::from_slice(&reply.body).expect("an answer is JSON");
        history.accepted(told["id"].as_str().expect("with an id"), &payload);
    } else {
        assert_eq!(reply.status, 503, "{reply:?}");
        history.refused();
    }
}

/// Returns the health of a node.
pub(crate) async fn health(runtime: RuntimeHandle, node: SocketAddr) -> io::Result<String> {
    let mut connection = runtime.connect(node).await?;
    connection.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer.split("\r\n\r\n").nth(1).unwrap_or_default().to_owned())
}

/// Reads the messages of a node for ever. After a connection breaks, or is closed after some lines,
/// continues where it ended.
pub(crate) async fn read(runtime: RuntimeHandle, node: SocketAddr, name: String, history: History) {
    let (mut life, mut since) = (String::new(), 0);
    loop {
        let reading = session(&runtime, node, &name, &history, &mut life, &mut since);
        // After a long silence the server may be gone.
        let _ = runtime.timeout(secs(60), reading).await;
        runtime.sleep(secs(1)).await;
    }
}

async fn session(
    runtime: &RuntimeHandle,
    node: SocketAddr,
    name: &str,
    history: &History,
    life: &mut String,
    since: &mut u64,
) -> io::Result<()> {
    let mut connection = runtime.connect(node).await?;
    let query = format!("GET /messages?since={since} HTTP/1.0\r\n\r\n");
    connection.write_all(query.as_bytes()).await?;
    let mut lines = BufReader::new(connection).lines();
    let (mut rest, mut is_head) = (runtime.random() % 30, true);
    while let Some(line) = lines.next().await {
        // Skip the headers, and empty lines, which are heartbeats.
        let Ok(line) = serde_json::from_str::<Value>(&line?) else { continue };
        if is_head {
            is_head = false;
            let now = line["life"].as_str().expect("the first line has the life");
            if life != now {
                now.clone_into(life);
                // A new life restarts the numbers: read again from 0.
                if std::mem::take(since) > 0 {
                    return Ok(());
                }
            }
            continue;
        }
        if let Some(to) = line["expired"]["to"].as_u64() {
            *since = to;
            continue;
        }
        let (Some(number), Some(id)) = (line["n"].as_u64(), line["id"].as_str()) else {
            assert!(line["end"].is_string(), "{line}");
            return Ok(());
        };
        history.read(name, life, number, id, *since + 1);
        *since = number;
        if rest == 0 {
            return Ok(());
        }
        rest -= 1;
    }
    Ok(())
}
