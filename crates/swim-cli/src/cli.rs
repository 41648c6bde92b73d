//! The arguments, parsed once into what cannot be wrong.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use swim_tokio::Tags;
use swim_tokio::settings::{self, Settings, Value};

use crate::agent::access::AccessArgs;
use crate::keygen::KeygenArgs;
use crate::settings::{ConfigArg, written};
use crate::simulate::SimulateArgs;
use crate::text;

/// Cluster membership with SWIM and Lifeguard.
///
/// Members find each other through any one of them, notice when one fails, and agree about it,
/// without a server.
#[derive(Debug, Parser)]
#[command(name = "swim", version, about, long_about)]
#[command(max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = false)]
#[command(after_help = "Start with 'swim demo': it shows a cluster at work in half a minute.")]
pub(crate) struct Cli {
    /// Log to standard error: -v what matters, -vv and -vvv more (RUST_LOG goes before)
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 100)]
    pub(crate) verbose: u8,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a cluster form, lose a member, and agree about it
    ///
    /// Starts real nodes on 127.0.0.1 in this process, on free ports. Then one crashes, one
    /// leaves, and the crashed one comes back, and every node is asked what it believes. Ends with
    /// exit code 0 only if every node was right at each stage.
    Demo(DemoArgs),
    /// Be a member of a cluster until told to stop
    ///
    /// Prints what happens in the cluster, one line per event, and takes commands on standard
    /// input (type 'help'). SIGINT, SIGTERM and SIGHUP leave gracefully: the other members see
    /// this one as left, not as failed. A second signal, 250 ms later or more, quits at once. With
    /// --config, SIGHUP reads the keys, the tags, the seeds and the log level again instead, and
    /// with --tls-certificate the certificates.
    #[command(after_help = AGENT_EXAMPLES)]
    Agent(Box<AgentArgs>),
    /// Try out a cluster of any size and settings on virtual time, and see what it would do
    ///
    /// Runs the real protocol over a modelled network, minutes in a second, as often as asked, and
    /// tells how fast crashes are found out, who is declared failed without reason, and what it
    /// costs; and warns of settings that cannot work together. The same seed prints the same
    /// report.
    #[command(after_help = crate::simulate::EXAMPLES)]
    Simulate(Box<SimulateArgs>),
    /// Print a new random key for a cluster
    ///
    /// In base64, from the operating system's random generator. Every member of a cluster needs the
    /// same: see --key-file of 'swim agent'. docs/how-to/rotate-keys.md tells how long a key may be
    /// used.
    Keygen(KeygenArgs),
}

const AGENT_EXAMPLES: &str = "\
Settings come from flags, the environment and --config FILE, the first of these that has one.
docs/swim.example.toml lists all with their variables: SWIM_BIND=10.0.0.1, SWIM_AGENT_JSON=true.
Lists and tables have commas between: SWIM_SEEDS=10.0.0.1,10.0.0.2, SWIM_TAGS=role=cache,zone=a.

Examples:
  swim agent --name a --cluster test --bind 127.0.0.1:7001 --profile local
  swim agent --name b --cluster test --bind 127.0.0.1:7002 --profile local --join 127.0.0.1:7001
  (umask 077; swim keygen > swim.key)
  swim agent --name c --cluster prod --bind 10.0.0.3 --key-file swim.key --join 10.0.0.1
  swim agent --name d --wire memberlist --bind 10.0.0.4 --key-file serf.key --join 10.0.0.1

Exit codes: 0 after it left; 1 if nobody heard the leave, if it could not be spread in time, or if
the reader of the output went away; 2 for wrong arguments and settings, and for addresses that
cannot be used.";

/// Arguments of `swim demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// How many nodes to start, 3 to 50
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u8).range(3..=50))]
    pub(crate) nodes: u8,

    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `swim agent`.
#[derive(Args, Debug)]
#[command(override_usage = "\
swim agent [OPTIONS] --bind <ADDR> --cluster <LABEL>
       swim agent [OPTIONS] --bind <ADDR> --wire memberlist
       swim agent [OPTIONS] --config <FILE>")]
pub(crate) struct AgentArgs {
    /// The settings file.
    #[command(flatten)]
    pub(crate) config: ConfigArg,

    /// This member's name, unique in the cluster [default: the host name]
    #[arg(long, value_name = "NAME", value_parser = written(settings::name))]
    pub(crate) name: Option<String>,

    /// Address to listen on, UDP and TCP: IP:PORT, IP (port 7946), or :PORT on every interface
    ///
    /// Port 0 takes a free one.
    #[arg(long, value_name = "ADDR", value_parser = written(settings::bind_address))]
    pub(crate) bind: Option<String>,

    /// Address announced to peers (NAT, containers): IP:PORT, or IP with the same port
    #[arg(long, value_name = "ADDR", value_parser = written(settings::advertised_address))]
    pub(crate) advertise: Option<String>,

    /// Announce an address of this network interface (eth0), with the port of --bind
    #[arg(long, value_name = "NAME", value_parser = written(settings::interface))]
    #[arg(conflicts_with = "advertise")]
    pub(crate) advertise_interface: Option<String>,

    /// Announce the address of this machine in this network (10.1.0.0/16), with the port of --bind
    #[arg(long, value_name = "CIDR", value_parser = written(settings::network))]
    #[arg(conflicts_with = "advertise")]
    pub(crate) advertise_network: Option<String>,

    /// The cluster's label: members with another label are ignored
    ///
    /// With --wire memberlist there need not be one.
    #[arg(long, visible_alias = "label", value_name = "LABEL", value_parser = parse_label)]
    pub(crate) cluster: Option<String>,

