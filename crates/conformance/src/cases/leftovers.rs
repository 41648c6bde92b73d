//! Leftovers of nodes that ended: tasks, threads, descriptors, ports.

use std::net::SocketAddr;
use std::time::Instant;

use swim_driver::Departure;

use crate::adapter::Threads;
use crate::case::{Case, Need, case};
use crate::counting::Tasks;
use crate::node::Node;
use crate::scene::Scene;
use crate::wait::{LIMIT, all, in_time, pause, poll_up_to, until};

pub(crate) const CASES: &[Case] = &[
    // Counts what is open in the whole process.
    case!(cycles_of_start_join_and_end_leave_nothing_behind)
        .on(Threads::Many)
        .needing(&[Need::Proc])
        .alone(),
    case!(tasks_end_with_their_node),
    case!(connections_end_when_they_are_done).needing(&[Need::Proc]).alone(),
];

/// Nodes that run at the same time.
const NODES: usize = 10;

/// How often nodes are started, joined and ended: `SWIM_CONFORMANCE_CYCLES`.
fn cycles() -> usize {
    let cycles = std::env::var("SWIM_CONFORMANCE_CYCLES").unwrap_or_else(|_| "40".into());
    cycles.parse().expect("SWIM_CONFORMANCE_CYCLES is a number")
}

async fn cycles_of_start_join_and_end_leave_nothing_behind(scene: &Scene) {
    let (scene, tasks) = &scene.counted();
    let a = scene.node("a").await;
    // Ends a node in each way once before counting, so that one-time resources are open.
    for end in ENDS {
        cycle(scene, &a, "first", *end, scene.returning("first").bind).await;
    }
    let before = Open::settled(tasks).await;

    let rounds = cycles().div_ceil(NODES);
    let addresses = all((0..NODES).map(async |number| {
        let (name, mut address) = (format!("b-{number}"), scene.returning("b").bind);
        for round in 0..rounds {
            // Each time on the port of the node before.
            let end = ENDS[(number + round) % ENDS.len()];
            address = cycle(scene, &a, &name, end, address).await;
        }
        address
    }))
    .await;

    before.until_again(tasks).await;
    for address in addresses {
        assert!(scene.stranger_at(address).is_ok(), "{address}");
    }
    println!("measured: {} cycles, then {before:?} as before", rounds * NODES);
}

/// The tasks of silent connections, of a connection without an answer, of a name lookup, and the
/// node's own.
async fn tasks_end_with_their_node(scene: &Scene) {
    let (scene, tasks) = &scene.counted();
    for end in [End::Shutdown, End::Stop, End::Drop] {
        let node = scene.start(scene.returning("a")).await;
        let mut stranger = scene.stranger();
        let silent = [stranger.dial(node.socket()).await, stranger.dial(node.socket()).await];
        let contact = stranger.address().to_string();
        let _ = poll_up_to(1, node.cluster.join([contact, "localhost:1".into()])).await;
        let served = async {
            while node.cluster.stats().await.unwrap().streams_accepted < 2 {
                pause().await;
            }
        };
        in_time("both are served", served).await;
        assert!(tasks.alive() >= 3, "{}", tasks.alive());
        match end {
            End::Shutdown => drop(node.node.shutdown(LIMIT).await),
            End::Stop => node.node.stop().await,
            End::Drop | End::DropInJoin => drop(node.node),
        }
        until("no task is left", || tasks.alive() == 0).await;
        drop(silent);
    }
}

/// While both nodes go on, neither keeps resources that it no longer needs.
async fn connections_end_when_they_are_done(scene: &Scene) {
    let (scene, tasks) = &scene.counted();
    let [a, b] = scene.formed(["a", "b"]).await;
    // Opens a link in each direction, if packets travel over links.
    a.cluster.ping("b").await.unwrap();
    let before = Open::settled(tasks).await;
    for _ in 0..100 {
        a.cluster.send_reliable("b", "hello").await.unwrap();
        b.cluster.join([a.address()]).await.unwrap();
    }
    before.until_again(tasks).await;
}

/// The ways to end a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Shutdown,
    Stop,
    Drop,
    DropInJoin,
}

const ENDS: &[End] = &[End::Shutdown, End::Stop, End::Drop, End::DropInJoin];

/// Starts a node at this address, joins, and ends it. Returns its address.
async fn cycle(scene: &Scene, a: &Node, name: &str, end: End, bind: SocketAddr) -> SocketAddr {
    let mut options = scene.options(name);
    options.bind = bind;
    let b = scene.start(options).await;
    let address = b.socket();
    let mut join = Box::pin(b.cluster.join([a.address()]));
    if end == End::DropInJoin {
        // Until the join is requested and about to start.
        let _ = poll_up_to(2, &mut join).await;
    } else {
        in_time("it is joined", &mut join).await.unwrap();
    }
    drop(join);
    match end {
        End::Shutdown => assert_eq!(b.node.shutdown(LIMIT).await, Ok(Departure::Left)),
        End::Stop => b.node.stop().await,
        End::Drop | End::DropInJoin => drop(b.node),
    }
    until("the port is free", || scene.stranger_at(address).is_ok()).await;
    address
}

/// The tasks, threads and descriptors that this process has open.
#[derive(Debug, PartialEq, Eq)]
struct Open {
    tasks: usize,
    threads: usize,
    descriptors: usize,
}

impl Open {
    /// The counts once they stay the same for a while, in which all connections end: their tasks
    /// have read the end of the stream.
    async fn settled(tasks: &Tasks) -> Self {
        const CALM: usize = 40;
        let (mut open, mut same) = (Open::now(tasks), 0);
        while same < CALM {
            pause().await;
            let now = Open::now(tasks);
            same = if now == open { same + 1 } else { 0 };
            open = now;
        }
        open
    }

    /// Waits until nothing beyond this is open.
    async fn until_again(&self, tasks: &Tasks) {
        let deadline = Instant::now() + LIMIT;
        while Open::now(tasks) != *self {
            assert!(Instant::now() < deadline, "{self:?} before, {:?} now", Open::now(tasks));
            pause().await;
        }
    }

    fn now(tasks: &Tasks) -> Self {
        let entries = |path| std::fs::read_dir(path).unwrap().count();
        Open {
            tasks: tasks.alive(),
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
        }
    }
}
