//! Node processes on loopback, and their clients.

use std::io::{BufRead, BufReader, ErrorKind, Result, Write};
use std::net::TcpStream;
use std::process::Command;

use swim_interop::{Child, LIMIT};

/// A node in its own process.
#[derive(Debug)]
pub struct NodeProcess {
    /// The process.
    pub child: Child,
    /// The address for membership.
    pub address: String,
    /// The address for clients.
    pub clients: String,
}

impl NodeProcess {
    /// Starts a node, and waits until it prints where it listens.
    ///
    /// # Panics
    ///
    /// The node does not print it in time.
    #[must_use]
    pub fn start(command: Command) -> Self {
        let child = Child::start(command);
        let line = wait_for(&child, "listens on");
        let address_after = |words: &str| {
            let (_, rest) = line.split_once(words).expect("it says where it listens");
            rest.split([',', ' ']).next().expect("there is a first part").to_owned()
        };
        let (address, clients) = (address_after("listens on "), address_after("for clients on "));
        NodeProcess { child, address, clients }
    }

    /// Connects as a client.
    ///
    /// # Panics
    ///
    /// The node does not listen.
    #[must_use]
    pub fn connect(&self) -> LineClient {
        let stream = TcpStream::connect(&self.clients).expect("it listens for clients");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout can be set");
        LineClient(BufReader::new(stream))
    }
}

/// Waits for a line of output that contains this text, and returns it.
///
/// # Panics
///
/// No such line comes in time.
pub fn wait_for(child: &Child, text: &str) -> String {
    let found = child.lines.find(0, LIMIT, |line| line.text("text").contains(text));
    let none = || panic!("no '{text}':\n{}", child.lines.transcript());
    found.unwrap_or_else(none).text("text").to_owned()
}

/// A client that speaks lines.
#[derive(Debug)]
pub struct LineClient(BufReader<TcpStream>);

impl LineClient {
    /// Writes a line.
    ///
    /// # Panics
    ///
    /// The node does not read.
    pub fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    /// Reads a line.
    ///
    /// # Panics
    ///
    /// No line comes in time.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    /// Writes a line and returns the next line, panicking if there is none.
    ///
    /// # Panics
    ///
    /// No answer comes in time.
    pub fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    /// Writes a line and returns the next line.
    ///
    /// # Errors
    ///
    /// The node is gone.
    pub fn try_ask(&mut self, line: &str) -> Result<String> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes())?;
        let mut answer = String::new();
        match self.0.read_line(&mut answer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }
}
