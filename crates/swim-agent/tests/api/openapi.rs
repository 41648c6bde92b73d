//! `openapi.json` against the server: every route and status of one is in the other.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use swim_tokio::Cluster;
use tokio::io::AsyncWriteExt;

use crate::common::{Fixture, answer, node, pair};

/// A method, a path as in the description, and a status.
type Seen = BTreeSet<(String, String, u16)>;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

fn described() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

/// All that the description promises.
fn promised(document: &Value) -> Seen {
    let mut promised = Seen::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                let method = method.to_uppercase();
                promised.insert((method, path.clone(), status.parse().unwrap()));
            }
        }
    }
    promised
}

/// Sends requests, and notes how they were answered.
struct Asker {
    fixture: Fixture,
    seen: Seen,
}

impl Asker {
    async fn new(cluster: Cluster) -> Self {
        let short = |options: &mut swim_agent::ServeOptions| {
            options.request_time_max = Duration::from_millis(300);
        };
        Asker { fixture: Fixture::new(cluster, short).await, seen: Seen::new() }
    }

    async fn ask(&mut self, method: &str, path: &str, name: &str, query: &str, body: &Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let target = format!("{}{query}", path.replace("{name}", name));
        let (status, text) = self.fixture.request(method, &target, &body).await;
        // A stream of events gives its first piece.
        assert_ne!(status, 0, "{method} {target}: {text}");
        self.seen.insert((method.into(), path.into(), status));
    }

    /// Asks every route for what a node that works answers.
    async fn all(&mut self, document: &Value, name: &str) {
        for (method, path) in operations(document) {
            let body = match path.as_str() {
                "/v1/leave" => continue,
                "/v1/join" => json!({ "seeds": ["127.0.0.1:1"] }),
                "/v1/tags" if method == "PUT" => json!({ "tags": {} }),
                _ => Value::Null,
            };
            self.ask(&method, &path, name, "", &body).await;
        }
    }

    /// Sends what is malformed in one way or another.
    async fn mistakes(&mut self, document: &Value) {
        for (method, path) in operations(document) {
            self.ask(&method, &path, "%ff", "?x=%ff", &Value::Null).await;
            let target = path.replace("{name}", "b");
            let head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
            let page = format!("{head}host: localhost\r\norigin: http://a.example\r\n\r\n");
            let (status, _) = self.fixture.raw(page.as_bytes()).await;
            self.seen.insert((method.clone(), path.clone(), status));
            if document["paths"][&path][method.to_lowercase()]["requestBody"].is_null() {
                continue;
            }
            let large = format!("{head}host: localhost\r\ncontent-length: 999999999\r\n\r\n");
            let (status, _) = self.fixture.raw(large.as_bytes()).await;
            self.seen.insert((method.clone(), path.clone(), status));
            // A body that does not come.
            let mut stream = self.fixture.connect().await;
            let late = format!("{head}host: localhost\r\ncontent-length: 9\r\n\r\n");
            stream.write_all(late.as_bytes()).await.unwrap();
            let (status, _) = answer(&mut stream).await;
            self.seen.insert((method, path, status));
        }
    }
}

fn operations(document: &Value) -> Vec<(String, String)> {
    let all = promised(document).into_iter().map(|(method, path, _)| (method, path));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A node that takes no turns: nobody runs its runtime.
async fn frozen() -> (tokio::runtime::Runtime, Cluster) {
    let started = tokio::task::spawn_blocking(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let node = runtime.block_on(node("a"));
        let cluster = node.cluster();
        node.detach();
        (runtime, cluster)
    });
    started.await.unwrap()
}

/// A node that has stopped.
async fn gone() -> Cluster {
    let node = node("a").await;
    let cluster = node.cluster();
    node.stop().await;
    cluster
}

#[tokio::test]
async fn the_description_and_the_server_have_the_same_routes_and_statuses() {
    let document = described();
    let mut seen = Seen::new();

    let (a, b) = pair().await;
    let mut asker = Asker::new(a.cluster()).await;
    asker.mistakes(&document).await;
    crate::common::eventually("a has settled", || a.cluster().settled()).await;
    // A live member, this node, and one that does not exist.
    for name in ["b", "a", "c"] {
        asker.all(&document, name).await;
    }
    let address = a.cluster().local_address().to_string();
    let mut of_b = Asker::new(b.cluster()).await;
    of_b.ask("POST", "/v1/join", "", "", &json!({ "seeds": [address] })).await;
    let large = json!({ "tags": { "a": "x".repeat(600) } });
    asker.ask("PUT", "/v1/tags", "", "", &large).await;
    of_b.ask("POST", "/v1/leave", "", "", &json!({ "timeout_ms": 200 })).await;
    // It left: neither tags nor pings any longer.
    of_b.all(&document, "a").await;
    crate::common::eventually("a sees that b left", || !a.cluster().is_live("b")).await;
    asker.ask("POST", "/v1/forget/{name}", "b", "", &Value::Null).await;
    seen.append(&mut asker.seen);
    seen.append(&mut of_b.seen);

    let (runtime, frozen) = frozen().await;
    let mut late = Asker::new(frozen).await;
    late.all(&document, "b").await;
    late.ask("POST", "/v1/leave", "", "", &Value::Null).await;
    let mut stopped = Asker::new(gone().await).await;
    stopped.all(&document, "b").await;
    stopped.ask("POST", "/v1/leave", "", "", &Value::Null).await;
    runtime.shutdown_background();
    seen.append(&mut late.seen);
    seen.append(&mut stopped.seen);
    seen.append(&mut name_taken().await);
    seen.append(&mut unheard().await);

    let promised = promised(&document);
    let missing: Vec<_> = promised.difference(&seen).collect();
    assert!(missing.is_empty(), "described, but never answered: {missing:#?}");
    let further: Vec<_> = seen.difference(&promised).collect();
    assert!(further.is_empty(), "answered, but not described: {further:#?}");
}

/// A second node of a name joins.
async fn name_taken() -> Seen {
    let (a, _b) = pair().await;
    let second = node("b").await;
    let cluster = second.cluster();
    let mut asker = Asker { fixture: Fixture::new(cluster, |_| {}).await, seen: Seen::new() };
    let seeds = json!({ "seeds": [a.cluster().local_address().to_string()] });
    asker.ask("POST", "/v1/join", "", "", &seeds).await;
    asker.seen
}

/// A peer that is gone answers neither pings nor the leave.
async fn unheard() -> Seen {
    let (a, b) = pair().await;
    let fixture = Fixture::new(a.cluster(), |_| {}).await;
    let mut asker = Asker { fixture, seen: Seen::new() };
    drop(b);
    asker.ask("POST", "/v1/ping/{name}", "b", "", &Value::Null).await;
    asker.ask("GET", "/v1/rtt/{name}", "b", "", &Value::Null).await;
    asker.ask("POST", "/v1/leave", "", "", &Value::Null).await;
    asker.seen
}

#[tokio::test]
async fn other_routes_do_not_exist() {
    let document = described();
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let known: Vec<String> =
            operations.as_object().unwrap().keys().map(|it| it.to_uppercase()).collect();
        for method in METHODS.iter().filter(|method| !known.contains(&method.to_string())) {
            let (status, _) = fixture.request(method, &path.replace("{name}", "b"), "").await;
            assert_eq!(status, 405, "{method} {path}");
        }
    }
    for path in ["/", "/v1", "/v1/", "/v1/members/", "/v1/keys", "/metrics/"] {
        assert_eq!(fixture.request("GET", path, "").await.0, 404, "{path}");
    }
}
