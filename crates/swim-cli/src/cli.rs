//! The arguments, parsed once into what cannot be wrong.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use swim_tokio::{Name, PORT_DEFAULT};

use crate::agent::access::AccessArgs;
use crate::keygen::KeygenArgs;
use crate::simulate::SimulateArgs;
use crate::text;

/// A cluster label travels with its length in one byte.
pub(crate) const LABEL_SIZE_MAX: usize = 255;

/// Cluster membership with SWIM and Lifeguard.
///
/// Members find each other through any one of them, notice when one fails, and agree about it,
/// without a server.
#[derive(Debug, Parser)]
#[command(name = "swim", version, about, long_about)]
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
    /// this one as left, not as failed. A second signal quits at once.
    #[command(after_help = AGENT_EXAMPLES)]
    Agent(AgentArgs),
    /// Try out a cluster of any size and settings on virtual time, and see what it would do
    ///
    /// Runs the real protocol over a modelled network, minutes in a second, as often as asked, and
    /// tells how fast crashes are found out, who is declared failed without reason, and what it
    /// costs; and warns of settings that cannot work together. The same seed prints the same
    /// report.
    #[command(after_help = crate::simulate::EXAMPLES)]
    Simulate(SimulateArgs),
    /// Print a new random key for a cluster
    ///
    /// In base64, from the operating system's random generator. Every member of a cluster needs the
    /// same: see --key-file of 'swim agent'. docs/security.md tells how long a key may be used.
    Keygen(KeygenArgs),
}

const AGENT_EXAMPLES: &str = "\
Examples:
  swim agent --name a --cluster test --bind 127.0.0.1:7001 --profile local
  swim agent --name b --cluster test --bind 127.0.0.1:7002 --profile local --join 127.0.0.1:7001
  (umask 077; swim keygen > swim.key)
  swim agent --name c --cluster prod --bind 10.0.0.3 --key-file swim.key --join 10.0.0.1
  swim agent --name d --wire memberlist --bind 10.0.0.4 --key-file serf.key --join 10.0.0.1

Exit codes: 0 after it left; 1 if the goodbye could not be spread in time; 2 for wrong arguments
and addresses that cannot be used.";

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
pub(crate) struct AgentArgs {
    /// This member's name, unique in the cluster
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(crate) name: Name,

    /// Address to listen on, UDP and TCP: IP:PORT, IP (port 7946) or :PORT (every interface);
    /// port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = parse_bind)]
    pub(crate) bind: SocketAddr,

    /// Address that the others shall use, if not the one to listen on (NAT, containers): IP:PORT,
    /// or IP with the same port
    #[arg(long, value_name = "ADDR", value_parser = parse_advertise)]
    pub(crate) advertise: Option<SocketAddr>,

    /// The cluster's label: members with another label are ignored. With --wire memberlist there
    /// need not be one
    #[arg(long, visible_alias = "label", value_name = "LABEL", value_parser = parse_label)]
    #[arg(required_unless_present = "wire")]
    pub(crate) cluster: Option<String>,

    /// A member to join through; may be given several times. Names are looked up again and again
    /// until one answers. The commands add-seed and remove-seed change the list while it runs
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_seed)]
    pub(crate) join: Vec<String>,

    /// Who is let in, and how it speaks.
    #[command(flatten)]
    pub(crate) access: AccessArgs,

    /// Metadata that every member shall see, up to 512 bytes
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) meta: String,

    /// Timing; the same for all members of a cluster
    #[arg(long, value_enum, default_value_t = Profile::Lan)]
    pub(crate) profile: Profile,

    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
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

fn parse_name(text: &str) -> Result<Name, String> {
    text.parse().map_err(|error: swim_tokio::NameError| error.to_string())
}

fn parse_label(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("the label must not be empty".into()),
        1..=LABEL_SIZE_MAX => Ok(text.into()),
        size => Err(format!("a label has at most {LABEL_SIZE_MAX} bytes, this one has {size}")),
    }
}

fn parse_bind(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':')
        && let Ok(port) = port.parse()
    {
        return Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    parse_address(text, PORT_DEFAULT).ok_or_else(|| "expected IP:PORT, IP or :PORT".to_string())
}

/// Port 0 stands for the port that the node listens on.
fn parse_advertise(text: &str) -> Result<SocketAddr, String> {
    let address = parse_address(text, 0).ok_or_else(|| "expected IP:PORT or IP".to_string())?;
    if address.ip().is_unspecified() {
        return Err("no peer can reach an unspecified address".into());
    }
    Ok(address)
}

/// `IP:PORT`, or `IP` with this port.
fn parse_address(text: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let ip = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port))
}

/// `HOST:PORT` or `HOST`, and gives it with its port.
pub(crate) fn parse_seed(text: &str) -> Result<String, String> {
    if let Some(address) = parse_address(text, PORT_DEFAULT) {
        return match (address.ip().is_unspecified(), address.port()) {
            (true, _) => Err("an unspecified address cannot be joined".into()),
            (_, 0) => Err("port 0 cannot be joined".into()),
            _ => Ok(address.to_string()),
        };
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "7946"));
    let port: u16 = port.parse().map_err(|_| format!("'{port}' is not a port"))?;
    if port == 0 {
        return Err("port 0 cannot be joined".into());
    }
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if host.is_empty() || host.len() > 253 || !host.chars().all(is_host) {
        return Err("expected HOST:PORT".into());
    }
    Ok(format!("{host}:{port}"))
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
    fn bind_takes_three_forms() {
        let parsed = |text| parse_bind(text).unwrap().to_string();
        assert_eq!(parsed("10.0.0.7:9000"), "10.0.0.7:9000");
        assert_eq!(parsed("10.0.0.7"), "10.0.0.7:7946");
        assert_eq!(parsed(":9000"), "0.0.0.0:9000");
        assert_eq!(parsed("[::1]:0"), "[::1]:0");
        assert_eq!(parsed("::1"), "[::1]:7946");
        assert_eq!(parsed("[::1]"), "[::1]:7946");
        for text in ["", ":", ":x", ":70000", "localhost:1", "1.2.3:4", "10.0.0.7:", "[::1"] {
            assert!(parse_bind(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_are_hosts_with_ports() {
        let parsed = |text| parse_seed(text).unwrap();
        assert_eq!(parsed("db-1.example.org:9000"), "db-1.example.org:9000");
        assert_eq!(parsed("db-1"), "db-1:7946");
        assert_eq!(parsed("10.0.0.7"), "10.0.0.7:7946");
        assert_eq!(parsed("::1"), "[::1]:7946");
        assert_eq!(parsed("[::1]:9000"), "[::1]:9000");
        for text in ["", ":9000", "db:", "db:x", "db:0", "db:70000", "a b:1", "0.0.0.0:1", "a:b:1"]
        {
            assert!(parse_seed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_advertised_address_can_be_reached() {
        assert_eq!(parse_advertise("10.0.0.7").unwrap().to_string(), "10.0.0.7:0");
        assert_eq!(parse_advertise("10.0.0.7:9").unwrap().to_string(), "10.0.0.7:9");
        for text in ["0.0.0.0:1", "[::]:1", "0.0.0.0", ":1", "x"] {
            assert!(parse_advertise(text).is_err(), "{text}");
        }
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
            (&["agent"], "--name <NAME> --bind <ADDR> --cluster <LABEL> (see 'swim agent --help')"),
            (&agent[..5], "--bind <ADDR>"),
            (&[&agent[..], &["--join", "x:y\nz"]].concat(), "is not a port"),
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
