use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_io::Timer;
use futures_lite::future::or;

use swim_driver::{Departure, Event, Member, Notice, State};

use crate::case::{Case, Need, case};
use crate::scene::Scene;
use crate::stranger::Stranger;
use crate::wait::{LIMIT, pause, until};

pub(crate) const CASES: &[Case] = &[
    case!(a_crashed_node_is_suspected_and_declared_failed),
    case!(a_node_that_leaves_is_seen_as_left_and_may_come_back),
    case!(a_lonely_node_leaves_at_once),
    case!(a_node_that_crashed_and_is_started_again_is_alive_everywhere),
    case!(a_node_that_shut_down_and_is_started_again_is_alive_everywhere),
    case!(a_node_that_stood_still_while_it_was_answered_accuses_nobody)
        .needing(&[Need::Datagrams])
        .alone(),
];

async fn a_crashed_node_is_suspected_and_declared_failed(scene: &Scene) {
    let [mut a, b, c] = scene.formed_apart(["a", "b", "c"]).await;
    c.crash().await;
    let accuser = a
        .event(|event| match event {
            Event::Suspected { member, accuser, .. } if member.name == "c" => Some(accuser),
            _ => None,
        })
        .await;
    assert!(accuser == "a" || accuser == "b", "{accuser}");
    let accusers = a
        .event(|event| match event {
            Event::Failed { member, accusers, .. } if member.name == "c" => Some(accusers),
            _ => None,
        })
        .await;
    assert!(!accusers.is_empty());
    assert_eq!(a.state_of("c"), Some(State::Failed));
    until("b sees it too", || b.state_of("c") == Some(State::Failed)).await;
    assert_eq!(a.state_of("b"), Some(State::Alive));
}

async fn a_node_that_leaves_is_seen_as_left_and_may_come_back(scene: &Scene) {
    let [mut a, b, c] = scene.formed_apart(["a", "b", "c"]).await;
    c.cluster.leave(LIMIT).await.unwrap();
    let previous = a
        .event(|event| match event {
            Event::Left { member, previous, .. } if member.name == "c" => Some(previous),
            Event::Failed { member, .. } => panic!("{} failed", member.name),
            _ => None,
        })
        .await;
    assert_eq!(previous, State::Alive);
    until("b sees it too", || b.state_of("c") == Some(State::Left)).await;
    assert_eq!(c.cluster.local().state, State::Left);
    assert!(c.cluster.send("a", "hello").await.is_err());

    c.cluster.join([a.address()]).await.unwrap();
    until("c is back", || {
        a.state_of("c") == Some(State::Alive) && b.state_of("c") == Some(State::Alive)
    })
    .await;
}

async fn a_lonely_node_leaves_at_once(scene: &Scene) {
    let node = scene.node("a").await;
    node.cluster.leave(LIMIT).await.unwrap();
}

async fn a_node_that_crashed_and_is_started_again_is_alive_everywhere(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    let mut options = scene.returning("c");
    options.seeds = vec![a.address()];
    let c = scene.start(options.clone()).await;
    until("c is known", || b.state_of("c") == Some(State::Alive)).await;
    options.bind = c.cluster.local_address();
    let before = c.cluster.local().incarnation;
    c.crash().await;
    let again = scene.start(options).await;
    until("c is alive everywhere", || {
        let alive = |member: Member| member.state == State::Alive && member.incarnation >= before;
        again.cluster.members().len() == 3
            && [&a, &b].iter().all(|node| node.cluster.member("c").is_some_and(alive))
    })
    .await;
}

async fn a_node_that_shut_down_and_is_started_again_is_alive_everywhere(scene: &Scene) {
    let [a, b] = scene.formed(["a", "b"]).await;
    let mut options = scene.returning("c");
    options.seeds = vec![a.address()];
    for _ in 0..3 {
        let c = scene.start(options.clone()).await;
        // On its first port.
        options.bind = c.socket();
        until("c is alive everywhere", || {
            c.cluster.live_count() == 3
                && [&a, &b].iter().all(|node| node.state_of("c") == Some(State::Alive))
        })
        .await;
        assert_eq!(c.node.shutdown(LIMIT).await, Ok(Departure::Left));
        until("c has left everywhere", || {
            [&a, &b].iter().all(|node| node.state_of("c") == Some(State::Left))
        })
        .await;
    }
}

/// The thread of `a` stops while an answer is on its way, again and again, without the core's own
/// remedy for stalls. The answer waits in the transport, and is handled before the timers that gave
/// up on it fire.
async fn a_node_that_stood_still_while_it_was_answered_accuses_nobody(scene: &Scene) {
    let (tell_b, address_of_b) = std::sync::mpsc::channel();
    let road = Arc::new(Road::default());
    let (front, back) = (scene.stranger(), scene.stranger());
    let announced = front.address();
    let b = scene.aside({
        let road = Arc::clone(&road);
        async move |scene: Scene| {
            let mut options = scene.options("b");
            options.advertise = Some(announced);
            let b = scene.start(options).await;
            tell_b.send(b.socket()).unwrap();
            road.carry(front, back, b.socket()).await;
        }
    });
    let address_of_b = address_of_b.recv().unwrap();

    let mut options = scene.options("a");
    options.config.lateness = false;
    options.config.stream_ping = false;
    options.config.probe_interval = Duration::from_millis(300);
    options.config.probe_timeout = Duration::from_millis(210);
    // In this thread, the one that stops.
    let a = scene.bind(options).await.unwrap();
    let busy = Arc::clone(&road);
    a.run(Box::new(move |cluster, mut events| {
        Box::pin(async move {
            cluster.join([address_of_b]).await.unwrap();
            for _ in 0..10 {
                busy.busy.store(false, Ordering::SeqCst);
                until("a sends something", || busy.busy.load(Ordering::SeqCst)).await;
                std::thread::sleep(Duration::from_millis(600));
            }
            while let Some(notice) = events.try_next() {
                let accuses =
                    |event: &Event| matches!(event, Event::Suspected { .. } | Event::Failed { .. });
                assert!(!matches!(&notice, Notice::Event(event) if accuses(event)), "{notice:?}");
            }
        })
    }))
    .await;
    road.closed.store(true, Ordering::SeqCst);
    b.join();
}

/// Carries datagrams to a node, slowly, and its answers back.
#[derive(Default)]
struct Road {
    /// A datagram is on its way.
    busy: AtomicBool,
    closed: AtomicBool,
}

impl Road {
    /// Shorter than the sender's timeout, and long enough for the sender to stop.
    const DELAY: Duration = Duration::from_millis(90);

    async fn carry(&self, mut front: Stranger, mut back: Stranger, to: SocketAddr) {
        let (mut asked, mut answered) = ([0; 2048], [0; 2048]);
        let mut sender = None;
        while !self.closed.load(Ordering::SeqCst) {
            let there = async { Some((true, front.receive(&mut asked).await)) };
            let here = async { Some((false, back.receive(&mut answered).await)) };
            // Wakes up regularly to notice when the road is closed.
            let closed = async {
                pause().await;
                None
            };
            match or(or(there, here), closed).await {
                Some((true, (len, from))) => {
                    sender = Some(from);
                    self.busy.store(true, Ordering::SeqCst);
                    Timer::after(Road::DELAY).await;
                    back.send(to, &asked[..len]).await;
                }
                Some((false, (len, _))) => {
                    if let Some(sender) = sender {
                        front.send(sender, &answered[..len]).await;
                    }
                }
                None => {}
            }
        }
    }
}
