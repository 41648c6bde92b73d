//! The arguments of `swim simulate`, and the resulting plan.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use swim_sim::NetworkOptions;
use swim_sim::simulation::{Fault, Plan, Start};
use swim_tokio::settings::{NodeSettings, Value};
use swim_tokio::{Keyring, PORT_DEFAULT};

use crate::Fatal;
use crate::agent::access::WireArg;
use crate::cli::Profile;
use crate::settings::{ConfigArg, layers, written};
use crate::simulate::memory;
use crate::simulate::settings::{SIMULATE, SimulateSettings};
use crate::simulate::spec::{self, CrashSpec, LossSpec};

pub(crate) const EXAMPLES: &str = "\
Examples:
  swim simulate --nodes 100
  swim simulate --nodes 30 --profile wan --latency median=40ms,p99=250ms --loss 2% --crash 2
  swim simulate --nodes 50 --crash 0 --partition 50%@30s+60s
  swim simulate --config swim.toml --crash 3@20s --runs 50 --plot detection.svg

'swim agent' and applications use the same settings file: the tables [node] and [protocol] set up
the nodes, [simulate] has the flags under their names. docs/swim.example.toml has all settings.

Exit codes: 0 after a simulation, with or without warnings; 1 if the plot cannot be written at the
end; 2 for invalid arguments; 128 plus the signal's number after a signal, such as 130 for SIGINT. A
first signal prints the report so far; a second one, at least 250 ms later, quits at once.";

/// Arguments of `swim simulate`.
#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    /// Number of nodes [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) nodes: Option<u32>,

    /// Preset of timing, which other settings override [default: lan]
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Profile>,

    /// Format of packets and streams, which affects the traffic [default: swim]
    #[arg(long, value_enum, value_name = "WIRE")]
    pub(crate) wire: Option<WireArg>,

    /// The settings file.
    #[command(flatten)]
    pub(crate) config: ConfigArg,

    /// One-way latency of packets, such as 2ms [default: 500us..2ms]
    ///
    /// Write a range as 1ms..5ms, and a long tail as median=20ms,p99=200ms.
    #[arg(long, value_name = "TIME", value_parser = written(spec::latency))]
    pub(crate) latency: Option<String>,

    /// Share of lost datagrams: 5%, 0.05, 5%,burst=800ms or 5%@60s+30s
    ///
    /// May be given several times, at most once without a time.
    #[arg(long, value_name = "SHARE", value_parser = written(spec::loss))]
    pub(crate) loss: Vec<String>,

    /// Nodes that crash together, such as 3 or 3@60s; may be given several times
    ///
    /// If no fault is given, one node crashes; 0 means no crash.
    #[arg(long, value_name = "N[@TIME]", value_parser = written(spec::crash))]
    pub(crate) crash: Vec<String>,

    /// Partition: 50%@60s+120s separates half of the nodes after 60 s, for 120 s
    #[arg(long, value_name = "SHARE@START+LENGTH", value_parser = written(spec::partition))]
    pub(crate) partition: Vec<String>,

    /// Nodes that neither send nor receive for a while, as if starved: 2@30s+20s
    #[arg(long, value_name = "N@START+LENGTH", value_parser = written(spec::stall))]
    pub(crate) stall: Vec<String>,

    /// Start with nodes that still have to join, instead of a formed cluster
    #[arg(long)]
    pub(crate) form: bool,

    /// Virtual time of each run [default: long enough for the faults and settings]
    #[arg(long, value_name = "TIME", value_parser = written(spec::positive_duration))]
    pub(crate) duration: Option<String>,

    /// Random seed of the first run; each further run uses the next one [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Number of runs [default: 20, fewer above 100 nodes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) runs: Option<u32>,

    /// Draw how fast crashes were detected, as an SVG file
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,

    /// Print the report as one JSON object, on one line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The settings of a simulation.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) settings: SimulateSettings,
    pub(crate) node: NodeSettings,
}

