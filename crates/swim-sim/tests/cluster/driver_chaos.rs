//! Drivers under every kind of fault, seed by seed. After the faults they get no help: they find
//! each other by their seeds, and every caller has an answer.
//!
//! `SWIM_SIM_SEEDS` is the number of seeds to run (50 by default), or a range:
//! `SWIM_SIM_SEEDS=17..18`.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use swim_driver::Error;
use swim_sim::{Latency, Lookup, Pieces, Reply, World, WorldOptions, bounds, millis, secs};

use crate::common::seeds;

/// The longest wait between two attempts to reach a seed, alone or among peers.
const REFRESH: Duration = secs(60);

struct Chaos {
    world: World,
    rng: ChaCha8Rng,
    nodes: usize,
    replies: Vec<(&'static str, Reply<Result<(), Error>>)>,
    up: Vec<bool>,
    paused: Vec<bool>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let nodes = 3 + below(&mut rng, 5);
        let pieces = [Pieces::Whole, Pieces::Random(40), Pieces::Random(2000)][below(&mut rng, 3)];
        let latency_max = [1, 10, 40][below(&mut rng, 3)];
        let mut world = WorldOptions::new(seed)
            .latency(Latency::Uniform(Duration::from_micros(200), millis(latency_max)))
            .pieces(pieces)
            .socket_buffer([8, 64, 256][below(&mut rng, 3)])
            .stream_buffer([1000, 256 << 10][below(&mut rng, 2)])
            .replay(format!(
                "SWIM_SIM_SEEDS={seed}..{} \
                 cargo test --release -p swim-sim-tests --test cluster -- driver_chaos::",
                seed + 1
            ))
            .build();
        // The first is a bare node: drivers and bare nodes must understand each other.
        world.start("n0");
        for number in 1..nodes {
            world.start_driver(&format!("n{number}"), |options| {
                options.seeds = vec!["seed.example:7946".into(), "n1:7946".into()];
                options.seeds.push("10.0.0.1:7946".into());
                options.commands_max = 4;
                options.write_buffer_max = 1 << 20;
            });
        }
        world.set_name_to("seed.example", &["n1", "n2"]);
        Chaos {
            world,
            rng,
            nodes,
            replies: Vec::new(),
            up: vec![true; nodes],
            paused: vec![false; nodes],
        }
    }

    fn run(&mut self) {
        let steps = 20 + below(&mut self.rng, 30);
        for _ in 0..steps {
            let pause = [100, 1000, 5000, 20_000][below(&mut self.rng, 4)];
            let pause = 1 + below(&mut self.rng, pause);
            self.world.run(millis(pause as u64));
            let one = 1 + below(&mut self.rng, self.nodes - 1);
            let other = below(&mut self.rng, self.nodes);
            let amount = self.rng.next_u32();
            match below(&mut self.rng, 4) {
                0 => self.process(one, amount),
                1 => self.network(one, other, amount),
                2 => self.names(amount),
                _ => self.command(one, other, amount),
            }
        }
    }

    fn process(&mut self, number: usize, amount: u32) {
        let name = format!("n{number}");
        match amount % 8 {
            0 if self.up[number] => self.down(number, true),
            1 if self.up[number] => self.down(number, false),
            2 | 3 => {
                self.world.restart(&name);
                self.up[number] = true;
                self.paused[number] = false;
            }
            4 if self.up[number] && !self.paused[number] => {
                self.world.pause(&name);
                self.paused[number] = true;
            }
            5 if self.paused[number] => {
                self.world.resume(&name);
                self.paused[number] = false;
            }
            6 => {
                let (every, part) = (1 + u64::from(amount) % 300, u64::from(amount) % 7);
                self.world.poll_driver_every(&name, millis(every), millis(every * part / 10));
            }
            7 if amount % 16 == 7 => self.world.clock_back(&name, secs(u64::from(amount) % 4000)),
            7 => self.world.clock_forward(&name, millis(u64::from(amount) % 100_000)),
            _ => {}
        }
    }

    fn down(&mut self, number: usize, off: bool) {
        let name = format!("n{number}");
        if off {
            self.world.power_off(&name)
        } else {
            self.world.crash(&name)
        }
        self.up[number] = false;
        self.paused[number] = false;
    }

