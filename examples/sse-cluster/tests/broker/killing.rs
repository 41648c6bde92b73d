//! One of five processes is killed under load.
//!
//! The long run:
//! `SECONDS=30 cargo test --release -p sse-cluster --test broker -- killed --nocapture`

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use swim_driver::RuntimeHandle;
use swim_interop::LIMIT;
use swim_tokio::Tokio;

use crate::checker::{Life, Published, Subscriber};
use crate::client::{ask, listen, publish};
use crate::process::Process;

const NODES: usize = 5;
const SUBSCRIBERS: usize = 100;
const CHANNELS: usize = 10;

/// Events per second, published by one client per node.
const EACH_SECOND: u64 = 100;

/// The state that the clients share.
#[derive(Default)]
struct Known {
    published: Vec<Published>,
    subscribers: Vec<Subscriber>,
    up: Vec<SocketAddr>,
}

type Shared = Arc<Mutex<Known>>;

fn names() -> Vec<String> {
    (0..NODES).map(|number| format!("n{number}")).collect()
}

fn seconds() -> u64 {
    std::env::var("SECONDS").map_or(6, |text| text.parse().expect("SECONDS is a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_five_is_killed_nobody_misses_what_is_published_at_the_others() {
    let runtime = RuntimeHandle::new(Tokio);
    let mut nodes: Vec<Process> = Vec::new();
    for name in names() {
        nodes.push(Process::start(&name, nodes.first()));
    }
    let up: Vec<SocketAddr> = nodes.iter().map(|node| node.http).collect();
    for node in &up {
        wait_for_status(&runtime, *node, "alive", NODES).await;
    }
    let known = Shared::default();
    known.lock().unwrap().up.clone_from(&up);
    let mut tasks = Vec::new();
    for number in 0..SUBSCRIBERS {
        known.lock().unwrap().subscribers.push(Subscriber::of(&channel(number)));
        tasks.push(tokio::spawn(subscribe(runtime.clone(), number, Arc::clone(&known))));
    }
    let stands = |it: &Subscriber| !it.last_id.is_empty();
    while !known.lock().unwrap().subscribers.iter().all(stands) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let publishing: Vec<_> = (0..NODES)
        .map(|own| tokio::spawn(publish_many(runtime.clone(), own, up[own], Arc::clone(&known))))
        .collect();
    // Kill a node halfway through.
    let half = EACH_SECOND * seconds() / 2;
    while (known.lock().unwrap().published.len() as u64) < half {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let killed = nodes.pop().unwrap();
    known.lock().unwrap().up.retain(|node| *node != killed.http);
    killed.child.signal(Signal::KILL);
    for task in publishing {
        task.await.unwrap();
    }
    wait_until_all_stand(&known).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    check(&known);
}

fn channel(number: usize) -> String {
    format!("channel-{}", number % CHANNELS)
}

async fn subscribe(runtime: RuntimeHandle, number: usize, known: Shared) {
    let names = names();
    loop {
        let (node, channel, last_id) = {
            let known = known.lock().expect("nobody panicked");
            let subscriber = &known.subscribers[number];
            let node = known.up[number % known.up.len()];
            (node, subscriber.channel.clone(), subscriber.last_id.clone())
        };
        let take = |block| {
            known.lock().expect("nobody panicked").subscribers[number].take(&block, &names);
        };
        listen(&runtime, node, &channel, &last_id, take).await;
        runtime.sleep(Duration::from_millis(100)).await;
    }
}

async fn publish_many(runtime: RuntimeHandle, own: usize, node: SocketAddr, known: Shared) {
    let share = EACH_SECOND / NODES as u64;
    let begin = runtime.now();
    for count in 0..share * seconds() {
        runtime
            .sleep_until(begin + Duration::from_secs(count) / u32::try_from(share).unwrap_or(1))
            .await;
        let channel = channel(usize::try_from(count).unwrap_or(0));
        let text = format!("{count} of {own}");
        if let Some((publisher, number)) = publish(&runtime, node, &channel, &text).await {
            let life = (publisher, 0);
            let published = Published { life, number, channel, text };
            known.lock().expect("nobody panicked").published.push(published);
        }
    }
}

/// Waits until a node sees so many members in a state.
async fn wait_for_status(runtime: &RuntimeHandle, node: SocketAddr, state: &str, count: usize) {
    use http_body_util::{BodyExt, Full};
    let seen = async {
        loop {
            let request = hyper::Request::get("/status").body(Full::default());
            let answer = ask(runtime, node, request.expect("it is a request")).await;
            if let Some((answer, _moving)) = answer
                && let Ok(body) = answer.into_body().collect().await
                && let Ok(text) = std::str::from_utf8(&body.to_bytes())
                && text.matches(&format!("\"{state}\"")).count() == count
            {
                return;
            }
            runtime.sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = runtime.timeout(Duration::from_secs(60), seen).await;
    in_time.expect("they find each other within seconds");
}

/// Waits until every subscriber has the last events of the living nodes.
async fn wait_until_all_stand(known: &Shared) {
    for _ in 0..600 {
        let all = {
            let known = known.lock().expect("nobody panicked");
            let last = |name: &str| {
                let of = known.published.iter().filter(|it| it.life.0 == name);
                of.map(|it| (it.number, it.channel.clone(), it.text.clone())).max()
            };
            let latest: Vec<_> =
                names()[..NODES - 1].iter().filter_map(|name| last(name)).collect();
            known.subscribers.iter().all(|subscriber| {
                latest.iter().all(|(_, channel, text)| {
                    *channel != subscriber.channel || subscriber.has(text)
                })
            })
        };
        if all {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("some never got the last events");
}

fn check(known: &Shared) {
    let mut known = known.lock().expect("nobody panicked");
    // No node was restarted, so each has one life, which the positions name.
    let position = known.subscribers[0].stands().clone();
    let lives: BTreeMap<String, u64> = names()
        .into_iter()
        .filter_map(|name| Some((name.clone(), position.of(&name)?.0)))
        .collect();
    let mut published = std::mem::take(&mut known.published);
    for it in &mut published {
        it.life.1 = lives[&it.life.0];
    }
    let living: BTreeSet<Life> =
        names()[..NODES - 1].iter().map(|name| (name.clone(), lives[name])).collect();
    for subscriber in &mut known.subscribers {
        subscriber.check(&published, &living);
        assert_eq!(subscriber.complaint, None);
        assert_eq!(subscriber.gaps_told, 0, "they came back soon enough to miss nothing");
    }
    println!(
        "{} events on {CHANNELS} channels to {SUBSCRIBERS} subscribers: none missing, none twice",
        published.len()
    );
}

#[test]
fn a_signal_is_a_leave_and_ends_the_streams() {
    let a = Process::start("a", None);
    let mut b = Process::start("b", Some(&a));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let handle = RuntimeHandle::new(Tokio);
        wait_for_status(&handle, a.http, "alive", 2).await;
        let listening = listen(&handle, b.http, "news", "", |_| {});
        let stopping = async {
            wait_for_client(&handle, b.http).await;
            b.child.signal(Signal::TERM);
            std::future::pending::<()>().await;
        };
        let ended = futures_lite::future::or(
            async {
                listening.await;
            },
            stopping,
        );
        handle.timeout(Duration::from_secs(30), ended).await.expect("its stream ends");
        wait_for_status(&handle, a.http, "left", 1).await;
    });
    assert_eq!(b.child.wait_for_end().code(), Some(0));
    let told = b.child.lines.find(0, LIMIT, |line| line.text("text") == "left the cluster");
    assert!(told.is_some(), "{}", b.child.lines.transcript());
}

async fn wait_for_client(runtime: &RuntimeHandle, node: SocketAddr) {
    wait_for_status(runtime, node, "news", 1).await;
}