impl SimulateArgs {
    /// Merges these arguments, the environment and the settings file.
    pub(crate) fn asked(&self) -> Result<Asked, Fatal> {
        let wrong = |error: swim_tokio::SettingsError| Fatal::usage(error.to_string());
        let mut layers = layers(self.config.config.as_deref()).map_err(wrong)?;
        let mut add = |table, key, flag, value: Option<String>| {
            if let Some(value) = value {
                layers.add_flag(table, key, flag, Value::Bare(value));
            }
        };
        let word = |profile: Profile| profile.as_str().to_string();
        add("protocol", "profile", "--profile", self.profile.map(word));
        add("protocol", "wire", "--wire", self.wire.map(|wire| wire.as_str().into()));
        add("simulate", "nodes", "--nodes", self.nodes.map(|nodes| nodes.to_string()));
        add("simulate", "latency", "--latency", self.latency.clone());
        add("simulate", "duration", "--duration", self.duration.clone());
        add("simulate", "seed", "--seed", self.seed.map(|seed| seed.to_string()));
        add("simulate", "runs", "--runs", self.runs.map(|runs| runs.to_string()));
        let plot = self.plot.as_ref().map(|path| path.display().to_string());
        add("simulate", "plot", "--plot", plot);
        add("simulate", "form", "--form", self.form.then(|| "true".into()));
        add("simulate", "json", "--json", self.json.then(|| "true".into()));
        for (key, flag, list) in [
            ("loss", "--loss", &self.loss),
            ("crash", "--crash", &self.crash),
            ("partition", "--partition", &self.partition),
            ("stall", "--stall", &self.stall),
        ] {
            if !list.is_empty() {
                let list = list.iter().cloned().map(Value::Text).collect();
                layers.add_flag("simulate", key, flag, Value::List(list));
            }
        }
        let mut settings = SimulateSettings::default();
        layers.apply(&SIMULATE, &mut settings).map_err(wrong)?;
        let node = layers.node().map_err(wrong)?;
        layers.check(&node).map_err(wrong)?;
        Ok(Asked { settings, node })
    }
}

impl Asked {
    /// The valid plan of the runs.
    pub(crate) fn plan(&self) -> Result<Plan, Fatal> {
        let settings = &self.settings;
        let mut config = self.node.options.config.clone();
        // The simulation has its own addresses, and no strangers.
        config.address = SocketAddr::from(([10, 0, 0, 1], PORT_DEFAULT));
        config.keyring = Keyring::default();
        config.allowed_networks = Vec::new();
        let latency = spec::latency(&settings.latency).map_err(Fatal::usage)?;
        let mut network = NetworkOptions { latency, ..NetworkOptions::default() };
        let mut faults = Vec::new();
        for loss in parsed(&settings.loss, spec::loss)? {
            match loss {
                LossSpec::Always(loss) => network.loss = loss,
                LossSpec::During(fault) => faults.push(fault),
            }
        }
        faults.extend(parsed(&settings.partition, spec::partition)?);
        faults.extend(parsed(&settings.stall, spec::stall)?);
        faults.splice(0..0, self.crashes(faults.is_empty())?);
        let start = if settings.form { Start::Joining } else { Start::Formed };
        // Fewer runs of more nodes, so that the time stays the same.
        let runs = settings.runs.unwrap_or((2000 / settings.nodes).clamp(1, 20));
        let nodes = settings.nodes as usize;
        let seed = settings.seed;
        let mut plan = Plan { nodes, start, network, faults, seed, runs, ..Plan::new(config) };
        if let Some(duration) = settings.duration {
            plan.duration = duration;
        }
        let valid = |plan: &Plan| plan.validate().map_err(|error| Fatal::usage(error.to_string()));
        valid(&plan)?;
        memory::check(&plan).map_err(Fatal::usage)?;
        if settings.duration.is_none() {
            // Only a valid plan has an estimate.
            plan.duration = plan.duration_estimate();
            valid(&plan)?;
        }
        Ok(plan)
    }

    fn crashes(&self, no_other_fault: bool) -> Result<Vec<Fault>, Fatal> {
        let mut asked = parsed(&self.settings.crash, spec::crash)?;
        if asked.is_empty() && no_other_fault {
            asked.push(CrashSpec { nodes: 1, at: None });
        }
        let crashes = asked.iter().filter(|crash| crash.nodes > 0);
        let at = |crash: &CrashSpec| crash.at.unwrap_or(self.early());
        Ok(crashes.map(|it| Fault::Crash { nodes: it.nodes, at: at(it) }).collect())
    }

    /// The time of crashes that have none: once the cluster has settled.
    fn early(&self) -> Duration {
        let early = Duration::from_secs(if self.settings.form { 30 } else { 10 });
        self.settings.duration.map_or(early, |duration| early.min(duration / 4))
    }
}

/// Parses texts that were checked before.
fn parsed<T>(texts: &[String], parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, Fatal> {
    texts.iter().map(|text| parse(text)).collect::<Result<_, _>>().map_err(Fatal::usage)
}
