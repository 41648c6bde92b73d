use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_lite::future::{or, zip};
use futures_lite::io::AsyncReadExt;
use swim_driver::{Bytes, Cluster, Departure, Error, Events, Failure, State};

use crate::adapter::LocalFuture;
use crate::case::{Case, case};
use crate::node::Node;
use crate::scene::Scene;
use crate::wait::{LIMIT, all, beside, in_time, pause, poll_up_to, until};

pub(crate) const CASES: &[Case] = &[
    case!(shutdown_leaves_and_frees_the_port),
    case!(shutdown_without_a_live_peer_says_that_nobody_was_there),
    case!(s71_shutdown_that_nobody_hears_says_so_and_frees_the_port),
    case!(shutdown_stops_the_node_also_when_the_time_is_over),
    case!(shutdown_may_have_all_the_time_there_is),
    case!(shutdown_after_a_leave_says_how_that_one_went),
    case!(a_shutdown_that_is_dropped_at_any_await_point_stops_the_node),
    case!(dropping_the_handle_frees_the_port_and_ends_the_events),
    case!(dropping_a_node_that_never_ran_frees_the_port),
    case!(a_node_runs_beside_the_application_in_one_task_until_that_ends),
    case!(a_node_that_runs_is_dropped_in_the_middle_of_a_join_and_frees_the_port),
    case!(a_leave_that_takes_too_long_ends_in_time_and_goes_on),
    case!(a_shutdown_amid_traffic_ends_as_any_other).alone(),
    case!(a_detached_node_runs_on_without_its_handle),
    case!(the_events_of_a_handle_begin_with_the_first_and_then_with_the_call),
    case!(stopping_a_node_closes_its_connections),
    case!(a_node_needs_nobody_that_listens),
];

/// Binds a node to a port that must be free at once.
async fn rebind(scene: &Scene, address: SocketAddr) -> Node {
    let mut options = scene.options("again");
    options.bind = address;
    scene.start(options).await
}

/// Waits until the port is free.
async fn until_rebound(scene: &Scene, address: SocketAddr) {
    until("the port is free", || scene.stranger_at(address).is_ok()).await;
}

async fn shutdown_leaves_and_frees_the_port(scene: &Scene) {
    let a = scene.node("a").await;
    let b = scene.start(scene.returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let (address, cluster, mut events) = (b.cluster.local_address(), b.cluster, b.events);
    assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left));
    assert_eq!(a.state_of("b"), Some(State::Left));
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    in_time("the events end", async { while events.next().await.is_some() {} }).await;
    rebind(scene, address).await;
}

async fn shutdown_without_a_live_peer_says_that_nobody_was_there(scene: &Scene) {
    let node = scene.start(scene.returning("a")).await;
    let address = node.socket();
    assert_eq!(node.node.shutdown(LIMIT).await, Ok(Departure::NobodyToTell));
    rebind(scene, address).await;
}

async fn s71_shutdown_that_nobody_hears_says_so_and_frees_the_port(scene: &Scene) {
    let a = scene.node("a").await;
    let b = scene.start(scene.returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    a.node.stop().await;
    let (address, cluster) = (b.cluster.local_address(), b.cluster);
    let unheard = Err(Error::Failure(Failure::NobodyHeard));
    assert_eq!(b.node.shutdown(LIMIT).await, unheard);
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    rebind(scene, address).await;
}

async fn shutdown_stops_the_node_also_when_the_time_is_over(scene: &Scene) {
    let a = scene.start(scene.returning("a")).await;
    let b = scene.start(scene.returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let address = b.cluster.local_address();
    assert_eq!(b.node.shutdown(Duration::ZERO).await, Ok(Departure::TimedOut));
    assert_eq!(b.cluster.stats().await, Err(Error::Stopped));
    rebind(scene, address).await;
}

async fn shutdown_may_have_all_the_time_there_is(scene: &Scene) {
    let [_a, b] = scene.formed_apart(["a", "b"]).await;
    assert_eq!(b.node.shutdown(Duration::MAX).await, Ok(Departure::Left));
}

async fn shutdown_after_a_leave_says_how_that_one_went(scene: &Scene) {
    let [_a, b] = scene.formed_apart(["a", "b"]).await;
    assert_eq!(b.cluster.leave(Duration::ZERO).await, Ok(Departure::TimedOut));
    assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left));
}

