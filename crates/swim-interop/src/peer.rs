//! A member of a cluster that runs.

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

/// What identifies a payload: its size and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// In bytes.
    pub size: u64,
    /// CRC-32.
    pub checksum: u64,
}

impl Payload {
    /// What a line says of a payload, if anything.
    #[must_use]
    pub fn of(json: &Value) -> Option<Self> {
        Some(Payload { size: json["size"].as_u64()?, checksum: json["crc32"].as_u64()? })
    }
}

/// A member of a cluster that runs, be it a `go-peer` or a `rust-peer`. Killed when dropped.
#[derive(Debug)]
pub struct Peer {
    /// What it was started with.
    pub settings: Settings,
    /// What it printed.
    pub lines: Lines,
    address: SocketAddr,
    child: Child,
    asked: u64,
}

impl Peer {
    /// Starts it, and waits until it listens.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        Peer::start_in(None, settings)
    }

    /// Starts it in a network of its own.
    ///
    /// # Panics
    ///
    /// If it does not listen.
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

    /// What runs it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.settings.program.kind
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The address that it announces.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks it to do something, and waits for the answer.
    ///
    /// # Errors
    ///
    /// What it says when it could not.
    ///
    /// # Panics
    ///
    /// If it does not answer.
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

    /// The same where it must not fail.
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn order(&mut self, command: Value) -> Value {
        let text = command.to_string();
        self.ask(command).unwrap_or_else(|error| panic!("{}: {text}: {error}", self.name()))
    }

    /// Has it join a cluster.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn join(&mut self, contact: SocketAddr) {
        self.order(json!({"do": "join", "addresses": [contact.to_string()]}));
    }

    /// Has it announce other metadata.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn set_meta(&mut self, meta: &[u8]) {
        self.order(json!({"do": "meta", "hex": hex(meta)}));
    }

    /// Has it say goodbye.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn leave(&mut self) {
        self.order(json!({"do": "leave"}));
    }

    /// Has it send so many bytes to a member: by `send`, `send_reliable` or `broadcast`.
    ///
    /// # Errors
    ///
    /// What it says when it could not.
    pub fn send(&mut self, how: &str, to: &str, size: usize) -> Result<Payload, String> {
        let answer = self.ask(json!({"do": how, "to": to, "size": size}))?;
        Ok(Payload::of(&answer).expect("the answer tells what was sent"))
    }

    /// What it believes of the cluster.
    ///
    /// # Panics
    ///
    /// If it does not answer.
    pub fn view(&mut self) -> View {
        View::parse(&self.order(json!({"do": "members"})))
    }

    /// Waits for a line from `mark` on.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn wait(&self, mark: usize, what: &str, wanted: impl Fn(&Line) -> bool) -> Line {
        self.lines.find(mark, LIMIT, wanted).unwrap_or_else(|| {
            panic!("{}: it never came that {what}:\n{}", self.name(), self.lines.transcript())
        })
    }

    /// Waits until it received this.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn wait_for_payload(&self, mark: usize, event: &str, wanted: Payload) {
        self.wait(mark, &format!("{event} of {wanted:?}"), |line| {
            line.is(event) && Payload::of(&line.json) == Some(wanted)
        });
    }

    /// Whether it received this.
    #[must_use]
    pub fn received(&self, mark: usize, event: &str, wanted: Payload) -> bool {
        let find = |line: &Line| line.is(event) && Payload::of(&line.json) == Some(wanted);
        self.lines.find(mark, Duration::ZERO, find).is_some()
    }

    /// What it complained about: in its log from warnings up, or on its standard error.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let complaints = self.lines.all(0, |line| {
            line.is("text") || line.is("log") && matches!(line.text("level"), "WARN" | "ERR")
        });
        complaints.iter().map(|line| format!("{}: {}", self.name(), line.text("text"))).collect()
    }

    /// Its time stands still, until [`thaw`](Peer::thaw).
    pub fn freeze(&self) {
        self.child.signal(Signal::STOP);
    }

    /// Its time goes on.
    pub fn thaw(&self) {
        self.child.signal(Signal::CONT);
    }

    /// Ends it at once: it does not notice.
    #[must_use]
    pub fn kill(mut self) -> Settings {
        self.child.kill();
        self.settings.clone()
    }
}
