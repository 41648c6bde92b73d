//! A node in its own process.

use std::net::SocketAddr;
use std::process::Command;

use swim_interop::{Child, LIMIT};

/// A node, and its addresses.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) gossip: String,
    pub(crate) http: SocketAddr,
}

impl Process {
    /// Starts a node on loopback, on free ports.
    pub(crate) fn start(name: &str, seed: Option<&Process>) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sse-cluster"));
        command.args(["--name", name, "--bind", "127.0.0.1"]);
        command.args(["--gossip.port", "0", "--http.server.port", "0"]);
        command.args(seed.iter().flat_map(|seed| ["--gossip.hosts", &seed.gossip]));
        let child = Child::start(command);
        let gossip = address(&child, "gossips on");
        let http = address(&child, "HTTP on").parse().expect("an address");
        Process { child, gossip, http }
    }
}

/// Returns the address printed after these words.
fn address(child: &Child, words: &str) -> String {
    let found = child.lines.find(0, LIMIT, |line| line.text("text").contains(words));
    let line = found.unwrap_or_else(|| panic!("no '{words}':\n{}", child.lines.transcript()));
    line.text("text").rsplit(' ').next().expect("an address").to_owned()
}