async fn a_shutdown_that_is_dropped_at_any_await_point_stops_the_node(scene: &Scene) {
    let a = scene.node("a").await;
    let mut polls = 0;
    loop {
        let b = scene.start(scene.returning("b")).await;
        b.cluster.join([a.address()]).await.unwrap();
        let (cluster, address) = (b.cluster.clone(), b.cluster.local_address());
        let ended = poll_up_to(polls, b.node.shutdown(LIMIT)).await;
        in_time("the node ends", async { while cluster.stats().await.is_ok() {} }).await;
        until_rebound(scene, address).await;
        if let Some(departure) = ended {
            assert_eq!(departure, Ok(Departure::Left));
            break;
        }
        polls += 1;
    }
    // It waits for the node's place in the queue, the leave, and the end of the task.
    assert!(polls >= 2, "{polls}");
}

async fn dropping_the_handle_frees_the_port_and_ends_the_events(scene: &Scene) {
    let a = scene.node("a").await;
    let b = scene.start(scene.returning("b")).await;
    b.cluster.join([a.address()]).await.unwrap();
    let Node { cluster, mut events, node } = b;
    let mut waiting = pin!(cluster.set_meta("never spread"));
    let answered = poll_up_to(1, waiting.as_mut()).await;
    drop(node);
    let ended = async { while events.next().await.is_some() {} };
    in_time("the events end", ended).await;
    until_rebound(scene, cluster.local_address()).await;
    if answered.is_none() {
        let answer = in_time("who waits is told", waiting).await;
        assert!(matches!(answer, Err(Error::Stopped) | Ok(())), "{answer:?}");
    }
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    assert_eq!(cluster.join([a.address()]).await, Err(Error::Stopped));
    assert_eq!(cluster.members().len(), 2, "as last known");
}

async fn dropping_a_node_that_never_ran_frees_the_port(scene: &Scene) {
    let bound = scene.bind(scene.returning("a")).await.unwrap();
    let address = bound.local_address();
    drop(bound);
    rebind(scene, address).await;
}

async fn a_node_runs_beside_the_application_in_one_task_until_that_ends(scene: &Scene) {
    let a = scene.node("a").await;
    let (contact, options) = (a.address(), scene.returning("b"));
    let bound = scene.bind(options).await.unwrap();
    let address = bound.local_address();
    let handle = RefCell::new(None);
    let keep = &handle;
    let application = move |cluster: Cluster, mut events: Events| {
        Box::pin(async move {
            // Does not hang, as the node already runs.
            cluster.join([contact]).await.unwrap();
            assert!(events.next().await.is_some(), "from the first on");
            assert_eq!(cluster.leave(LIMIT).await, Ok(Departure::Left));
            keep.replace(Some(cluster));
        }) as LocalFuture<'_, ()>
    };
    bound.run(Box::new(application)).await;
    let cluster = handle.take().expect("the application ran to its end");
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    rebind(scene, address).await;
}

async fn a_node_that_runs_is_dropped_in_the_middle_of_a_join_and_frees_the_port(scene: &Scene) {
    let silent = scene.stranger();
    let contact = silent.address();
    let bound = scene.bind(scene.returning("b")).await.unwrap();
    let address = bound.local_address();
    let handle = RefCell::new(None);
    let keep = &handle;
    let running = bound.run(Box::new(move |cluster: Cluster, _| {
        Box::pin(async move {
            keep.replace(Some(cluster.clone()));
            let joined = cluster.join([contact]).await;
            panic!("nobody answers: {joined:?}");
        })
    }));
    let dialled = async {
        loop {
            let cluster = handle.borrow().clone();
            match cluster {
                Some(cluster) if cluster.stats().await.unwrap().streams_opened > 0 => break,
                _ => pause().await,
            }
        }
    };
    // When either ends, the other is dropped.
    beside(silent.say_nothing(), or(running, dialled)).await;
    let cluster = handle.take().expect("it ran");
    assert_eq!(cluster.stats().await, Err(Error::Stopped));
    until_rebound(scene, address).await;
    rebind(scene, address).await;
}

