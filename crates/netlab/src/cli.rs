//! The arguments of the program.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::cases::{CASES, Case};
use crate::lab::Lab;
use crate::link::{Link, Mtu};

/// Run real processes on a modelled network.
///
/// Each host is a network namespace with a TUN device. One switch carries the packets between
/// hosts, and loses, delays, cuts or drops them. Needs Linux, root (CAP_SYS_ADMIN and
/// CAP_NET_ADMIN), and the programs ip and nft (apt-get install iproute2 nftables). This machine's
/// network stays as it is. Labs are removed at the end, and on Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "netlab", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) task: Task,
}

const EXAMPLES: &str = "\
Examples:
  netlab run --all
  netlab run loss-30 partition --seed 7 --logs target/netlab
  netlab lab --nodes 3 --loss 10% --delay 20ms --jitter 50ms -- \\
      swim agent --name n{index} --cluster lab --bind {address} --join {first}

Exit codes: 0 if all oracles hold; 1 if one does not; 2 for wrong arguments, or if no lab is
possible; 130 after Ctrl-C.";

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// List the cases and their oracles
    List,
    /// Run cases with real 'swim agent' processes, each in its own lab
    Run(Run),
    /// Start a lab with a program on each host, until Ctrl-C
    ///
    /// Commands on standard input change the network while it runs, such as cut, mend, loss, delay
    /// and udp; 'help' lists them.
    Lab(UserLab),
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Names of cases, from 'list'
    #[arg(value_name = "CASE", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// Run all cases
    #[arg(long)]
    all: bool,
    /// Seed of the network's random numbers
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) seed: u64,
    /// Number of cases that run side by side
    #[arg(long, default_value = "16", value_name = "N")]
    pub(crate) jobs: NonZeroUsize,
    /// Print one JSON object per case, on one line
    #[arg(long)]
    pub(crate) json: bool,
    /// The swim program [default: the one that Cargo builds]
    #[arg(long, value_name = "FILE")]
    pub(crate) swim: Option<PathBuf>,
    /// Additional argument of each agent, such as --agent-argument=--wire; repeatable
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) agent_argument: Vec<String>,
    /// Folder for the output of all agents
    #[arg(long, value_name = "FOLDER")]
    pub(crate) logs: Option<PathBuf>,
}

impl Run {
    /// Returns the chosen cases.
    pub(crate) fn chosen(&self) -> Result<Vec<&'static Case>, String> {
        if self.all {
            return Ok(CASES.iter().collect());
        }
        let find = |name: &String| {
            let case = CASES.iter().find(|case| case.name == name);
            case.ok_or_else(|| format!("no case is named {name}: see 'netlab list'"))
        };
        self.names.iter().map(find).collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct UserLab {
    /// Number of hosts
    #[arg(long, default_value = "3", value_name = "N", value_parser = hosts)]
    pub(crate) nodes: usize,
    /// Share of packets to lose: 10% or 0.1
    #[arg(long, default_value = "0", value_name = "SHARE", value_parser = share)]
    loss: f64,
    /// Minimum delay of each packet, such as 20ms
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = time)]
    delay: Duration,
    /// Maximum additional delay, drawn for each packet, such as 50ms
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = time)]
    jitter: Duration,
    /// Bytes per second from each host to each other host [default: no limit]
    #[arg(long, value_name = "BYTES")]
    rate: Option<NonZeroU64>,
    /// Largest packet, in bytes; routers report larger ones by ICMP [default: 1500]
    #[arg(long, value_name = "BYTES")]
    mtu: Option<NonZeroU16>,
    /// Send no ICMP for packets that are too large
    #[arg(long, requires = "mtu")]
    no_icmp: bool,
    /// Drop all UDP
    #[arg(long)]
    drop_udp: bool,
    /// Seed of the network's random numbers
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub(crate) seed: u64,
    /// Program and arguments; replaces {index}, {address}, {address6} and {first}
    ///
    /// {index} is the host's number from 0, {address} and {address6} are its addresses, {first} is
    /// the IPv4 address of host 0.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

impl UserLab {
    /// Returns the settings of the links between all hosts.
    pub(crate) fn link(&self) -> Link {
        let mtu = if self.no_icmp { Mtu::silent } else { Mtu::told };
        Link {
            loss: self.loss,
            delay: self.delay,
            jitter: self.jitter,
            rate: self.rate,
            mtu: self.mtu.map(mtu),
            cut: false,
            udp_dropped: self.drop_udp,
        }
    }
}

fn hosts(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=Lab::HOSTS_MAX).contains(count));
    count.ok_or_else(|| format!("a whole number from 1 to {}", Lab::HOSTS_MAX))
}

/// Parses a share, as a percentage or from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let share = share.ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share from 0% to 100%, such as 10% or 0.1".into())
}

/// Parses a time with its unit.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 3] = [("ms", 1e-3), ("us", 1e-6), ("s", 1.0)];
    const TIME_MAX: f64 = 60.0;
    let time = UNITS.iter().find_map(|(unit, seconds)| {
        let count: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        let time = count * seconds;
        (0.0..=TIME_MAX).contains(&time).then(|| Duration::from_secs_f64(time))
    });
    time.ok_or_else(|| "a time with its unit, such as 20ms, of at most 60s".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_times_have_units() {
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("0.3"), Ok(0.3));
        for wrong in ["110%", "-1%", "ten", "", "NaN", "%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
        assert_eq!(time("20ms"), Ok(Duration::from_millis(20)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(time("500us"), Ok(Duration::from_micros(500)));
        for wrong in ["20", "-1ms", "61s", "ms", "20 minutes", "infs"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cases_are_found_by_their_names_alone() {
        let run = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["netlab", "run"], arguments].concat());
            match cli.map(|cli| cli.task) {
                Ok(Task::Run(run)) => run.chosen().map(|chosen| chosen.len()),
                other => Err(format!("{other:?}")),
            }
        };
        assert_eq!(run(&["--all"]), Ok(CASES.len()));
        assert_eq!(run(&["nat", "loss-10"]), Ok(2));
        assert!(run(&["nat", "--all"]).is_err());
        assert!(run(&[]).is_err());
        let why = run(&["gnat"]).unwrap_err();
        assert!(why.contains("netlab list"), "{why}");
    }

    #[test]
    fn a_lab_has_the_links_that_were_asked_for() {
        let line = "netlab lab --nodes 16 --loss 10% --delay 20ms --mtu 1280 -- ping {first}";
        let cli = Cli::try_parse_from(line.split(' ')).expect("it is right");
        let Task::Lab(lab) = cli.task else { panic!("it is a lab: {cli:?}") };
        let link = lab.link();
        assert_eq!((link.loss, link.delay), (0.1, Duration::from_millis(20)));
        assert_eq!(link.mtu, NonZeroU16::new(1280).map(Mtu::told));
        assert_eq!(lab.command, ["ping", "{first}"]);
    }
}
