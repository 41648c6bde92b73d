use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use swim_tokio::{Event, Notice, State};

use crate::harness::{LIMIT, formed, options, returning, start, until};

#[tokio::test]
async fn a_crashed_node_is_suspected_and_declared_failed() {
    let [mut a, b, c] = formed(["a", "b", "c"]).await;
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

#[tokio::test]
async fn a_node_that_leaves_is_seen_as_left_and_may_come_back() {
    let [mut a, b, c] = formed(["a", "b", "c"]).await;
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

#[tokio::test]
async fn a_lonely_node_leaves_at_once() {
    let node = start(options("a")).await;
    node.cluster.leave(LIMIT).await.unwrap();
}

#[tokio::test]
async fn a_node_that_crashed_and_is_started_again_is_alive_everywhere() {
    let [a, b] = formed(["a", "b"]).await;
    let mut options = returning("c");
    options.seeds = vec![a.address()];
    let c = start(options.clone()).await;
    until("c is known", || b.state_of("c") == Some(State::Alive)).await;
    options.bind = c.cluster.local_address();
    let before = c.cluster.local().incarnation;
    c.crash().await;
    let again = start(options).await;
    until("c is alive everywhere", || {
        let alive = |member: swim_tokio::Member| {
            member.state == State::Alive && member.incarnation >= before
        };
        again.cluster.members().len() == 3
            && [&a, &b].iter().all(|node| node.cluster.member("c").is_some_and(alive))
    })
    .await;
}

/// The thread of `a` stands still while an answer is on its way, again and again, with the core's
/// own remedy for stalls switched off. The answer waits in the socket, and is heard before the
/// timers fire that gave up on it.
#[test]
fn a_node_that_stood_still_while_it_was_answered_accuses_nobody() {
    let (tell_b, address_of_b) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let road = Arc::new(SlowRoad::new());
    let announced = road.address();
    let b = std::thread::spawn(move || {
        runtime().block_on(async {
            let mut options = options("b");
            options.advertise = Some(announced);
            let b = start(options).await;
            tell_b.send(b.cluster.local_address()).unwrap();
            let _ = stopped.await;
        });
    });
    let address_of_b = address_of_b.recv().unwrap();
    let (there, back) = (Arc::clone(&road), Arc::clone(&road));
    let carriers = [
        std::thread::spawn(move || there.carry_there(address_of_b)),
        std::thread::spawn(move || back.carry_back()),
    ];
    runtime().block_on(async {
        let mut options = options("a");
        options.config.lateness = false;
        options.config.stream_ping = false;
        options.config.probe_interval = Duration::from_millis(100);
        options.config.probe_timeout = Duration::from_millis(70);
        let mut a = start(options).await;
        a.cluster.join([address_of_b]).await.unwrap();
        for _ in 0..10 {
            road.busy.store(false, Ordering::SeqCst);
            until("a sends something", || road.busy.load(Ordering::SeqCst)).await;
            std::thread::sleep(Duration::from_millis(200));
        }
        while let Some(notice) = a.events.try_next() {
            assert!(
                !matches!(notice, Notice::Event(Event::Suspected { .. } | Event::Failed { .. })),
                "{notice:?}"
            );
        }
    });
    road.closed.store(true, Ordering::SeqCst);
    stop.send(()).unwrap();
    b.join().unwrap();
    for carrier in carriers {
        carrier.join().unwrap();
    }
}

/// Carries datagrams to a node, slowly, and its answers back.
struct SlowRoad {
    front: UdpSocket,
    back: UdpSocket,
    /// Who sends.
    sender: OnceLock<SocketAddr>,
    /// Something is on its way.
    busy: AtomicBool,
    closed: AtomicBool,
}

impl SlowRoad {
    fn new() -> Self {
        let open = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            // So that it is noticed when the road is closed.
            socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            socket
        };
        SlowRoad {
            front: open(),
            back: open(),
            sender: OnceLock::new(),
            busy: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    fn address(&self) -> SocketAddr {
        self.front.local_addr().unwrap()
    }

    fn carry_there(&self, to: SocketAddr) {
        let mut buffer = [0; 2048];
        while !self.closed.load(Ordering::SeqCst) {
            let Ok((len, from)) = self.front.recv_from(&mut buffer) else {
                continue;
            };
            self.sender.get_or_init(|| from);
            self.busy.store(true, Ordering::SeqCst);
            // Until the sender stands still; shorter than its patience.
            std::thread::sleep(Duration::from_millis(30));
            self.back.send_to(&buffer[..len], to).unwrap();
        }
    }

    fn carry_back(&self) {
        let mut buffer = [0; 2048];
        while !self.closed.load(Ordering::SeqCst) {
            if let Ok(len) = self.back.recv(&mut buffer)
                && let Some(sender) = self.sender.get()
            {
                self.front.send_to(&buffer[..len], sender).unwrap();
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
