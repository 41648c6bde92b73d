//! A world of nodes with clients, and the faults that a seed draws for it.

use std::time::Duration;

use example_trial::{Random, Seen};
use futures_lite::io::split;
use futures_lite::{AsyncWriteExt, future};
use pubsub::{Flaw, LIFE, LINE_SIZE_MAX, Lines, PubSub, Settings};
use swim_sim::{
    Cluster, Connection, Error, Failure, Latency, Tags, World, WorldOptions, millis, secs,
};

use crate::checker;
use crate::journal::{Ending, Heard, Journal, LifeNotes, Taken};

/// The nodes. Each fault draws one of the four.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Time per step. Every 30 steps on average, the test draws a fault.
const STEP: Duration = millis(100);

/// Steps with faults.
const FAULT_STEPS: u64 = 900;

/// Longest time to recover from all faults: a peer that was cut off is found again, and stalled
/// streams are reset after 51 s.
const CALM: Duration = secs(120);

/// Time without publishing at the end, so that nothing is in flight.
const QUIET: Duration = secs(10);

/// Longest time for an answer. Lost pieces of a stream are sent again after up to 6 s.
const ANSWER_TIME_MAX: Duration = secs(10);

/// The kinds of events, in the order of printing.
const KINDS: &[&str] = &[
    "messages taken",
    "messages heard",
    "messages owed to subscribers",
    "crashes",
    "restarts",
    "leaves",
    "pauses",
    "cuts both ways",
    "cuts one way",
    "heals",
    "datagrams lost",
    "pieces of streams stalled by a cut",
    "streams failed",
    "gaps reported",
    "ends reported",
];

/// A world, and the events in it.
pub(crate) struct Scene {
    world: World,
    journal: Journal,
    random: Random,
    seen: Seen,
    /// When a node that is down restarts, or a paused node resumes.
    due: [Option<u64>; NAMES.len()],
    heal_at: Option<u64>,
}

impl Scene {
    /// Runs the scenario of a seed.
    pub(crate) fn run(seed: u64, flaw: Flaw) -> Self {
        let mut world = WorldOptions::new(seed).stream_buffer(16 << 10).build();
        let journal = Journal::default();
        // Keep few messages, so that gaps are not rare.
        let settings = Settings { ring_messages_max: 40, flaw, ..Settings::default() };
        for name in NAMES {
            let journal = journal.clone();
            world.start_application(
                name,
                |options| options.seeds = vec!["a:7946".into(), "b:7946".into()],
                move |cluster, _| node(cluster, name, settings, journal.clone()),
            );
        }
        let random = Random::new(seed);
        let mut scene = Scene {
            world,
            journal,
            random,
            seen: Seen::nothing_of(KINDS),
            due: [None; 4],
            heal_at: None,
        };
        for _ in 0..FAULT_STEPS {
            scene.step();
            scene.end_faults();
            if scene.random.below(30) == 0 {
                scene.begin_fault();
            }
        }
        scene.calm_down();
        scene
    }

    pub(crate) fn digest(&self) -> u64 {
        self.world.digest()
    }

    /// Returns the violations of guarantees, and the counts of events.
    pub(crate) fn result(mut self) -> (Vec<String>, Seen) {
        let traffic = self.world.traffic();
        self.seen.add("datagrams lost", traffic.packets_lost);
        self.seen.add("pieces of streams stalled by a cut", traffic.streams_stalled);
        self.seen.add("streams failed", traffic.streams_failed);
        let notes = self.journal.notes();
        for life in &notes.lives {
            self.seen.add("messages taken", life.taken.len() as u64);
            for heard in &life.heard {
                match heard {
                    Heard::Message { .. } => self.seen.add("messages heard", 1),
                    Heard::Gap { missing: 0, .. } => self.seen.add("ends reported", 1),
                    Heard::Gap { .. } => self.seen.add("gaps reported", 1),
                    Heard::End(_) => {}
                }
            }
        }
        let (violations, owed) = checker::check(&notes);
        self.seen.add("messages owed to subscribers", owed);
        (violations, self.seen)
    }

