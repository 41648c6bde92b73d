//! A running member of a cluster.

use std::net::SocketAddr;
use std::time::Duration;

use base16ct::lower::encode_string as hex;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::child::Child;
use crate::lines::{Line, Lines};
use crate::namespace::Namespace;
use crate::program::Kind;
use crate::seen::View;
use crate::settings::Settings;
use crate::wait::LIMIT;

/// A payload's size and checksum, which identify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// In bytes.
    pub size: u64,
    /// CRC-32.
    pub checksum: u64,
}

impl Payload {
    /// Returns the payload that a line reports, if any.
    #[must_use]
    pub fn of(json: &Value) -> Option<Self> {
        Some(Payload { size: json["size"].as_u64()?, checksum: json["crc32"].as_u64()? })
    }
}

/// A running member, `go-peer` or `rust-peer`. Killed when dropped.
#[derive(Debug)]
pub struct Peer {
    /// The settings it was started with.
    pub settings: Settings,
    /// Its output.
    pub lines: Lines,
    address: SocketAddr,
    child: Child,
    asked: u64,
}

impl Peer {
    /// Starts a member, and waits until it listens.
    ///
    /// # Panics
    ///
    /// If it does not listen in time.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        Peer::start_in(None, settings)
    }

    /// Starts a member in a network namespace.
    ///
    /// # Panics
    ///
    /// If it does not listen in time.
    #[must_use]
    pub fn start_in(namespace: Option<&Namespace>, settings: Settings) -> Self {
        let mut command = settings.program.command(namespace);
        command.args(settings.arguments()).env("SWIM_PEER_KEYS", settings.keys.join(","));
        let child = Child::start(command);
        let (lines, address) = (child.lines.clone(), settings.bind);
        let mut peer = Peer { settings, lines, address, child, asked: 0 };
        let ready = peer.wait(0, "it is ready", |line| line.is("ready"));
        peer.address = ready.text("address").parse().expect("an address");
        peer
    }

    /// Returns its implementation.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.settings.program.kind
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Returns the address that it announces.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a command, and waits for the answer.
    ///
    /// # Errors
    ///
    /// The error of the answer, if the command failed.
    ///
    /// # Panics
    ///
    /// If no answer arrives in time.
    pub fn ask(&mut self, mut command: Value) -> Result<Value, String> {
        self.asked += 1;
        command["id"] = json!(self.asked);
        let mark = self.lines.mark();
        self.child.write_line(&command.to_string());
        let id = self.asked;
        let answer = self.wait(mark, &format!("{command} is answered"), |line| {
            line.is("answer") && line.json["id"] == id
        });
        match answer.json["ok"] {
            Value::Bool(true) => Ok(answer.json),
            _ => Err(answer.text("error").to_string()),
        }
    }

    /// Sends a command that must not fail.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn order(&mut self, command: Value) -> Value {
        let text = command.to_string();
        self.ask(command).unwrap_or_else(|error| panic!("{}: {text}: {error}", self.name()))
    }

    /// Makes it join a cluster.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn join(&mut self, contact: SocketAddr) {
        self.order(json!({"do": "join", "addresses": [contact.to_string()]}));
    }

    /// Makes it announce new metadata.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn set_meta(&mut self, meta: &[u8]) {
        self.order(json!({"do": "meta", "hex": hex(meta)}));
    }

    /// Makes it leave the cluster.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn leave(&mut self) {
        self.order(json!({"do": "leave"}));
    }

    /// Makes it send `size` bytes: `how` is `send`, `send_reliable` or `broadcast`.
    ///
    /// # Errors
    ///
    /// The error of the answer, if the command failed.
    pub fn send(&mut self, how: &str, to: &str, size: usize) -> Result<Payload, String> {
        let answer = self.ask(json!({"do": how, "to": to, "size": size}))?;
        Ok(Payload::of(&answer).expect("the answer tells what was sent"))
    }

    /// Returns its view of the cluster.
    ///
    /// # Panics
    ///
    /// If no answer arrives in time.
    pub fn view(&mut self) -> View {
        View::parse(&self.order(json!({"do": "members"})))
    }

    /// Waits for a line from `mark` on.
    ///
    /// # Panics
    ///
    /// If it does not arrive in time.
    pub fn wait(&self, mark: usize, what: &str, wanted: impl Fn(&Line) -> bool) -> Line {
        self.lines.find(mark, LIMIT, wanted).unwrap_or_else(|| {
            panic!("{}: it never came that {what}:\n{}", self.name(), self.lines.transcript())
        })
    }

    /// Waits until it received this payload.
    ///
    /// # Panics
    ///
    /// If it does not arrive in time.
    pub fn wait_for_payload(&self, mark: usize, event: &str, wanted: Payload) {
        self.wait(mark, &format!("{event} of {wanted:?}"), |line| {
            line.is(event) && Payload::of(&line.json) == Some(wanted)
        });
    }

    /// Whether it received this payload.
    #[must_use]
    pub fn received(&self, mark: usize, event: &str, wanted: Payload) -> bool {
        let find = |line: &Line| line.is(event) && Payload::of(&line.json) == Some(wanted);
        self.lines.find(mark, Duration::ZERO, find).is_some()
    }

    /// Returns its warnings, its errors and its standard error.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let complaints = self.lines.all(0, |line| {
            line.is("text") || line.is("log") && matches!(line.text("level"), "WARN" | "ERR")
        });
        complaints.iter().map(|line| format!("{}: {}", self.name(), line.text("text"))).collect()
    }

    /// Pauses it with SIGSTOP, until [`thaw`](Peer::thaw).
    pub fn freeze(&self) {
        self.child.signal(Signal::STOP);
    }

    /// Resumes it after [`freeze`](Peer::freeze).
    pub fn thaw(&self) {
        self.child.signal(Signal::CONT);
    }

    /// Kills it, and returns its settings.
    #[must_use]
    pub fn kill(mut self) -> Settings {
        self.child.kill();
        self.settings.clone()
    }
}
