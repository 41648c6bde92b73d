//! Requests that are carried out.

use std::time::Duration;

use serde_json::json;
use swim_agent::client::{ClientError, target};
use swim_tokio::Tags;

use crate::common::{Fixture, eventually, node, pair, problem};

#[tokio::test]
async fn members_are_listed_filtered_and_found() {
    let (a, b) = pair().await;
    b.cluster().set_tags(&Tags::from([("role", "cache")])).await.unwrap();
    eventually("a knows the tags", || a.cluster().peers_tagged("role", "cache").len() == 1).await;
    let fixture = Fixture::of(&a).await;
    let get = async |query: &[(&str, &str)]| {
        fixture.client.get(&target(&["v1", "members"], query)).await.unwrap()
    };
    let all = get(&[]).await;
    assert_eq!(all["count"], 2);
    assert_eq!(all["members"][0]["name"], "a");
    assert_eq!(all["members"][0]["local"], true);
    assert_eq!(all["members"][1]["tags"]["role"], "cache");
    for (query, expected) in [
        (&[("name", "b|c")][..], 1),
        (&[("state", "failed,left")], 0),
        (&[("state", "live"), ("tag", "role=c.*e")], 1),
        (&[("tag", "role=cach")], 0),
    ] {
        assert_eq!(get(query).await["count"], expected, "{query:?}");
    }
    let one = fixture.client.get("/v1/members/b").await.unwrap();
    assert_eq!((&one["state"], &one["local"]), (&json!("alive"), &json!(false)));
    assert_eq!(one["address"], b.cluster().local_address().to_string());
}

#[tokio::test]
async fn a_node_tells_about_itself() {
    let a = node("a").await;
    let about = |options: &mut swim_agent::ServeOptions| {
        options.about.insert("program".into(), "test".into());
    };
    let fixture = Fixture::new(a.cluster(), about).await;
    let info = fixture.client.get("/v1/info").await.unwrap();
    assert_eq!(info["name"], "a");
    assert_eq!(info["bind"], a.cluster().local_address().to_string());
    assert_eq!(info["members"]["alive"], 1);
    assert_eq!(info["about"]["program"], "test");
    let stats = fixture.client.get("/v1/stats").await.unwrap();
    assert_eq!(stats["members_live"], 1);
    assert_eq!(stats["drops"]["stale"], 0);
}

#[tokio::test]
async fn a_cluster_is_joined_measured_and_left() {
    let (a, b) = (node("a").await, node("b").await);
    let fixture = Fixture::of(&b).await;
    let client = &fixture.client;
    let seeds = json!({ "seeds": [a.cluster().local_address().to_string()] });
    let joined = client.post("/v1/join", &seeds).await.unwrap();
    assert_eq!(joined["members"], 2);
    let pong = client.post("/v1/ping/a", &json!({})).await.unwrap();
    assert!(pong["round_trip_ms"].as_f64().unwrap() > 0.0, "{pong}");
    let rtt = client.get("/v1/rtt/a?count=5").await.unwrap();
    assert_eq!(rtt["pings"], 5);
    assert!(rtt["min_ms"].as_f64() <= rtt["median_ms"].as_f64(), "{rtt}");

    let left = tokio::time::timeout(Duration::from_millis(1), fixture.served.left()).await;
    assert!(left.is_err(), "nobody asked for it");
    let left = client.post("/v1/leave", &json!({})).await.unwrap();
    assert_eq!(left["departure"], "left");
    fixture.served.left().await;
    eventually("a sees that b left", || !a.cluster().is_live("b")).await;
    let forgotten = Fixture::of(&a).await.client.post("/v1/forget/b", &json!({})).await.unwrap();
    assert_eq!(forgotten["name"], "b");
}

#[tokio::test]
async fn tags_are_replaced_or_changed() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let put = async |body| fixture.client.put("/v1/tags", &body).await.unwrap()["tags"].clone();
    assert_eq!(fixture.client.get("/v1/tags").await.unwrap()["tags"], json!({}));
    let all = json!({ "role": "db", "zone": "a" });
    assert_eq!(put(json!({ "tags": all })).await, all);
    let changed = put(json!({ "set": { "role": "web" }, "remove": ["zone", "none"] })).await;
    assert_eq!(changed, json!({ "role": "web" }));
    assert_eq!(fixture.client.get("/v1/tags").await.unwrap()["tags"], changed);

    a.cluster().set_meta("no tags").await.unwrap();
    assert_eq!(fixture.client.get("/v1/tags").await.unwrap()["tags"], json!(null));
    let error = fixture.client.put("/v1/tags", &json!({ "set": { "a": "b" } })).await.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 409, .. }), "{error}");
}