    /// Runs one step, and notes which nodes know each other.
    fn step(&mut self) {
        self.world.run(STEP);
        let mut notes = self.journal.notes();
        notes.step += 1;
        let step = notes.step;
        let current: Vec<usize> =
            (0..notes.lives.len()).filter(|number| notes.lives[*number].end.is_none()).collect();
        for number in &current {
            let cluster = self.world.cluster(&notes.lives[*number].name);
            notes.lives[*number].life = life_in(&cluster.local());
            for other in &current {
                let (name, life) = (&notes.lives[*other].name, &notes.lives[*other].life);
                let member = cluster.member(name).filter(|member| member.state.is_live());
                if life.is_some() && member.and_then(|member| life_in(&member)) == *life {
                    notes.lives[*number].knows.entry(*other).or_insert(step);
                }
            }
        }
    }

    fn begin_fault(&mut self) {
        let at = self.random.below(4) as usize;
        let (name, step) = (NAMES[at], self.journal.notes().step);
        let is_free = self.due[at].is_none();
        match self.random.below(8) {
            0 if is_free => {
                self.world.crash(name);
                self.journal.end(name, Ending::Crashed);
                self.seen.add("crashes", 1);
                self.due[at] = Some(step + self.random.between(10, 200));
            }
            1 if is_free => {
                self.world.pause(name);
                self.journal.paused(name);
                self.seen.add("pauses", 1);
                self.due[at] = Some(step + self.random.between(2, 120));
            }
            2 if is_free => self.leave(at),
            3 | 4 => {
                let others: Vec<&str> =
                    NAMES.into_iter().filter(|_| self.random.below(2) == 0).collect();
                let others: Vec<&str> = others.into_iter().filter(|it| *it != name).collect();
                self.world.cut(&[name], &others);
                self.seen.add("cuts both ways", u64::from(!others.is_empty()));
                self.heal_at = Some(step + self.random.between(5, 250));
            }
            5 => {
                let other = NAMES[(at + 1) % NAMES.len()];
                self.world.cut_one_way(name, other);
                self.seen.add("cuts one way", 1);
                self.heal_at = Some(step + self.random.between(5, 250));
            }
            6 => self.world.set_loss(f64::from(self.random.below(10)) / 100.0),
            _ => {
                let median = millis(1 + u64::from(self.random.below(20)));
                let p99 = median * (2 + self.random.below(10));
                self.world.set_latency(Latency::LogNormal { median, p99 });
            }
        }
    }

    /// Makes a node leave, also in the middle of faults.
    fn leave(&mut self, at: usize) {
        let name = NAMES[at];
        let Some(stop) = self.journal.end(name, Ending::Left) else { return };
        // A node that was already asked is leaving.
        let _ = stop.try_send(());
        self.seen.add("leaves", 1);
        let step = self.journal.notes().step;
        self.due[at] = Some(step + self.random.between(60, 100));
    }

    fn end_faults(&mut self) {
        let step = self.journal.notes().step;
        for (at, name) in NAMES.into_iter().enumerate() {
            if self.due[at].is_some_and(|due| due <= step) {
                self.due[at] = None;
                self.go_on(name);
            }
        }
        if self.heal_at.is_some_and(|at| at <= step) {
            self.heal_at = None;
            self.world.heal();
            self.seen.add("heals", 1);
            let at = self.random.below(8) as usize;
            if at < NAMES.len() && self.due[at].is_none() {
                // Leave while its peers do not have all of its messages yet.
                self.leave(at);
            }
        }
    }

    /// Restarts a node that is down, or resumes a paused one.
    fn go_on(&mut self, name: &str) {
        if self.journal.notes().lives.iter().any(|it| it.name == name && it.end.is_none()) {
            self.world.resume(name);
        } else {
            self.world.restart(name);
            self.seen.add("restarts", 1);
        }
    }

    /// Ends all faults, and lets the nodes find each other.
    fn calm_down(&mut self) {
        for (at, name) in NAMES.into_iter().enumerate() {
            if self.due[at].take().is_some() {
                // Give a leaving node the time to leave.
                self.world.run(secs(6));
                self.go_on(name);
            }
        }
        self.world.heal();
        self.world.set_loss(0.0);
        for calm in [CALM, QUIET] {
            let end = self.world.now() + calm;
            while self.world.now() < end {
                self.step();
            }
            self.journal.notes().is_quiet = true;
        }
    }
}

fn life_in(member: &swim_sim::Member) -> Option<String> {
    Some(Tags::of(member)?.get(LIFE)?.to_owned())
}

