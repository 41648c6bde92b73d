//! The arguments of commands that ask an agent.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use swim_tokio::settings;

/// Exit codes, the same for each of them.
const EXIT_CODES: &str = "\
Exit codes: 0 if it was done; 1 if the agent or a peer refused or did not answer; 2 for wrong
arguments; 3 if there is no agent to ask, or more than one.";

/// A command that asks an agent.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// List the members that an agent knows
    ///
    /// Filters are regular expressions that have to match the whole text. A member has to fulfil
    /// all of them.
    #[command(after_help = MEMBERS_EXAMPLES)]
    Members(MembersArgs),
    /// Show an agent's own member, and how many it knows
    #[command(after_help = EXIT_CODES)]
    Info(InfoArgs),
    /// Make an agent join a cluster through any of these members
    ///
    /// The agent remembers each as a seed, and asks it again if it loses the cluster.
    #[command(after_help = EXIT_CODES)]
    Join(JoinArgs),
    /// Make an agent leave its cluster and end
    ///
    /// Peers see it as left, not as failed.
    #[command(after_help = EXIT_CODES)]
    Leave(LeaveArgs),
    /// Show or change the tags of an agent
    ///
    /// Ends once the change was gossiped. A restart or SIGHUP brings back those of the settings.
    #[command(after_help = EXIT_CODES)]
    Tags(TagsArgs),
    /// Let an agent ping a member once
    #[command(after_help = EXIT_CODES)]
    Ping(NameArgs),
    /// Measure the round trip from an agent to a member by some pings
    #[command(after_help = EXIT_CODES)]
    Rtt(RttArgs),
    /// Show what an agent counted
    #[command(after_help = EXIT_CODES)]
    Stats(StatsArgs),
    /// Follow the events of an agent as they happen
    ///
    /// Connects again when the agent was restarted. Events of the application (message, broadcast,
    /// user_state, ack_payload) come only where --kind names them.
    #[command(after_help = MONITOR_EXAMPLES)]
    Monitor(MonitorArgs),
    /// Make an agent stop looking for a member that failed or left
    ///
    /// On this agent alone: others still look for it.
    #[command(after_help = EXIT_CODES)]
    Forget(NameArgs),
}

const MEMBERS_EXAMPLES: &str = "\
Examples:
  swim members --state failed
  swim members --name 'cache-.*' --tag role='cache|db' --detailed
  swim members --format '{name} {host} {tag.role}'
  swim members --rpc /run/swim/a.sock --watch

Fields of --format: {name} {address} {host} {port} {state} {incarnation} {meta} {tags} {tag.KEY}.

Exit codes: 0 if it was done; 1 if the agent refused or did not answer; 2 for wrong arguments; 3 if
there is no agent to ask, or more than one.";

const MONITOR_EXAMPLES: &str = "\
Examples:
  swim monitor
  swim monitor --kind failed,left --name 'cache-.*' --json

Exit codes: 0 after --count events; 1 if the agent refused; 2 for wrong arguments; 3 if there is no
agent to ask at the start, or more than one; 130 after Ctrl-C.";

/// Which agent is asked, and how its answer is printed.
#[derive(Args, Debug)]
pub(crate) struct AgentArg {
    /// Socket of the agent, or its directory [env: SWIM_RPC; default: the only agent here]
    ///
    /// Agents serve NAME.sock in /run/swim for root, else in $XDG_RUNTIME_DIR/swim, else in
    /// swim-UID in the directory for temporary files.
    #[arg(long, value_name = "PATH")]
    pub(crate) rpc: Option<PathBuf>,

    /// Print JSON, one object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `swim members`.
#[derive(Args, Debug)]
pub(crate) struct MembersArgs {
    /// Whose members.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// Only members whose name matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) name: Option<String>,

    /// Only members in one of these states: alive, suspect, failed, left, or live
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub(crate) state: Vec<String>,

    /// Only members with a tag whose value matches; may be given several times
    #[arg(long, value_name = "KEY=REGEX")]
    pub(crate) tag: Vec<String>,

    /// Show incarnations and versions, too
    #[arg(long)]
    pub(crate) detailed: bool,

    /// Print a line of this form for each member
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["json", "detailed"])]
    pub(crate) format: Option<String>,

    /// Print the list again whenever it changes
    #[arg(long)]
    pub(crate) watch: bool,
}

/// Arguments of `swim info`.
#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,
}

/// Arguments of `swim join`.
#[derive(Args, Debug)]
pub(crate) struct JoinArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// Members of the cluster, by name or address; port 7946 if there is none
    #[arg(required = true, value_name = "HOST:PORT", value_parser = settings::seed)]
    pub(crate) seeds: Vec<String>,
}

/// Arguments of `swim leave`.
#[derive(Args, Debug)]
pub(crate) struct LeaveArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// How long the leave may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = settings::duration)]
    pub(crate) timeout: Duration,
}

/// Arguments of `swim tags`.
#[derive(Args, Debug)]
pub(crate) struct TagsArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// Set a tag; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Remove a tag; may be given several times
    #[arg(long, value_name = "KEY")]
    pub(crate) remove: Vec<String>,

    /// Remove all tags but those of --set
    #[arg(long, conflicts_with = "remove")]
    pub(crate) replace: bool,
}

/// Arguments of commands about one member.
#[derive(Args, Debug)]
pub(crate) struct NameArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// The member
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Arguments of `swim rtt`.
#[derive(Args, Debug)]
pub(crate) struct RttArgs {
    /// The member.
    #[command(flatten)]
    pub(crate) member: NameArgs,

    /// How many pings, 1 to 20
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) count: u8,
}

/// Arguments of `swim stats`.
#[derive(Args, Debug)]
pub(crate) struct StatsArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// Show kinds and reasons that never occurred, too
    #[arg(long)]
    pub(crate) all: bool,
}

/// Arguments of `swim monitor`.
#[derive(Args, Debug)]
pub(crate) struct MonitorArgs {
    /// Which agent.
    #[command(flatten)]
    pub(crate) agent: AgentArg,

    /// Only events of these kinds, such as failed; docs/reference/events.md lists them
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) kind: Vec<String>,

    /// Only events about members whose name matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) name: Option<String>,

    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}