#[tokio::test]
async fn metrics_are_served_to_scrapers_and_nothing_else() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let address = fixture.served.metrics_address().unwrap();
    let ask = async |path: &str, headers: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: any.example\r\nconnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let text = ask("/metrics", "").await;
    assert!(text.contains("version=0.0.4") && text.contains("\nswim_health 0\n"), "{text}");
    assert!(text.contains("swim_members{state=\"alive\"} 1\n"), "{text}");
    let open = ask("/metrics", "accept: application/openmetrics-text\r\n").await;
    assert!(open.contains("openmetrics-text; version=1.0.0") && open.ends_with("# EOF\n"));
    assert!(ask("/healthz", "").await.ends_with("healthy\n"));
    eventually("it has settled", || a.cluster().settled()).await;
    assert!(ask("/readyz", "").await.ends_with("ready\n"));
    for path in ["/v1/members", "/v1/info", "/v1/events"] {
        assert!(ask(path, "").await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    assert!(ask("/metrics", "origin: http://any.example\r\n").await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test]
async fn only_localhost_is_answered_and_no_web_page() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    for (headers, expected) in [
        ("host: localhost\r\n", 200),
        ("host: LocalHost:80\r\n", 200),
        ("host:\r\n", 200),
        ("host: evil.example\r\n", 403),
        ("host: localhost.evil.example\r\n", 403),
        ("host: localhost\r\nhost: evil.example\r\n", 403),
        ("host: localhost\r\norigin: null\r\n", 403),
        ("host: localhost\r\norigin: http://localhost\r\n", 403),
    ] {
        let request = format!("GET /v1/info HTTP/1.1\r\nconnection: close\r\n{headers}\r\n");
        let (status, text) = fixture.raw(request.as_bytes()).await;
        assert_eq!(status, expected, "{headers}: {text}");
    }
    let request = b"GET http://evil.example/v1/info HTTP/1.1\r\nhost: localhost\r\n\
        connection: close\r\n\r\n";
    assert_eq!(fixture.raw(request).await.0, 403);
}

#[tokio::test]
async fn mistakes_are_told_with_what_to_do() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    for (method, path, body, status, expected) in [
        ("GET", "/v2/members", "", 404, "control-api.md"),
        ("DELETE", "/v1/tags", "", 405, "GET, PUT"),
        ("GET", "/v1/members?nam=a", "", 400, "there are name, state and tag"),
        ("GET", "/v1/members?name=(", "", 400, "is refused: "),
        ("GET", "/v1/members/b", "", 404, "list all"),
        ("GET", "/v1/rtt/b?count=99", "", 400, "from 1 to 20"),
        ("GET", "/v1/events?kind=join", "", 400, "there are joined, "),
        ("POST", "/v1/join", "", 400, "lacks seeds"),
        ("POST", "/v1/join", "[]", 400, "JSON object"),
        ("POST", "/v1/join", "{\"seeds\": [1]}", 400, "list of texts"),
        ("POST", "/v1/join", "{\"seed\": []}", 400, "unknown key \"seed\""),
        ("POST", "/v1/join", "{\"seeds\": [\"a:x\"]}", 400, "the port is not a number"),
        ("PUT", "/v1/tags", "{\"role\": \"db\"}", 400, "unknown key"),
        ("PUT", "/v1/tags", "{}", 400, "either tags"),
        ("POST", "/v1/leave", "{\"timeout_ms\": -1}", 400, "whole number"),
        ("POST", "/v1/ping/a", "", 409, "another member"),
        ("POST", "/v1/forget/a", "", 409, "own name"),
        ("POST", "/v1/forget/b", "", 404, "nothing is to be done"),
    ] {
        let (found, body) = fixture.request(method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {body}");
        let problem = problem(&body);
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
}

#[tokio::test]
async fn the_socket_goes_with_the_server() {
    let a = node("a").await;
    let fixture = Fixture::of(&a).await;
    let mut events = fixture.client.events(&[]).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap()["event"], "subscribed");
    let socket = fixture.served.socket().unwrap().to_path_buf();
    fixture.served.shutdown().await;
    assert!(!socket.exists());
    assert!(events.next().await.unwrap().is_none(), "the stream ends in order");
    let error = fixture.client.get("/v1/info").await.unwrap_err();
    assert!(matches!(error, ClientError::NotServed { .. }), "{error}");
}