    /// A member to join through; may be given several times
    ///
    /// Names are looked up again and again until one answers. A link-local address has its
    /// interface with it, as in [fe80::1%eth0]:7946. The commands add-seed and remove-seed change
    /// the list while the agent runs.
    #[arg(long, value_name = "HOST:PORT", value_parser = settings::seed)]
    pub(crate) join: Vec<String>,

    /// Who is let in, and how it speaks.
    #[command(flatten)]
    pub(crate) access: AccessArgs,

    /// A tag that every member sees, such as role=db; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_tag, conflicts_with = "meta")]
    pub(crate) tag: Vec<String>,

    /// Metadata that every member sees, instead of tags; up to 512 bytes
    #[arg(long, value_name = "TEXT")]
    pub(crate) meta: Option<String>,

    /// Timing, the same for all members of a cluster [default: lan]
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Profile>,

    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

impl AgentArgs {
    /// Adds what is given to the layers.
    pub(crate) fn add_to(&self, settings: &mut Settings) {
        let mut add = |key, flag, value: &Option<String>| {
            if let Some(value) = value {
                settings.add_flag("node", key, flag, Value::Bare(value.clone()));
            }
        };
        add("name", "--name", &self.name);
        add("bind", "--bind", &self.bind);
        add("advertise", "--advertise", &self.advertise);
        add("advertise_interface", "--advertise-interface", &self.advertise_interface);
        add("advertise_network", "--advertise-network", &self.advertise_network);
        add("label", "--cluster", &self.cluster);
        add("meta", "--meta", &self.meta);
        let list = |list: &[String]| Value::List(list.iter().cloned().map(Value::Text).collect());
        if !self.join.is_empty() {
            settings.add_flag("node", "seeds", "--join", list(&self.join));
        }
        if !self.tag.is_empty() {
            settings.add_flag("node", "tags", "--tag", list(&self.tag));
        }
        if let Some(profile) = self.profile {
            let profile = Value::Bare(profile.as_str().into());
            settings.add_flag("protocol", "profile", "--profile", profile);
        }
        if self.json {
            settings.add_flag("agent", "json", "--json", Value::Flag(true));
        }
        self.access.add_to(settings);
    }
}

/// A preset of timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// One data centre: a failure is noticed within a few seconds
    Lan,
    /// Several places, with round trips of up to a second or two
    Wan,
    /// One machine: development and tests
    Local,
}

impl Profile {
    /// The word on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Profile::Lan => "lan",
            Profile::Wan => "wan",
            Profile::Local => "local",
        }
    }
}

/// Arguments that were understood, or what to print instead.
pub(crate) enum Parsed {
    /// Arguments to act on.
    Run(Box<Cli>),
    /// Help or the version, for standard output.
    Print(clap::Error),
    /// One line that says what is wrong.
    Wrong(String),
}

/// Parses the arguments of this process.
pub(crate) fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Parsed {
    let arguments: Vec<_> = arguments.into_iter().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => Parsed::Run(Box::new(cli)),
        Err(error) if !error.use_stderr() => Parsed::Print(error),
        Err(error) => {
            let command = ["agent", "demo", "simulate", "keygen"]
                .into_iter()
                .find(|word| arguments.iter().skip(1).any(|argument| argument == word));
            let help = match command {
                Some(command) => format!("swim {command} --help"),
                None => "swim --help".into(),
            };
            Parsed::Wrong(format!("{} (see '{help}')", one_line(&error)))
        }
    }
}

/// What clap says before its usage, on one line.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let told: Vec<String> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(|line| text::escape(line.trim()))
        .filter(|line| !line.is_empty())
        .collect();
    let told = told.join(" ").replace(" tip: ", "; tip: ");
    told.strip_prefix("error: ").unwrap_or(&told).to_string()
}

fn parse_label(text: &str) -> Result<String, String> {
    match text {
        "" => Err("the label must not be empty".into()),
        text => settings::label(text),
    }
}

fn parse_tag(text: &str) -> Result<String, String> {
    Tags::parse([text]).map(|_| text.to_string()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(arguments: &[&str]) -> String {
        let arguments = ["swim"].iter().chain(arguments).map(Into::into);
        match parse(arguments) {
            Parsed::Wrong(line) => line,
            Parsed::Run(cli) => panic!("accepted: {cli:?}"),
            Parsed::Print(error) => panic!("printed: {error}"),
        }
    }

    #[test]
    fn the_argument_definitions_are_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_told_in_one_line() {
        let agent = ["agent", "--name", "a", "--cluster", "c", "--bind", "127.0.0.1:0"];
        for (arguments, expected) in [
            (&["demo", "--nodes", "2"][..], "2 is not in 3..=50"),
            (&["demo", "--nodes", "51"], "51 is not in 3..=50"),
            (&["demo", "--node", "5"], "tip: a similar argument exists: '--nodes'"),
            (&[], "requires a subcommand"),
            (&["dmeo"], "unrecognized subcommand 'dmeo'"),
            (&[&agent[..], &["--join", "x:y\nz"]].concat(), "the port is not a number"),
            (&[&agent[..], &["--profile", "moon"]].concat(), "possible values: lan, wan, local"),
            (&[&agent[..], &["--name", "b"]].concat(), "cannot be used multiple times"),
            (&[&agent[..], &["extra"]].concat(), "unexpected argument 'extra'"),
            (&["agent", "--name", ""], "must not be empty"),
        ] {
            let line = wrong(arguments);
            assert!(line.contains(expected), "{arguments:?}: {line}");
            assert!(!line.contains('\n') && line.contains("--help')"), "{line}");
        }
    }
}