async fn a_leave_that_takes_too_long_ends_in_time_and_goes_on(scene: &Scene) {
    let [a, b] = scene.formed_apart(["a", "b"]).await;
    let departure = in_time("it ends", b.cluster.leave(Duration::ZERO)).await;
    assert_eq!(departure, Ok(Departure::TimedOut));
    until("a has heard of it", || a.state_of("b") == Some(State::Left)).await;
    assert_eq!(b.cluster.local().state, State::Left);
}

async fn a_shutdown_amid_traffic_ends_as_any_other(scene: &Scene) {
    let [a, b, c] = scene.formed_apart(["a", "b", "c"]).await;
    let address = b.socket();
    let sent = Cell::new(0);
    let enough = Cell::new(false);
    let large = Bytes::from(vec![7; 1 << 20]);
    // A message that can no longer be sent is an error, and none hangs.
    let talk = async |from: &Cluster, to: &str| {
        while !enough.get() {
            let sending = from.send_reliable(to, large.clone());
            sent.set(sent.get() + u32::from(in_time("it is sent or not", sending).await.is_ok()));
            let _ = in_time("it is sent or not", from.send(to, "small")).await;
            let _ = poll_up_to(1, from.broadcast("to all")).await;
            pause().await;
        }
    };
    let cluster = b.cluster.clone();
    let talking = [talk(&a.cluster, "b"), talk(&c.cluster, "b"), talk(&cluster, "a")];
    let shutdown = async {
        while sent.get() < 10 {
            pause().await;
        }
        assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left));
        until_rebound(scene, address).await;
        enough.set(true);
    };
    zip(all(talking), shutdown).await;
    until("others know", || [&a, &c].iter().all(|it| it.state_of("b") == Some(State::Left))).await;
    assert_eq!(a.state_of("c"), Some(State::Alive));
    assert_eq!(c.state_of("a"), Some(State::Alive));
}

async fn a_detached_node_runs_on_without_its_handle(scene: &Scene) {
    let [a, b] = scene.formed_apart(["a", "b"]).await;
    let cluster = b.cluster;
    b.node.detach();
    a.cluster.ping("b").await.unwrap();
    assert_eq!(cluster.leave(LIMIT).await, Ok(Departure::Left));
}

async fn the_events_of_a_handle_begin_with_the_first_and_then_with_the_call(scene: &Scene) {
    let a = scene.node("a").await;
    let mut b = scene.bind(scene.returning("b")).await.unwrap().spawn();
    b.cluster().join([a.address()]).await.unwrap();
    let (mut first, mut second) = (b.events(), b.events());
    assert!(first.try_next().is_some(), "a has joined");
    assert_eq!(second.try_next(), None);
}

async fn stopping_a_node_closes_its_connections(scene: &Scene) {
    let node = scene.node("a").await;
    let mut client = scene.stranger().dial(node.socket()).await;
    // An answer proves that the connection is served: stats count it.
    let served = async {
        while node.cluster.stats().await.unwrap().streams_accepted == 0 {
            pause().await;
        }
    };
    in_time("the connection is served", served).await;
    node.crash().await;
    let read = in_time("it is closed", client.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

async fn a_node_needs_nobody_that_listens(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    drop((b.cluster, b.events));
    a.cluster.ping("b").await.unwrap();
    a.cluster.send_reliable("b", "nobody listens").await.unwrap();
}
