//! Applications on virtual time: their tasks, timers and connections.

use core::time::Duration;
use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use swim_driver::{Cluster, Connection, Elapsed, Events};
use swim_sim::{Latency, World, WorldOptions, millis, secs};

/// The applications' notes, in order.
type Notes = Arc<Mutex<Vec<String>>>;

fn taken(notes: &Notes) -> Vec<String> {
    std::mem::take(&mut notes.lock().expect("nobody panicked"))
}

/// The port of the applications of these tests.
const PORT: u16 = 80;

fn at_port(mut address: SocketAddr) -> SocketAddr {
    address.set_port(PORT);
    address
}

/// Echoes each connection, once its input is complete.
async fn echo(cluster: Cluster, _events: Events) {
    let runtime = cluster.runtime();
    let mut listener = runtime.listen(at_port(cluster.local_address())).expect("a free port");
    loop {
        let (connection, _) = listener.accept().await.expect("it listens");
        runtime.spawn(answer(connection)).detach();
    }
}

async fn answer(mut connection: Connection) {
    let mut bytes = Vec::new();
    if connection.read_to_end(&mut bytes).await.is_ok() {
        let _ = connection.write_all(&bytes).await;
        let _ = connection.close().await;
    }
}

fn with_echo(options: WorldOptions) -> World {
    let mut world = options.build();
    world.start_application("a", |_| {}, echo);
    world.start_driver("b", |options| options.seeds = vec!["a:7946".into()]);
    world.run(secs(5));
    world
}

#[test]
fn applications_connect_over_the_network_of_the_world() {
    let mut world = with_echo(WorldOptions::new(1).latency(Latency::Fixed(millis(50))));
    let address = at_port(world.address("a"));
    let begin = world.now();
    let answer = world.wait_for("b", secs(10), async move |cluster| {
        let mut connection = cluster.runtime().connect(address).await.unwrap();
        connection.write_all(&vec![7; 3 << 20]).await.unwrap();
        connection.close().await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        answer
    });
    assert!(answer == vec![7; 3 << 20], "{} bytes came back", answer.len());
    // At least a round trip to open, one way for the request, and one way for the answer.
    assert!(world.now() - begin >= millis(200), "{:?}", world.now() - begin);
}

