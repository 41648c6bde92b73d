//! One run: five nodes, clients that publish and listen, and faults.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sse_cluster::log::Kept;
use sse_cluster::{Flaw, Settings, SseCluster};
use swim_sim::{Cluster, Incarnation, Options, World, WorldOptions, millis, secs};

use crate::checker::{Life, Published, Subscriber};
use crate::client;

const NODES: usize = 5;
const SUBSCRIBERS: usize = 6;
const CHANNELS: [&str; 2] = ["red", "blue"];
const PORT: u16 = 8080;

/// Duration of faults, then of normal operation, then of silence before the check.
const TROUBLE: Duration = secs(60);
const CALM: Duration = secs(60);
const QUIET: Duration = secs(20);

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) complaint: Option<String>,
    pub(crate) digest: u64,
}

/// The state that the clients of a run share.
#[derive(Debug, Default)]
struct Known {
    /// The events that nodes took, with their lives.
    published: Vec<Published>,
    /// The life of each node.
    lives: BTreeMap<String, u64>,
    subscribers: Vec<Subscriber>,
    /// Nodes that a client may use now.
    up: Vec<SocketAddr>,
    /// Nothing is published any longer.
    quiet: bool,
    refused: u64,
    reconnected: u64,
}

type Shared = Arc<Mutex<Known>>;

fn lock(known: &Shared) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn names() -> Vec<String> {
    (0..NODES).map(|number| format!("n{number}")).collect()
}

pub(crate) fn run(seed: u64, flaw: Flaw) -> Seen {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let loss = f64::from(u32::try_from(rng.next_u64() % 4).unwrap_or(0)) * 0.05;
    let mut world = WorldOptions::new(seed).loss(loss).build();
    let known = Shared::default();
    for name in names() {
        start_node(&mut world, &name, flaw, &known);
    }
    world.run(secs(10));
    lock(&known).up = names().iter().map(|name| http(&world, name)).collect();
    for number in 0..SUBSCRIBERS {
        start_subscriber(&mut world, number, &known);
    }
    for number in 0..3 {
        start_publisher(&mut world, number, &known);
    }
    let mut counts = trouble(&mut world, &mut rng, &known);
    lock(&known).up = names().iter().map(|name| http(&world, name)).collect();
    world.run(CALM);
    lock(&known).quiet = true;
    world.run(QUIET);
    let digest = world.digest();
    let mut known = lock(&known);
    let living: BTreeSet<Life> = known.lives.clone().into_iter().collect();
    let published = std::mem::take(&mut known.published);
    for subscriber in &mut known.subscribers {
        subscriber.check(&published, &living);
    }
    let complaint = known.subscribers.iter().find_map(|it| it.complaint.clone());
    counts.insert("events published", published.len() as u64);
    counts.insert("gaps reported", known.subscribers.iter().map(|it| it.gaps_told).sum());
    counts.insert("subscribers connected again", known.reconnected);
    counts.insert("publications without an answer", known.refused);
    Seen { counts, complaint, digest }
}

fn http(world: &World, name: &str) -> SocketAddr {
    SocketAddr::new(world.address(name).ip(), PORT)
}

fn start_node(world: &mut World, name: &str, flaw: Flaw, known: &Shared) {
    let known = Arc::clone(known);
    world.start_application(
        name,
        |options| options.seeds = vec!["n0:7946".into(), "n1:7946".into()],
        move |cluster, _| serve(cluster, flaw, Arc::clone(&known)),
    );
}

async fn serve(cluster: Cluster, flaw: Flaw, known: Shared) {
    let http = SocketAddr::new(cluster.local_address().ip(), PORT);
    let mut settings = Settings::new(http);
    settings.flaw = flaw;
    settings.key = Some([7; 32]);
    // Keep few events, so that some readers fall behind.
    settings.kept = Kept { events: 4, bytes: 64 << 10 };
    let service = SseCluster::open(&cluster, settings).expect("the port is free");
    lock(&known).lives.insert(cluster.local().name.to_string(), service.life());
    let _ = service.run(std::future::pending()).await;
}

fn start_subscriber(world: &mut World, number: usize, known: &Shared) {
    let channel = CHANNELS[number % CHANNELS.len()];
    let subscriber = Subscriber::of(channel);
    lock(known).subscribers.push(subscriber);
    let known = Arc::clone(known);
    world.start_application(
        &format!("subscriber-{number}"),
        |_| {},
        move |cluster, _| subscribe(cluster, number, Arc::clone(&known)),
    );
}

