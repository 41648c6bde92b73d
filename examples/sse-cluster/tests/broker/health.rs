//! `/healthz`, on virtual time.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use sse_cluster::{Settings, SseCluster};
use swim_sim::{State, World, secs};

use crate::client::ask;

const PORT: u16 = 8080;

/// Starts a node that joins through these seeds.
fn start(world: &mut World, name: &str, seeds: &'static [&'static str]) {
    world.start_application(
        name,
        |options| options.seeds = seeds.iter().map(ToString::to_string).collect(),
        move |cluster, _| async move {
            let http = SocketAddr::new(cluster.local_address().ip(), PORT);
            let mut settings = Settings::new(http);
            settings.has_seeds = !seeds.is_empty();
            let service = SseCluster::open(&cluster, settings).expect("the port is free");
            let _ = service.run(std::future::pending()).await;
        },
    );
}

/// A world with a host for requests.
fn world() -> World {
    let mut world = World::new(1);
    world.start_driver("client", |options| options.config.label = "clients".into());
    world
}

/// Returns the status and the text of a node's `/healthz`.
#[track_caller]
fn health(world: &mut World, name: &str) -> (StatusCode, String) {
    ask_health(world, name).expect("it is answered")
}

fn ask_health(world: &mut World, name: &str) -> Option<(StatusCode, String)> {
    let node = SocketAddr::new(world.address(name).ip(), PORT);
    world.wait_for("client", secs(10), async move |cluster| {
        let request = Request::get("/healthz").body(Full::default()).expect("it is a request");
        let asked = ask(&cluster.runtime(), node, request).await;
        let (answer, _moving) = asked?;
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("the answer is whole").to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    })
}

#[track_caller]
fn expect_healthy(world: &mut World, name: &str) {
    assert_eq!(health(world, name), (StatusCode::OK, "ok\n".into()));
}

#[track_caller]
fn expect_complaint(world: &mut World, name: &str, expected: &str) {
    let (status, why) = health(world, name);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{why}");
    assert!(why.contains(expected), "{why}");
}

#[test]
fn a_node_without_seeds_is_healthy_alone() {
    let mut world = world();
    start(&mut world, "a", &[]);
    world.run(secs(1));
    expect_healthy(&mut world, "a");
}

#[test]
fn a_node_that_cannot_join_is_not_healthy_however_long_it_waits() {
    let mut world = world();
    start(&mut world, "b", &["a:7946"]);
    for _ in 0..3 {
        world.run(secs(60));
        expect_complaint(&mut world, "b", "no other node has been met yet");
    }
    start(&mut world, "a", &[]);
    world.run(secs(120));
    expect_healthy(&mut world, "b");
    expect_healthy(&mut world, "a");
}

#[test]
fn nodes_that_are_cut_off_are_not_healthy_until_the_network_heals() {
    let mut world = world();
    start(&mut world, "a", &[]);
    start(&mut world, "b", &["a:7946"]);
    world.run(secs(20));
    expect_healthy(&mut world, "a");
    expect_healthy(&mut world, "b");
    world.cut(&["a"], &["b"]);
    world.run(secs(60));
    expect_complaint(&mut world, "a", "cut off");
    expect_complaint(&mut world, "b", "cut off");
    world.heal();
    world.run(secs(120));
    expect_healthy(&mut world, "a");
    expect_healthy(&mut world, "b");
}

#[test]
fn a_node_whose_peers_left_is_healthy_alone_and_one_that_leaves_is_not() {
    let mut world = world();
    world.start_application(
        "a",
        |_| {},
        |cluster, _| async move {
            let runtime = cluster.runtime();
            let http = SocketAddr::new(cluster.local_address().ip(), PORT);
            let service = SseCluster::open(&cluster, Settings::new(http)).expect("a free port");
            service.run(runtime.sleep(secs(30))).await.expect("it leaves");
        },
    );
    start(&mut world, "b", &["a:7946"]);
    world.run(secs(20));
    expect_healthy(&mut world, "a");
    while world.cluster("b").state("a") == Some(State::Alive) {
        match ask_health(&mut world, "a") {
            Some((StatusCode::SERVICE_UNAVAILABLE, why)) => {
                assert!(why.contains("is leaving the cluster"), "{why}");
                break;
            }
            answer => assert_eq!(answer, Some((StatusCode::OK, "ok\n".into()))),
        }
    }
    world.run(secs(10));
    assert_eq!(world.cluster("b").state("a"), Some(State::Left));
    expect_healthy(&mut world, "b");
}