impl Journal {
    /// Begins a life of a node. Returns its number, and the signal to leave.
    fn begin(&self, name: &str) -> (usize, async_channel::Receiver<()>) {
        let (stop, stopped) = async_channel::bounded(1);
        let mut notes = self.notes();
        notes.lives.push(LifeNotes {
            name: name.to_owned(),
            life: None,
            end: None,
            taken: Vec::new(),
            subscribed: None,
            heard: Vec::new(),
            pauses: 0,
            slow: Vec::new(),
            knows: std::collections::BTreeMap::new(),
            stop,
        });
        (notes.lives.len() - 1, stopped)
    }

    fn end(&self, name: &str, ending: Ending) -> Option<async_channel::Sender<()>> {
        let mut notes = self.notes();
        let life = notes.lives.iter_mut().rfind(|it| it.name == name && it.end.is_none())?;
        life.end = Some(ending);
        Some(life.stop.clone())
    }

    fn paused(&self, name: &str) {
        if let Some(life) = self.notes().lives.iter_mut().rfind(|it| it.name == name) {
            life.pauses += 1;
        }
    }
}

/// Runs a node with a subscriber and a publisher until it leaves.
async fn node(cluster: Cluster, name: &'static str, settings: Settings, journal: Journal) {
    let (number, stopped) = journal.begin(name);
    let service = PubSub::start(cluster.clone(), &settings).expect("the ports are free");
    let clients = service.ports().clients;
    let stop = async {
        let _ = stopped.recv().await;
    };
    let serving = async {
        // If it is cut off, no peer hears of its leave.
        let left = service.run(stop).await;
        assert!(matches!(left, Ok(_) | Err(Error::Failure(Failure::NobodyHeard))), "{left:?}");
    };
    let client = Client { cluster: &cluster, journal: &journal, number };
    let talking = async {
        future::zip(client.subscribe(clients), client.publish(clients, name)).await;
        future::pending().await
    };
    future::or(serving, talking).await;
}

/// The clients of a node.
struct Client<'a> {
    cluster: &'a Cluster,
    journal: &'a Journal,
    number: usize,
}

impl Client<'_> {
    /// Subscribes to everything, and notes the lines that come.
    async fn subscribe(&self, address: std::net::SocketAddr) {
        let connection = self.cluster.runtime().connect(address).await.expect("it listens");
        let (reader, mut writer) = split::<Connection>(connection);
        let mut lines = Lines::new(reader, 2 * LINE_SIZE_MAX);
        writer.write_all(b"SUB even\nSUB odd\n").await.expect("it reads");
        let mut subscriptions = 0;
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                ended => {
                    let end = Heard::End(format!("{ended:?}"));
                    return self.journal.notes().lives[self.number].heard.push(end);
                }
            };
            let mut notes = self.journal.notes();
            let step = notes.step;
            let life = &mut notes.lives[self.number];
            if line == "OK" {
                subscriptions += 1;
                life.subscribed = (subscriptions == 2).then_some(step);
            } else {
                life.heard.push(Heard::parse(&line).unwrap_or(Heard::End(line)));
            }
        }
    }

    /// Publishes in a loop, and notes the messages that were taken.
    async fn publish(&self, address: std::net::SocketAddr, name: &str) {
        let runtime = self.cluster.runtime();
        let connection = runtime.connect(address).await.expect("it listens");
        let (reader, mut writer) = split::<Connection>(connection);
        let mut lines = Lines::new(reader, LINE_SIZE_MAX);
        for number in 0u64.. {
            runtime.sleep(millis(20 + runtime.random() % 300)).await;
            if self.journal.notes().is_quiet {
                return;
            }
            let text = format!("{name}.{}.{number}", self.number);
            let topic = if runtime.random().is_multiple_of(2) { "even" } else { "odd" };
            let (begin, (sent, pauses)) = (runtime.now(), self.now());
            if writer.write_all(format!("PUB {topic} {text}\n").as_bytes()).await.is_err() {
                return;
            }
            let Ok(Some(answer)) = lines.next().await else { return };
            let Some(seq) = answer.strip_prefix("OK ").and_then(|seq| seq.parse().ok()) else {
                return;
            };
            let (took, (_, pauses_since)) = (runtime.now() - begin, self.now());
            let life = &mut self.journal.notes().lives[self.number];
            life.taken.push(Taken { seq, text, sent });
            if took > ANSWER_TIME_MAX && pauses == pauses_since {
                life.slow.push(took);
            }
        }
    }

    /// Returns the step, and how often this node was paused.
    fn now(&self) -> (u64, u64) {
        let notes = self.journal.notes();
        (notes.step, notes.lives[self.number].pauses)
    }
}