async fn subscribe(cluster: Cluster, number: usize, known: Shared) {
    let (runtime, publishers) = (cluster.runtime(), names());
    loop {
        let (node, channel, last_id) = {
            let known = lock(&known);
            let subscriber = &known.subscribers[number];
            let node = pick(&known.up, runtime.random());
            (node, subscriber.channel.clone(), subscriber.last_id.clone())
        };
        let take = |block| lock(&known).subscribers[number].take(&block, &publishers);
        if let Some(node) = node {
            client::listen(&runtime, node, &channel, &last_id, take).await;
        }
        lock(&known).reconnected += 1;
        runtime.sleep(millis(500)).await;
    }
}

fn start_publisher(world: &mut World, number: usize, known: &Shared) {
    let known = Arc::clone(known);
    world.start_application(
        &format!("publisher-{number}"),
        |_| {},
        move |cluster, _| publish(cluster, number, Arc::clone(&known)),
    );
}

async fn publish(cluster: Cluster, own: usize, known: Shared) {
    let runtime = cluster.runtime();
    for count in 0u64.. {
        runtime.sleep(millis(50 + runtime.random() % 200)).await;
        let channel = CHANNELS[usize::try_from(runtime.random() % 2).unwrap_or(0)];
        let node = pick(&lock(&known).up, runtime.random());
        let Some(node) = node.filter(|_| !lock(&known).quiet) else { continue };
        let text = format!("{count} of {own}");
        let taken = client::publish(&runtime, node, channel, &text).await;
        let mut known = lock(&known);
        match taken {
            Some((publisher, number)) => {
                let Some(&life) = known.lives.get(&publisher) else { continue };
                let (life, channel) = ((publisher, life), channel.to_owned());
                known.published.push(Published { life, number, channel, text });
            }
            None => known.refused += 1,
        }
    }
}

fn pick(nodes: &[SocketAddr], draw: u64) -> Option<SocketAddr> {
    let place = draw.checked_rem(nodes.len() as u64)?;
    nodes.get(usize::try_from(place).unwrap_or(0)).copied()
}

/// Runs crashes, stalls and cuts, one after the other. Returns their counts.
fn trouble(world: &mut World, rng: &mut ChaCha8Rng, known: &Shared) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<&'static str, u64> =
        ["crashes", "clocks set back", "stalls", "cuts", "clients cut off"]
            .map(|kind| (kind, 0))
            .into();
    let end = world.now() + TROUBLE;
    while world.now() < end {
        world.run(millis(rng.next_u64() % 6000));
        let mut draw = |below: usize| {
            usize::try_from(rng.next_u64() % below as u64).expect("below a small number")
        };
        let (kind, one, other) =
            (draw(4), format!("n{}", draw(NODES)), format!("n{}", draw(NODES)));
        let lasts = millis(500 + rng.next_u64() % 15_000);
        match kind {
            0 => {
                world.crash(&one);
                let address = http(world, &one);
                lock(known).up.retain(|up| *up != address);
                // Its events are no longer owed to any subscriber.
                lock(known).lives.remove(&one);
                world.run(lasts);
                if rng.next_u64().is_multiple_of(3) {
                    // A life starts with the time in seconds.
                    let early =
                        Incarnation(1_600_000_000 + world.now().since_origin().subsec_micros());
                    let back = |options: &mut Options| options.incarnation = Some(early);
                    world.restart_driver_with(&one, back);
                    *counts.entry("clocks set back").or_default() += 1;
                } else {
                    world.restart(&one);
                }
                lock(known).up.push(address);
                *counts.entry("crashes").or_default() += 1;
            }
            1 => {
                world.pause(&one);
                world.run(lasts);
                world.resume(&one);
                *counts.entry("stalls").or_default() += 1;
            }
            2 if one != other => {
                world.cut(&[&one], &[&other]);
                world.run(lasts);
                world.heal();
                *counts.entry("cuts").or_default() += 1;
            }
            _ => {
                let client = format!("subscriber-{}", draw_client(rng));
                world.cut(&[&client], &[&one]);
                world.run(lasts);
                world.heal();
                *counts.entry("clients cut off").or_default() += 1;
            }
        }
    }
    counts
}

fn draw_client(rng: &mut ChaCha8Rng) -> usize {
    usize::try_from(rng.next_u64() % SUBSCRIBERS as u64).expect("few")
}
