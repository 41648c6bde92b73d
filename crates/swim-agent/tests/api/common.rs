//! A node with its control API, and a client that writes what it wants.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use swim_agent::client::Client;
use swim_agent::{ServeOptions, Served, serve};
use swim_tokio::{Cluster, Node, Options, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// No answer may take longer on a busy machine, where none is meant to be late.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A directory for one control socket, removed with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("swim-api-{}-{number}", std::process::id());
        Folder(std::env::temp_dir().join(name))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A control API for a test.
pub(crate) struct Fixture {
    pub(crate) client: Client,
    pub(crate) served: Served,
    _folder: Folder,
}

impl Fixture {
    pub(crate) async fn new(cluster: Cluster, change: impl FnOnce(&mut ServeOptions)) -> Self {
        let folder = Folder::new();
        let mut options = ServeOptions::new();
        options.socket = Some(folder.socket());
        options.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        change(&mut options);
        let served = serve(cluster, options).await.unwrap();
        Fixture { client: Client::new(folder.socket()), served, _folder: folder }
    }

    pub(crate) async fn of(node: &Node) -> Self {
        Fixture::new(node.cluster(), |_| {}).await
    }

    /// A connection without a client.
    pub(crate) async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.client.socket()).await.unwrap()
    }

    /// Sends these bytes, and returns the status and the rest of the answer.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        answer(&mut stream).await
    }

    /// Sends a request, and returns the status and the body.
    pub(crate) async fn request(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, answer) = self.raw(request.as_bytes()).await;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, body.to_string())
    }
}

/// The status of an answer, and everything from its first line on. For a stream of events, what
/// came in its first piece.
pub(crate) async fn answer(stream: &mut UnixStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        // A server that closes with unread bytes resets the connection.
        while let Ok(size @ 1..) = stream.read(&mut piece).await {
            bytes.extend(&piece[..size]);
            if bytes.windows(10).any(|ten| ten == b"subscribed") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer, or the end");
    let text = String::from_utf8(bytes).unwrap();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

/// A node on a free port of loopback.
pub(crate) async fn node(name: &str) -> Node {
    node_with(name, |_| {}).await
}

/// The same with other options.
pub(crate) async fn node_with(name: &str, change: impl FnOnce(&mut Options)) -> Node {
    let mut options = Options::local(name.parse().unwrap());
    options.bind = "127.0.0.1:0".parse().unwrap();
    change(&mut options);
    start(options).await.unwrap()
}

/// Two nodes that know each other.
pub(crate) async fn pair() -> (Node, Node) {
    let (a, b) = (node("a").await, node("b").await);
    b.cluster().join([a.cluster().local_address()]).await.unwrap();
    eventually("a knows b", || a.cluster().is_live("b")).await;
    (a, b)
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The problem in a body, which must be complete.
pub(crate) fn problem(body: &str) -> Value {
    let problem: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{body}"));
    for key in ["type", "title", "detail"] {
        assert!(problem[key].is_string(), "{problem}");
    }
    assert!(problem["status"].is_u64(), "{problem}");
    problem
}
