//! A world of nodes with clients. A seed draws faults first, then a member that joins, one that
//! leaves, and one that crashes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use example_trial::{Random, Seen};
use futures_lite::io::{ReadHalf, WriteHalf, split};
use futures_lite::{AsyncWriteExt, future};
use sharded_cache::{Cache, Flaw, LINE_SIZE_MAX, Lines, PORT, Settings};
use swim_sim::{
    Cluster, Connection, Error, Failure, Latency, Options, Tags, World, WorldOptions, millis, secs,
};

use crate::journal::{Journal, Mode};

/// The nodes from the beginning. Each fault draws one of the four.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Keys per client.
const KEYS: u32 = 12;

/// Time per step. Every 25 steps on average, the test draws a fault.
const STEP: Duration = millis(100);

/// Steps with faults.
const FAULT_STEPS: u64 = 500;

/// Longest time until all nodes know each other again.
const CALM: Duration = secs(90);

/// Longest time for an answer. An owner has a second; lost pieces of the client's own connection
/// are sent again after up to 6 s.
const ANSWER_TIME_MAX: Duration = secs(10);

/// The kinds of events, in the order of printing.
const KINDS: &[&str] = &[
    "requests",
    "errors",
    "crashes",
    "restarts",
    "pauses",
    "cuts both ways",
    "cuts one way",
    "heals",
    "joins",
    "leaves",
    "keys moved",
    "datagrams lost",
    "streams failed",
];

/// A world, and the events in it.
pub(crate) struct Scene {
    world: World,
    journal: Journal,
    random: Random,
    seen: Seen,
    settings: Settings,
    step: u64,
    /// When a node that is down restarts, or a paused node resumes.
    due: [Option<Due>; NAMES.len()],
    heal_at: Option<u64>,
}

#[derive(Clone, Copy)]
enum Due {
    Restart(u64),
    Resume(u64),
}

impl Scene {
    /// Runs the scenario of a seed.
    pub(crate) fn run(seed: u64, flaw: Flaw) -> Self {
        let mut scene = Scene {
            world: WorldOptions::new(seed).build(),
            journal: Journal::default(),
            random: Random::new(seed),
            seen: Seen::nothing_of(KINDS),
            settings: Settings { flaw, ..Settings::default() },
            step: 0,
            due: [None; 4],
            heal_at: None,
        };
        NAMES.into_iter().for_each(|name| scene.start(name));
        scene.chaos();
        scene.steady();
        scene
    }

    pub(crate) fn digest(&self) -> u64 {
        self.world.digest()
    }

    /// Returns the violations of guarantees, and the counts of events.
    pub(crate) fn result(mut self) -> (Vec<String>, Seen) {
        let traffic = self.world.traffic();
        self.seen.add("datagrams lost", traffic.packets_lost);
        self.seen.add("streams failed", traffic.streams_failed);
        let notes = self.journal.notes();
        self.seen.add("requests", notes.requests);
        self.seen.add("errors", notes.errors);
        (notes.violations.clone(), self.seen)
    }

    fn start(&mut self, name: &'static str) {
        let (journal, settings) = (self.journal.clone(), self.settings);
        let seeds = |options: &mut Options| options.seeds = vec!["a:7946".into(), "b:7946".into()];
        self.world.start_application(name, seeds, move |cluster, _| {
            node(cluster, name, settings, journal.clone())
        });
    }

    /// Runs with faults, then ends all faults.
    fn chaos(&mut self) {
        for _ in 0..FAULT_STEPS {
            self.world.run(STEP);
            self.step += 1;
            self.end_faults(self.step);
            if self.random.below(25) == 0 {
                self.begin_fault();
            }
        }
        self.end_faults(u64::MAX);
        self.world.heal();
        self.world.set_loss(0.0);
        // With a long-tailed latency an owner could take more than its second.
        self.world.set_latency(Latency::Uniform(millis(1), millis(20)));
        self.world.run(CALM);
    }

    fn begin_fault(&mut self) {
        let at = self.random.below(4) as usize;
        let (name, is_free) = (NAMES[at], self.due[at].is_none());
        match self.random.below(7) {
            0 if is_free => {
                self.world.crash(name);
                self.seen.add("crashes", 1);
                self.due[at] = Some(Due::Restart(self.step + self.random.between(10, 200)));
            }
            1 if is_free => {
                self.world.pause(name);
                *self.journal.notes().pauses.entry(name.into()).or_default() += 1;
                self.seen.add("pauses", 1);
                self.due[at] = Some(Due::Resume(self.step + self.random.between(2, 200)));
            }
            2 | 3 => {
                let others: Vec<&str> =
                    NAMES.into_iter().filter(|_| self.random.below(2) == 0).collect();
                let others: Vec<&str> = others.into_iter().filter(|it| *it != name).collect();
                self.world.cut(&[name], &others);
                self.seen.add("cuts both ways", u64::from(!others.is_empty()));
                self.heal_at = Some(self.step + self.random.between(5, 200));
            }
            4 => {
                self.world.cut_one_way(name, NAMES[(at + 1) % NAMES.len()]);
                self.seen.add("cuts one way", 1);
                self.heal_at = Some(self.step + self.random.between(5, 200));
            }
            5 => self.world.set_loss(f64::from(self.random.below(10)) / 100.0),
            _ => {
                let median = millis(self.random.between(1, 20));
                let p99 = median * (2 + self.random.below(10));
                self.world.set_latency(Latency::LogNormal { median, p99 });
            }
        }
    }