#[test]
fn an_application_has_connections_beside_the_links_of_its_node() {
    let mut world = World::new(13);
    for name in ["a", "b"] {
        let options = |options: &mut swim_driver::Options| {
            options.transport = swim_driver::Carrier::Streams;
            options.seeds = vec!["a:7946".into()];
        };
        world.start_application(name, options, echo);
    }
    world.run(secs(20));
    let address = at_port(world.address("a"));
    let answer = world.wait_for("b", secs(1), async move |cluster| {
        let mut connection = cluster.runtime().connect(address).await.unwrap();
        connection.write_all(b"hello").await.unwrap();
        connection.close().await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert_eq!(answer, "hello");
    world.expect_converged();
    world.expect_never_failed("a");
}

#[test]
fn where_nobody_listens_it_is_refused_and_where_nobody_is_it_takes_its_time() {
    let mut world = with_echo(WorldOptions::new(2));
    let (other, nobody) =
        (SocketAddr::new(world.address("a").ip(), 81), "10.9.9.9:80".parse().unwrap());
    let errors = world.wait_for("b", secs(60), async move |cluster| {
        let runtime = cluster.runtime();
        let limit = runtime.timeout(secs(3), runtime.connect(nobody)).await;
        assert!(matches!(limit, Err(Elapsed)));
        let failed = [runtime.connect(other).await, runtime.connect(nobody).await];
        failed.map(|it| it.unwrap_err().kind())
    });
    assert_eq!(errors, [ErrorKind::ConnectionRefused, ErrorKind::TimedOut]);
    world.crash("a");
    let address = at_port(world.address("a"));
    let refused =
        world.wait_for("b", secs(1), async move |cluster| cluster.runtime().connect(address).await);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn who_does_not_read_holds_up_who_writes() {
    let mut world = WorldOptions::new(3).stream_buffer(64 << 10).build();
    let wants = Arc::new(AtomicU32::new(0));
    let reads = Arc::clone(&wants);
    world.start_application(
        "a",
        |_| {},
        move |cluster, _| {
            let reads = Arc::clone(&reads);
            async move {
                let runtime = cluster.runtime();
                let mut listener = runtime.listen(at_port(cluster.local_address())).unwrap();
                let (mut connection, _) = listener.accept().await.unwrap();
                while reads.load(Ordering::SeqCst) == 0 {
                    runtime.sleep(millis(10)).await;
                }
                let mut bytes = Vec::new();
                connection.read_to_end(&mut bytes).await.unwrap();
                reads.store(u32::try_from(bytes.len()).unwrap(), Ordering::SeqCst);
                pending().await
            }
        },
    );
    world.start_driver("b", |_| {});
    let address = at_port(world.address("a"));
    let written = world.ask("b", async move |cluster| {
        let mut connection = cluster.runtime().connect(address).await.unwrap();
        connection.write_all(&vec![1; 1 << 20]).await.unwrap();
        connection.close().await.unwrap();
    });
    world.run(secs(30));
    assert!(!written.is_ready(), "nobody read it");
    wants.store(1, Ordering::SeqCst);
    world.run(secs(1));
    assert!(written.is_ready());
    assert_eq!(wants.load(Ordering::SeqCst), 1 << 20);
}

#[test]
fn who_writes_to_a_connection_that_was_dropped_is_told_soon() {
    let mut world = World::new(12);
    world.start_application(
        "a",
        |_| {},
        |cluster, _| async move {
            let mut listener =
                cluster.runtime().listen(at_port(cluster.local_address())).expect("a free port");
            let (mut connection, _) = listener.accept().await.expect("it listens");
            connection.read_exact(&mut [0]).await.expect("a byte comes");
            drop(connection);
            pending().await
        },
    );
    world.start_driver("b", |_| {});
    let address = at_port(world.address("a"));
    world.run(secs(1));
    let written = world.wait_for("b", secs(5), async move |cluster| {
        let runtime = cluster.runtime();
        let mut connection = runtime.connect(address).await.unwrap();
        let mut written = 0;
        while connection.write_all(&[7]).await.is_ok() {
            written += 1;
            runtime.sleep(millis(100)).await;
        }
        written
    });
    assert_eq!(written, 2, "the one that was read, and the one to which the answer was a reset");
}

#[test]
fn a_crash_resets_connections_and_a_restart_begins_the_application_anew() {
    let mut world = with_echo(WorldOptions::new(4));
    let address = at_port(world.address("a"));
    let broken = world.ask("b", async move |cluster| {
        let mut connection = cluster.runtime().connect(address).await.unwrap();
        connection.read(&mut [0]).await.unwrap_err().kind()
    });
    world.run(secs(1));
    world.crash("a");
    world.run(secs(1));
    assert_eq!(broken.take(), Some(ErrorKind::ConnectionReset));
    world.restart("a");
    let opened =
        world.wait_for("b", secs(1), async move |cluster| cluster.runtime().connect(address).await);
    assert!(opened.is_ok(), "{opened:?}");
}

#[test]
fn timers_go_by_the_clock_of_the_host_in_the_order_in_which_they_were_made() {
    let (notes, mut world) = (Notes::default(), World::new(5));
    let noted = Arc::clone(&notes);
    world.start_application(
        "a",
        |_| {},
        move |cluster, _| {
            let notes = Arc::clone(&noted);
            async move {
                let (runtime, begin) = (cluster.runtime(), cluster.runtime().now());
                for name in ["first", "second", "third"] {
                    let (notes, sleep) = (Arc::clone(&notes), runtime.sleep(secs(10)));
                    let sleeping = runtime.clone();
                    let task = async move {
                        sleep.await;
                        let passed = sleeping.now() - begin;
                        notes.lock().unwrap().push(format!("{name} after {passed:?}"));
                    };
                    runtime.spawn(task).detach();
                }
                pending().await
            }
        },
    );
    // The clock of its host runs at twice the speed.
    world.set_drift("a", 1_000_000);
    world.run(secs(4));
    assert_eq!(taken(&notes), [""; 0]);
    world.run(secs(2));
    assert_eq!(taken(&notes), ["first after 10s", "second after 10s", "third after 10s"]);
}

/// Notes the time of each second of its process.
fn ticking(notes: &Notes) -> impl Fn(Cluster, Events) -> BoxedFuture + 'static {
    let notes = Arc::clone(notes);
    move |cluster, _| {
        let notes = Arc::clone(&notes);
        Box::pin(async move {
            let runtime = cluster.runtime();
            for tick in 0.. {
                notes.lock().expect("nobody panicked").push(format!("tick {tick}"));
                runtime.sleep(secs(1)).await;
            }
        })
    }
}

type BoxedFuture = std::pin::Pin<Box<dyn Future<Output = ()>>>;

#[test]
fn a_paused_process_stands_still_and_a_crashed_one_is_gone() {
    let (notes, mut world) = (Notes::default(), World::new(6));
    world.start_application("a", |_| {}, ticking(&notes));
    world.run(millis(1500));
    assert_eq!(taken(&notes), ["tick 0", "tick 1"]);
    world.pause("a");
    world.run(secs(10));
    assert_eq!(taken(&notes), [""; 0]);
    world.resume("a");
    world.run(millis(900));
    assert_eq!(taken(&notes), ["tick 2"]);
    world.crash("a");
    world.run(secs(10));
    assert_eq!(taken(&notes), [""; 0]);
    world.restart("a");
    world.run(millis(1500));
    assert_eq!(taken(&notes), ["tick 0", "tick 1"]);
}

#[test]
fn an_application_that_returns_ends_its_process() {
    let mut world = World::new(7);
    world.form(2);
    world.start_application(
        "a",
        |options| options.seeds = vec!["n0:7946".into()],
        |cluster, _| async move {
            cluster.runtime().sleep(secs(10)).await;
            cluster.leave(secs(5)).await.unwrap();
        },
    );
    world.run(secs(5));
    world.expect_alive_everywhere("a");
    world.run(secs(30));
    assert!(!world.running().any(|name| name == "a"));
    assert!(world.agreed("a", swim_core::State::Left));
}

/// The digest of applications that connect, sleep and draw, on a network that loses packets.
fn digest(seed: u64) -> u64 {
    let mut world = WorldOptions::new(seed).loss(0.1).build();
    world.start_application("a", |_| {}, echo);
    for name in ["b", "c"] {
        world.start_application(
            name,
            |options| options.seeds = vec!["a:7946".into()],
            |cluster, _| async move {
                let runtime = cluster.runtime();
                loop {
                    runtime.sleep(Duration::from_micros(runtime.random() % 1_000_000)).await;
                    let Some(member) = cluster.member("a") else { continue };
                    let connect = runtime.connect(at_port(member.address));
                    if let Ok(Ok(mut connection)) = runtime.timeout(secs(1), connect).await {
                        let _ = connection.write_all(&runtime.random().to_le_bytes()).await;
                        let _ = connection.close().await;
                        let _ = connection.read_to_end(&mut Vec::new()).await;
                    }
                }
            },
        );
    }
    world.run(secs(20));
    world.crash("a");
    world.run(secs(5));
    world.restart("a");
    world.run(secs(20));
    world.digest()
}

#[test]
fn an_application_that_runs_twice_under_one_seed_does_the_same() {
    assert_eq!(digest(8), digest(8));
    assert_ne!(digest(8), digest(9));
}

#[test]
#[should_panic(expected = "another thread woke a task of the application")]
fn a_wake_from_another_thread_fails_the_test() {
    let mut world = World::new(10);
    world.start_application(
        "a",
        |_| {},
        |cluster, _| async move {
            let (done, waits) = async_channel::bounded(1);
            let thread = std::thread::spawn(move || done.send_blocking(7).unwrap());
            // Waits, so that the other thread wakes the task and does not come first.
            let _ = waits.recv().await;
            thread.join().unwrap();
            cluster.runtime().sleep(secs(1)).await;
        },
    );
    for _ in 0..1000 {
        world.run(secs(1));
        std::thread::sleep(millis(1));
    }
}

#[test]
#[should_panic(expected = "its application was polled 100000 times at one instant")]
fn an_application_that_spins_fails_the_test() {
    let mut world = World::new(11);
    world.start_application(
        "a",
        |_| {},
        |_, _| {
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            })
        },
    );
    world.run(secs(1));
}
