//! The command line, parsed into valid values.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use swim_tokio::Tags;
use swim_tokio::settings::{self, Settings, Value};

use crate::agent::access::AccessArgs;
use crate::agent::control::ControlArgs;
use crate::client::{self, ClientCommand};
use crate::keygen::KeygenArgs;
use crate::settings::{ConfigArg, written};
use crate::simulate::SimulateArgs;
use crate::text;

/// Cluster membership with SWIM and Lifeguard.
///
/// Members find each other through any seed, detect failed members, and agree on the result. There
/// is no central server.
#[derive(Debug, Parser)]
#[command(name = "swim", version, about, long_about)]
#[command(max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = false)]
#[command(after_help = "Start with 'swim demo': it shows a running cluster in half a minute.")]
pub(crate) struct Cli {
    /// Log to standard error; -vv and -vvv log more (RUST_LOG overrides it)
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 100)]
    pub(crate) verbose: u8,

    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a cluster form, lose a member, and agree on it
    ///
    /// Starts real nodes in this process, on free ports of 127.0.0.1. Then one node crashes,
    /// another leaves, and the crashed one comes back. After each stage, every node's member list
    /// is checked. The exit code is 0 only if all lists were right.
    Demo(DemoArgs),
    /// Run a member of a cluster
    ///
    /// Prints one line per event in the cluster, and takes commands on standard input (type
    /// 'help'). SIGINT, SIGTERM and SIGHUP leave gracefully: peers see this member as left, not as
    /// failed. A second signal, at least 250 ms later, quits at once. With --config, SIGHUP instead
    /// reloads the keys, tags, seeds and log level; with --tls-certificate, it reloads the
    /// certificates.
    #[command(after_help = AGENT_EXAMPLES)]
    Agent(Box<AgentArgs>),
    /// Simulate a cluster of any size and settings, in virtual time
    ///
    /// Runs the real protocol over a modelled network, minutes in a second. Reports how fast
    /// crashes are detected, the number of false positives, and the network traffic. Warns about
    /// settings that do not fit together. The same seed prints the same report.
    #[command(after_help = crate::simulate::EXAMPLES)]
    Simulate(Box<SimulateArgs>),
    /// Print a new random key for a cluster
    ///
    /// The key is in base64, from the operating system's random generator. All members of a cluster
    /// need the same key: see --key-file of 'swim agent'. For a key's lifetime, see
    /// docs/how-to/rotate-keys.md.
    Keygen(KeygenArgs),
    /// Ask a running agent.
    #[command(flatten)]
    Client(ClientCommand),
}

const AGENT_EXAMPLES: &str = "\
Flags override environment variables, and those override --config FILE.
docs/swim.example.toml lists all settings and variables: SWIM_BIND=10.0.0.1, SWIM_AGENT_JSON=true.
In variables, commas separate items: SWIM_SEEDS=10.0.0.1,10.0.0.2, SWIM_TAGS=role=cache,zone=a.

Examples:
  swim agent --name a --cluster test --bind 127.0.0.1:7001 --profile local
  swim agent --name b --cluster test --bind 127.0.0.1:7002 --profile local --join 127.0.0.1:7001
  (umask 077; swim keygen > swim.key)
  swim agent --name c --cluster prod --bind 10.0.0.3 --key-file swim.key --join 10.0.0.1
  swim agent --name d --wire memberlist --bind 10.0.0.4 --key-file serf.key --join 10.0.0.1

Exit codes: 0 after a graceful leave; 1 if no peer acknowledged the leave, if the leave did not
spread in time, or if the reader of the output is gone; 2 for invalid arguments, settings or
addresses.";

/// Arguments of `swim demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Number of nodes, 3 to 50
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
    /// Port 0 chooses a free port.
    #[arg(long, value_name = "ADDR", value_parser = written(settings::bind_address))]
    pub(crate) bind: Option<String>,

    /// Address announced to peers (NAT, containers): IP:PORT, or IP with the same port
    #[arg(long, value_name = "ADDR", value_parser = written(settings::advertised_address))]
    pub(crate) advertise: Option<String>,

    /// Announce an address of this network interface (eth0), with the port of --bind
    #[arg(long, value_name = "NAME", value_parser = written(settings::interface))]
    #[arg(conflicts_with = "advertise")]
    pub(crate) advertise_interface: Option<String>,

    /// Announce this machine's address in this network (10.1.0.0/16), with the port of --bind
    #[arg(long, value_name = "CIDR", value_parser = written(settings::network))]
    #[arg(conflicts_with = "advertise")]
    pub(crate) advertise_network: Option<String>,

    /// Label of the cluster; members with another label are ignored
    ///
    /// Optional with --wire memberlist.
    #[arg(long, visible_alias = "label", value_name = "LABEL", value_parser = parse_label)]
    pub(crate) cluster: Option<String>,

    /// Seed: a member to join through; may be given several times
    ///
    /// Host names are resolved again until a seed answers. A link-local address needs its
    /// interface: [fe80::1%eth0]:7946. The commands add-seed and remove-seed change the seeds while
    /// the agent runs.
    #[arg(long, value_name = "HOST:PORT", value_parser = settings::seed)]
    pub(crate) join: Vec<String>,

    /// Access and wire.
    #[command(flatten)]
    pub(crate) access: AccessArgs,

    /// Tag announced to all members, such as role=db; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_tag, conflicts_with = "meta")]
    pub(crate) tag: Vec<String>,

    /// Metadata announced to all members, instead of tags; at most 512 bytes
    #[arg(long, value_name = "TEXT")]
    pub(crate) meta: Option<String>,

    /// Preset of timing, the same for all members of a cluster [default: lan]
    #[arg(long, value_enum)]
    pub(crate) profile: Option<Profile>,

    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,

    /// The control API.
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

impl AgentArgs {
    /// Adds the given flags to the layers of settings.
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
        self.control.add_to(settings);
        self.access.add_to(settings);
    }
}

/// A preset of timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// One data centre: failures are detected within seconds
    Lan,
    /// Several sites, with round trips of up to 2 s
    Wan,
    /// One machine: development and tests
    Local,
}

impl Profile {
    /// The value on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Profile::Lan => "lan",
            Profile::Wan => "wan",
            Profile::Local => "local",
        }
    }
}

/// Valid arguments, or the text to print instead.
pub(crate) enum Parsed {
    /// Arguments to act on.
    Run(Box<Cli>),
    /// Help or the version, for standard output.
    Print(clap::Error),
    /// An error of one line.
    Wrong(String),
}

/// Parses the arguments of this process.
pub(crate) fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Parsed {
    let arguments: Vec<_> = arguments.into_iter().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => Parsed::Run(Box::new(cli)),
        Err(error) if !error.use_stderr() => Parsed::Print(error),
        Err(error) => {
            let words = ["agent", "demo", "simulate", "keygen"].into_iter().chain(client::WORDS);
            let words: Vec<&str> = words.collect();
            let command = arguments
                .iter()
                .skip(1)
                .find_map(|argument| words.iter().find(|word| argument == *word));
            let help = match command {
                Some(command) => format!("swim {command} --help"),
                None => "swim --help".into(),
            };
            Parsed::Wrong(format!("{} (see '{help}')", one_line(&error)))
        }
    }
}

/// Clap's message without the usage, on one line.
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
