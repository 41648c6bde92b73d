//! The arguments of `swim simulate`, and the plan that they make.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use swim_sim::simulation::{Fault, Plan, Start};
use swim_sim::{Latency, NetworkOptions};
use swim_tokio::Config;

use crate::Fatal;
use crate::agent::access::WireArg;
use crate::cli::Profile;
use crate::simulate::spec::{self, CrashSpec, LossSpec};
use crate::simulate::{memory, settings};

pub(crate) const EXAMPLES: &str = "\
Examples:
  swim simulate --nodes 100
  swim simulate --nodes 30 --profile wan --latency median=40ms,p99=250ms --loss 2% --crash 2
  swim simulate --nodes 50 --crash 0 --partition 50%@30s+60s
  swim simulate --config swim.toml --crash 3@20s --runs 50 --plot detection.svg

A file of settings has lines like these, by the names of the fields of swim_core::Config:
  probe_timeout = \"250ms\"
  suspicion_mult = 5

Exit codes: 0 when it was simulated, also with warnings; 1 if the plot could not be written at the
end; 2 for wrong arguments; 130 and the like when a signal broke it off (what was done until then is
reported; a second signal quits at once).";

/// Arguments of `swim simulate`.
#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) nodes: u32,

    /// Timing, to begin with
    #[arg(long, value_enum, default_value_t = Profile::Lan)]
    pub(crate) profile: Profile,

    /// The format of packets and streams, which says what they cost
    #[arg(long, value_enum, value_name = "WIRE", default_value_t = WireArg::Swim)]
    pub(crate) wire: WireArg,

    /// A TOML file with settings that differ from the profile's
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// How long a packet takes, one way: 2ms, a range 1ms..5ms, or with a long tail
    /// median=20ms,p99=200ms
    #[arg(long, value_name = "TIME", default_value = "500us..2ms", value_parser = spec::latency)]
    pub(crate) latency: Latency,

    /// Share of datagrams that is lost: 5% or 0.05, in bursts 5%,burst=800ms; for a while
    /// 5%@60s+30s (then also several times)
    #[arg(long, value_name = "SHARE", value_parser = spec::loss)]
    pub(crate) loss: Vec<LossSpec>,

    /// Nodes that crash at once: 3, or 3@60s; may be given several times. Without any fault, one
    /// crashes; 0 is none
    #[arg(long, value_name = "N[@TIME]", value_parser = spec::crash)]
    pub(crate) crash: Vec<CrashSpec>,

    /// A partition: 50%@60s+120s cuts half of the nodes off after 60 s, for 120 s
    #[arg(long, value_name = "SHARE@START+LENGTH", value_parser = spec::partition)]
    pub(crate) partition: Vec<Fault>,

    /// Nodes that neither send nor receive for a while, as starved ones do: 2@30s+20s
    #[arg(long, value_name = "N@START+LENGTH", value_parser = spec::stall)]
    pub(crate) stall: Vec<Fault>,

    /// Begin with nodes that know nobody and join, instead of a cluster that is there already
    #[arg(long)]
    pub(crate) form: bool,

    /// How long each run lasts, in virtual time [default: long enough for the faults and settings]
    #[arg(long, value_name = "TIME", value_parser = spec::positive_duration)]
    pub(crate) duration: Option<Duration>,

    /// The seed of the first run; each further run has the next one
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many runs [default: 20, fewer above 100 nodes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) runs: Option<u32>,

    /// Draw how fast crashes were found out, as an SVG file
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,

    /// Print the report as one JSON object, on one line
    #[arg(long)]
    pub(crate) json: bool,
}

impl SimulateArgs {
    /// What these arguments ask for; it can be carried out.
    pub(crate) fn plan(&self) -> Result<Plan, Fatal> {
        let mut config = self.profile.config();
        if self.wire == WireArg::Memberlist {
            config = config.memberlist();
        }
        if let Some(path) = &self.config {
            settings::read(path, &mut config).map_err(Fatal::usage)?;
        }
        let mut network = NetworkOptions { latency: self.latency, ..NetworkOptions::default() };
        let mut faults = Vec::new();
        for loss in &self.loss {
            match *loss {
                LossSpec::Always(loss) => network.loss = loss,
                LossSpec::During(fault) => faults.push(fault),
            }
        }
        let always = self.loss.iter().filter(|loss| matches!(loss, LossSpec::Always(_))).count();
        if always > 1 {
            return Err(Fatal::usage(
                "--loss is given twice for the whole time: give it once, or with a time, \
                 5%@60s+30s",
            ));
        }
        faults.extend(self.partition.iter().chain(&self.stall).copied());
        faults.splice(0..0, self.crashes(faults.is_empty()));
        let start = if self.form { Start::Joining } else { Start::Formed };
        // Few runs of many nodes take as long as many of few.
        let runs = self.runs.unwrap_or((2000 / self.nodes).clamp(1, 20));
        let nodes = self.nodes as usize;
        let seed = self.seed;
        let mut plan = Plan { nodes, start, network, faults, seed, runs, ..Plan::new(config) };
        if let Some(duration) = self.duration {
            plan.duration = duration;
        }
        let valid = |plan: &Plan| plan.validate().map_err(|error| Fatal::usage(error.to_string()));
        valid(&plan)?;
        memory::check(&plan).map_err(Fatal::usage)?;
        if self.duration.is_none() {
            // Only of a plan that is sound can it be told how long it should last.
            plan.duration = plan.duration_estimate();
            valid(&plan)?;
        }
        Ok(plan)
    }

    fn crashes(&self, no_other_fault: bool) -> Vec<Fault> {
        let one = CrashSpec { nodes: 1, at: None };
        let asked = match self.crash.as_slice() {
            [] if no_other_fault => &[one],
            asked => asked,
        };
        let crashes = asked.iter().filter(|crash| crash.nodes > 0);
        crashes
            .map(|it| Fault::Crash { nodes: it.nodes, at: it.at.unwrap_or(self.early()) })
            .collect()
    }

    /// When nodes crash of which nobody said when: once the cluster is at work.
    fn early(&self) -> Duration {
        let early = Duration::from_secs(if self.form { 30 } else { 10 });
        self.duration.map_or(early, |duration| early.min(duration / 4))
    }
}

impl Profile {
    /// The preset, for nodes whose names and addresses come later.
    fn config(self) -> Config {
        let name = swim_tokio::Name::new("any").expect("a name");
        let address = std::net::SocketAddr::from(([10, 0, 0, 1], swim_tokio::PORT_DEFAULT));
        match self {
            Profile::Lan => Config::lan(name, address),
            Profile::Wan => Config::wan(name, address),
            Profile::Local => Config::local(name, address),
        }
    }
}