    fn network(&mut self, one: usize, other: usize, amount: u32) {
        let (one_name, other_name) = (format!("n{one}"), format!("n{other}"));
        match amount % 6 {
            0 if one != other => self.world.cut(&[&one_name], &[&other_name]),
            1 if one != other => self.world.cut_one_way(&one_name, &other_name),
            2 => self.world.block_datagrams_to(&one_name),
            3 => self.world.set_loss(f64::from(amount % 30) / 100.0),
            4 if one != other => self.world.clog(&one_name, &other_name),
            _ => self.world.heal(),
        }
    }

    fn names(&mut self, amount: u32) {
        let lookup = match amount % 6 {
            0 => Lookup::Fails,
            1 => Lookup::Nothing,
            2 => Lookup::Never,
            3 => Lookup::Addresses(vec![[192, 0, 2, 1].into()]),
            _ => return self.world.set_name_to("seed.example", &["n1", "n2"]),
        };
        let lookup = lookup.after(millis(u64::from(amount / 6) % 12_000));
        self.world.set_name("seed.example", lookup);
    }

    fn command(&mut self, one: usize, other: usize, amount: u32) {
        if !self.up[one] {
            return;
        }
        let (name, to) = (format!("n{one}"), format!("n{other}"));
        let size = amount as usize % 400_000;
        let world = &mut self.world;
        world.note(format_args!("command {} of {name} to {to}", amount % 8));
        let reply = match amount % 8 {
            // A node that has left asks no seeds until it joins.
            0 => world.ask(&name, async |cluster| cluster.leave(secs(5)).await.map(drop)),
            1 | 2 => world.ask(&name, async move |cluster| {
                cluster.join([format!("{to}:7946")]).await.map(drop)
            }),
            3 => world
                .ask(&name, async move |cluster| cluster.send_reliable(&to, vec![7; size]).await),
            4 => world.ask(&name, async move |cluster| cluster.ping(&to).await.map(drop)),
            5 => world.ask(&name, async move |cluster| {
                let seed = format!("192.0.2.{}:7946", 1 + size % 5);
                cluster.add_seed(&seed).await?;
                cluster.remove_seed(format!("192.0.2.{}:7946", 1 + size % 3)).await.map(drop)
            }),
            6 => world.ask(&name, async |cluster| cluster.broadcast("hello").await),
            _ => world.ask(&name, async move |cluster| {
                cluster.set_user_state(vec![7; size]).await?;
                cluster.set_meta(size.to_string()).await
            }),
        };
        let what = ["leave", "join", "join", "reliable", "ping", "seed", "broadcast", "meta"];
        self.replies.push((what[(amount % 8) as usize], reply));
    }

    /// Ends all faults, and checks the expectations after them.
    fn calm(&mut self) {
        self.world.note("calm");
        self.world.heal();
        self.world.set_loss(0.0);
        self.world.set_name_to("seed.example", &["n1", "n2"]);
        for number in 1..self.nodes {
            let name = format!("n{number}");
            if core::mem::take(&mut self.paused[number]) {
                self.world.resume(&name);
            }
            self.world.poll_driver_always(&name);
        }
        let config = self.world.node("n0").config().clone();
        self.world.run(config.probe_interval * (u32::from(config.awareness_max) + 1));
        let bound = REFRESH + config.stream_timeout + bounds::settling(&config, self.nodes);
        self.world.settle(bound);
        // A departed seed still answers with its view from before it left: a node that asks it may
        // have to find out again that a member is gone.
        self.world.run(REFRESH + config.stream_timeout * 3);
        self.world.settle(bound);
        if !self.world.run_until(secs(90), |world| world.streams_open() == 0) {
            self.world.fail(&format!("{} streams stay open", self.world.streams_open()), None);
        }
        let open = |(_, reply): &&(&str, Reply<Result<(), Error>>)| !reply.is_ready();
        if let Some(open) = self.replies.iter().find(open) {
            self.world.fail(&format!("without an answer: {open:?}"), None);
        }
    }
}

fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    usize::try_from(rng.next_u64() % end as u64).unwrap()
}

#[test]
fn whatever_happened_drivers_find_each_other_again_and_answer_everybody() {
    for seed in seeds() {
        let mut chaos = Chaos::new(seed);
        chaos.run();
        chaos.calm();
    }
}