    fn end_faults(&mut self, step: u64) {
        for (at, name) in NAMES.into_iter().enumerate() {
            match self.due[at] {
                Some(Due::Restart(due)) if due <= step => {
                    self.world.restart(name);
                    self.seen.add("restarts", 1);
                }
                Some(Due::Resume(due)) if due <= step => self.world.resume(name),
                _ => continue,
            }
            self.due[at] = None;
        }
        if self.heal_at.is_some_and(|at| at <= step) {
            self.heal_at = None;
            self.world.heal();
            self.seen.add("heals", 1);
        }
    }

    /// Lets members come and go: only the keys of the crashed one may be lost.
    fn steady(&mut self) {
        let mut nodes = NAMES.to_vec();
        self.check_owners(&nodes);
        self.journal.notes().mode = Mode::Steady;
        self.world.run(secs(3));

        self.journal.notes().mode = Mode::Moving;
        self.start("e");
        self.seen.add("joins", 1);
        self.world.run(secs(10));
        nodes.push("e");
        self.check_values(&nodes, &[], "after e joined");
        self.check_owners(&nodes);

        self.journal.notes().mode = Mode::Moving;
        let leaver = nodes.remove(self.random.below(4) as usize);
        let stop = self.journal.notes().stops[leaver].clone();
        stop.try_send(()).expect("it was not stopped before");
        self.seen.add("leaves", 1);
        self.world.run(secs(10));
        self.check_values(&nodes, &[], &format!("after {leaver} left"));

        let crashed = nodes.remove(self.random.below(4) as usize);
        let asked = nodes[0];
        let lost = self.owners(asked);
        let lost: Vec<&str> =
            lost.iter().filter(|(_, owner)| *owner == crashed).map(|(key, _)| &**key).collect();
        self.count_moves(&[&nodes[..], &[crashed]].concat());
        self.world.crash(crashed);
        self.seen.add("crashes", 1);
        self.world.run(secs(40));
        self.check_values(&nodes, &lost, &format!("after {crashed} crashed"));
    }

    /// Checks that every node answers with the latest value of every key, except for `lost` ones.
    fn check_values(&mut self, nodes: &[&str], lost: &[&str], when: &str) {
        self.journal.notes().mode = Mode::Quiet;
        self.world.run(secs(2));
        let latest = self.journal.notes().latest.clone();
        for node in nodes {
            let lines = latest.keys().map(|key| format!("GET {key}")).collect();
            let answers = self.ask(node, lines);
            let mut notes = self.journal.notes();
            for ((key, value), answer) in latest.iter().zip(answers) {
                let expected = match lost.contains(&&**key) {
                    true => "NONE".to_owned(),
                    false => format!("VALUE {value}"),
                };
                let pending = notes.pending.get(key).map(|value| format!("VALUE {value}"));
                if answer != expected && Some(&answer) != pending.as_ref() {
                    notes.violations.push(format!(
                        "{when} {node} says {answer} for {key}, but the latest is {expected}"
                    ));
                }
            }
        }
        self.journal.notes().latest.retain(|key, _| !lost.contains(&&**key));
    }

    /// Checks that all nodes agree on the owners.
    fn check_owners(&mut self, nodes: &[&str]) {
        let of_first = self.owners(nodes[0]);
        for node in &nodes[1..] {
            if self.owners(node) != of_first {
                let told = format!("keys have other owners at {node} than at {}", nodes[0]);
                self.journal.notes().violations.push(told);
            }
        }
    }

    fn owners(&mut self, node: &str) -> BTreeMap<String, String> {
        let keys: Vec<String> = NAMES
            .iter()
            .chain([&"e"])
            .flat_map(|name| (0..KEYS).map(move |it| key(name, it)))
            .collect();
        let answers = self.ask(node, keys.iter().map(|key| format!("WHERE {key}")).collect());
        let owner = |answer: String| answer.split(' ').nth(1).unwrap_or_default().to_owned();
        keys.into_iter().zip(answers.into_iter().map(owner)).collect()
    }

