//! Commands that ask a running agent: `swim members`, `swim monitor` and so on.

mod arguments;
#[cfg(unix)]
mod ask;
#[cfg(unix)]
mod fit;
#[cfg(unix)]
mod members;
#[cfg(unix)]
mod monitor;
#[cfg(unix)]
mod node;
#[cfg(unix)]
mod template;

pub(crate) use self::arguments::ClientCommand;
use crate::Fatal;
use crate::signal::Signals;

/// The commands, as they are typed.
pub(crate) const WORDS: [&str; 10] =
    ["members", "info", "join", "leave", "tags", "ping", "rtt", "stats", "monitor", "forget"];

/// Runs a command to its end, and gives the exit code.
#[cfg(unix)]
pub(crate) async fn run(command: ClientCommand, mut signals: Signals) -> Result<u8, Fatal> {
    let running = async {
        match command {
            ClientCommand::Members(arguments) => members::run(&arguments).await,
            ClientCommand::Info(arguments) => node::info(&arguments).await,
            ClientCommand::Join(arguments) => node::join(&arguments).await,
            ClientCommand::Leave(arguments) => node::leave(&arguments).await,
            ClientCommand::Tags(arguments) => node::tags(&arguments).await,
            ClientCommand::Ping(arguments) => node::ping(&arguments).await,
            ClientCommand::Rtt(arguments) => node::rtt(&arguments).await,
            ClientCommand::Stats(arguments) => node::stats(&arguments).await,
            ClientCommand::Monitor(arguments) => monitor::run(&arguments).await,
            ClientCommand::Forget(arguments) => node::forget(&arguments).await,
        }
    };
    tokio::select! {
        result = running => result.map(|()| 0),
        signal = signals.next() => Ok(signal.exit_code),
    }
}

/// There is nothing to ask.
#[cfg(not(unix))]
#[allow(clippy::unused_async, reason = "where there are Unix sockets it waits for the agent")]
pub(crate) async fn run(_command: ClientCommand, _signals: Signals) -> Result<u8, Fatal> {
    Err(Fatal::usage("agents are asked over Unix sockets, which this system does not have"))
}
