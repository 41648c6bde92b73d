//! Nodes that start, join and shut down again and again leave nothing behind. A program of its own:
//! it counts what the whole process has open.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use swim_tokio::{Departure, Options, start};
use tokio::runtime::{Builder, Handle};

/// Far more than anything here takes, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Nodes that live at the same time.
const NODES: u32 = 10;

/// How often nodes are started, joined and shut down: as many times as `SWIM_TOKIO_CYCLES` says.
fn cycles() -> u32 {
    let cycles = std::env::var("SWIM_TOKIO_CYCLES").unwrap_or_else(|_| "30".into());
    cycles.parse().expect("SWIM_TOKIO_CYCLES is a number")
}

#[test]
fn cycles_of_start_join_and_shutdown_leave_nothing_behind() {
    // With a single worker, its number of threads does not depend on how busy it is.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let a = start(options("a", "127.0.0.1:0".parse().unwrap())).await.unwrap();
        let contact = a.cluster().local_address();
        // Once before anything is counted: what is opened once for all times is open then.
        cycle(0, contact, &mut any_port(0)).await;
        let before = Open::settled(&Handle::current()).await;

        let rounds = cycles().div_ceil(NODES);
        let mut running = tokio::task::JoinSet::new();
        for number in 1..=NODES {
            running.spawn(async move {
                let mut address = any_port(number);
                for _ in 0..rounds {
                    // Each time on the port of the time before.
                    cycle(number, contact, &mut address).await;
                }
                address
            });
        }
        let addresses = running.join_all().await;

        assert_eq!(Open::settled(&Handle::current()).await, before);
        for address in addresses {
            TcpListener::bind(address).unwrap();
            UdpSocket::bind(address).unwrap();
        }
        println!("{} cycles, then {before:?} as before", rounds * NODES);
    });
}

/// Starts a node on this address, joins, and shuts down.
async fn cycle(number: u32, contact: SocketAddr, address: &mut SocketAddr) {
    let node = start(options(&format!("b-{number}"), *address)).await.unwrap();
    *address = node.cluster().local_address();
    node.cluster().join([contact]).await.unwrap();
    assert_eq!(node.shutdown(LIMIT).await, Ok(Departure::Left));
}

fn options(name: &str, bind: SocketAddr) -> Options {
    let mut options = Options::local(name.parse().unwrap());
    options.bind = bind;
    options
}

/// Any port, of an address of its own, so that nobody else takes the port between two cycles.
fn any_port(number: u32) -> SocketAddr {
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let number = u8::try_from(number).expect("a few");
    SocketAddr::from((Ipv4Addr::new(127, 64 + number, high, low.max(1)), 0))
}

/// What this process has open.
#[derive(Debug, PartialEq, Eq)]
struct Open {
    tasks: usize,
    threads: usize,
    descriptors: usize,
}

impl Open {
    /// What is open once node a's task is the only one. Its connections to others have tasks of
    /// their own, which end when they have read the end of the stream.
    async fn settled(runtime: &Handle) -> Self {
        let settles = async {
            while Open::now(runtime).tasks > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(LIMIT, settles).await.is_err() {
            panic!("tasks are left behind: {:?}", Open::now(runtime));
        }
        Open::now(runtime)
    }

    fn now(runtime: &Handle) -> Self {
        let entries = |path| std::fs::read_dir(path).unwrap().count();
        Open {
            tasks: runtime.metrics().num_alive_tasks(),
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
        }
    }
}