    fn count_moves(&mut self, nodes: &[&str]) {
        for node in nodes {
            let stats = self.ask(node, vec!["STATS".into()]).concat();
            let moved = stats.split(' ').find_map(|it| it.strip_prefix("moved_in="));
            let moved = moved.and_then(|it| it.parse().ok()).expect("it counts what moves");
            self.seen.add("keys moved", moved);
        }
    }

    /// Sends these lines to a node, and returns the answers.
    fn ask(&mut self, node: &str, lines: Vec<String>) -> Vec<String> {
        self.world.wait_for(node, secs(120), async move |cluster| {
            let tags = Tags::of(&cluster.local()).expect("it has tags");
            let port = tags.get(PORT).and_then(|it| it.parse().ok()).expect("it has a port");
            let mut address = cluster.local_address();
            address.set_port(port);
            let mut talk = Talk::open(&cluster, address).await;
            let mut answers = Vec::new();
            for line in lines {
                answers.push(talk.ask(&line).await.expect("an answer"));
            }
            answers
        })
    }
}

fn key(name: &str, number: u32) -> String {
    format!("{name}.{number:02}")
}

/// Runs a node with a client until it leaves.
async fn node(cluster: Cluster, name: &'static str, settings: Settings, journal: Journal) {
    let (stop, stopped) = async_channel::bounded(1);
    journal.notes().stops.insert(name.into(), stop);
    let cache = Cache::start(cluster.clone(), &settings).expect("the port is free");
    let address = cache.local_address();
    let stop = async {
        let _ = stopped.recv().await;
    };
    let serving = async {
        let left = cache.run(stop).await;
        assert!(matches!(left, Ok(_) | Err(Error::Failure(Failure::NobodyHeard))), "{left:?}");
    };
    let talking = async {
        client(&cluster, address, name, &journal).await;
        future::pending().await
    };
    future::or(serving, talking).await;
}

/// Reads and writes the keys of this client.
async fn client(cluster: &Cluster, address: SocketAddr, name: &str, journal: &Journal) {
    let runtime = cluster.runtime();
    let mut talk = Talk::open(cluster, address).await;
    let life = runtime.random() % 1_000_000;
    for number in 0u64.. {
        let (mode, pauses) = {
            let notes = journal.notes();
            (notes.mode, notes.pauses.get(name).copied())
        };
        let is_checked = matches!(mode, Mode::Steady | Mode::Moving);
        let wait = if is_checked { 10 } else { 200 };
        runtime.sleep(millis(1 + runtime.random() % wait)).await;
        let drawn = u32::try_from(runtime.random() % u64::from(KEYS)).expect("it is below a u32");
        let key = key(name, drawn);
        let value = format!("{key}={life}.{number}");
        let may_write = mode != Mode::Quiet && (mode != Mode::Moving || drawn.is_multiple_of(2));
        let writes = may_write && runtime.random().is_multiple_of(2);
        let line = if writes { format!("SET {key} {value}") } else { format!("GET {key}") };
        if writes {
            journal.notes().pending.insert(key.clone(), value.clone());
        }
        let begin = runtime.now();
        let Some(answer) = talk.ask(&line).await else { return };
        let took = runtime.now() - begin;
        let mut notes = journal.notes();
        notes.requests += 1;
        notes.errors += u64::from(answer.starts_with("ERR"));
        if took > ANSWER_TIME_MAX && pauses == notes.pauses.get(name).copied() {
            notes.violations.push(format!("{line} was answered after {took:?}"));
        }
        if let Some(value) = answer.strip_prefix("VALUE ")
            && !value.starts_with(&format!("{key}="))
        {
            notes.violations.push(format!("{line} was answered with {value}, of another key"));
        }
        if writes && answer == "OK" {
            notes.pending.remove(&key);
        }
        if writes && answer == "OK" && is_checked {
            notes.latest.insert(key, value);
        } else if !writes && mode == notes.mode && is_checked {
            // A key on its way may be missing, but an old value is wrong.
            let latest = notes.latest.get(&key).map(|value| format!("VALUE {value}"));
            let is_pending = notes.pending.contains_key(&key);
            if answer.starts_with("VALUE")
                && !is_pending
                && latest.as_ref().is_some_and(|it| *it != answer)
            {
                notes
                    .violations
                    .push(format!("{name} says {answer} for {key}, but the latest is {latest:?}"));
            }
        }
    }
}

/// A connection to a node.
struct Talk {
    lines: Lines<ReadHalf<Connection>>,
    writer: WriteHalf<Connection>,
}

impl Talk {
    async fn open(cluster: &Cluster, address: SocketAddr) -> Self {
        let connection = cluster.runtime().connect(address).await.expect("it listens");
        let (reader, writer) = split(connection);
        Talk { lines: Lines::new(reader, LINE_SIZE_MAX), writer }
    }

    async fn ask(&mut self, line: &str) -> Option<String> {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.ok()?;
        self.lines.next().await.ok()?
    }
}
