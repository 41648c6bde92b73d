//! Processes of the program on loopback.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use swim_interop::{Child, LIMIT};

/// A node that is asked to stop has left within this time.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long messages are published while a node is killed.
const LOAD_TIME: Duration = Duration::from_secs(4);

/// How long a message may be on its way.
const HEAR_TIME_MAX: Duration = Duration::from_secs(20);

struct Node {
    child: Child,
    address: String,
    clients: String,
}

fn command(name: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pubsub"));
    command.args(["--name", name, "--bind", "127.0.0.1:0"]).args(more);
    command
}

impl Node {
    fn start(name: &str, more: &[&str]) -> Node {
        let child = Child::start(command(name, more));
        let line = wait_for(&child, "listens on");
        let port_after = |word: &str| {
            let (_, rest) = line.split_once(word).expect("it says where it listens");
            rest.split([',', ' ']).next().expect("there is a first part").to_owned()
        };
        Node { address: port_after("listens on "), clients: port_after("for clients on "), child }
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(&self.clients).expect("it listens for clients");
        stream.set_read_timeout(Some(HEAR_TIME_MAX)).expect("a timeout can be set");
        Client(BufReader::new(stream))
    }

    /// Waits until it has links to so many peers.
    fn wait_for_links(&self, links: usize) {
        let end = Instant::now() + LIMIT;
        let stats = || self.connect().stats();
        while stats().iter().filter(|line| line.contains("linked=true")).count() < links {
            assert!(Instant::now() < end, "{links} links: {:?}", stats());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits for a line with this text.
fn wait_for(child: &Child, text: &str) -> String {
    let found = child.lines.find(0, LIMIT, |line| line.text("text").contains(text));
    let none = || panic!("no '{text}':\n{}", child.lines.transcript());
    found.unwrap_or_else(none).text("text").to_owned()
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    fn stats(&mut self) -> Vec<String> {
        self.say("STATS");
        let mut lines = vec![self.hear()];
        while lines.last().is_some_and(|line| line.starts_with("STAT")) {
            lines.push(self.hear());
        }
        lines
    }
}

#[test]
fn a_killed_node_holds_up_nobody_and_a_signal_is_a_leave() {
    let a = Node::start("a", &[]);
    let mut b = Node::start("b", &["--join", &a.address]);
    let mut c = Node::start("c", &["--join", &a.address]);
    for node in [&a, &b, &c] {
        node.wait_for_links(2);
    }
    let (mut publisher, mut subscriber) = (a.connect(), b.connect());
    assert_eq!(subscriber.ask("SUB load"), "OK");

    // One of them is killed while messages are published.
    let (begin, mut taken) = (Instant::now(), BTreeSet::new());
    let mut is_killed = false;
    while begin.elapsed() < LOAD_TIME {
        let text = format!("PUB load message {}", taken.len());
        let answer = publisher.ask(&text);
        let number = answer.strip_prefix("OK ").expect("it is taken");
        assert!(taken.insert(number.parse::<u64>().expect("a number")), "{answer}");
        if !is_killed && begin.elapsed() > LOAD_TIME / 4 {
            c.child.kill();
            is_killed = true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    for number in &taken {
        let heard = subscriber.hear();
        // A notice that c is gone may come between them.
        let heard = if heard == "GAP c 0" { subscriber.hear() } else { heard };
        let expected = format!("MSG load a {number} message {}", number - 1);
        assert_eq!(heard, expected, "of {}", taken.len());
    }

    // A message right before a leave arrives, and the clients of the node are told.
    let mut last = b.connect();
    assert_eq!(publisher.ask("SUB load"), "OK");
    assert_eq!(last.ask("PUB load the last"), "OK 1");
    let since = Instant::now();
    b.child.signal(Signal::TERM);
    assert_eq!(b.child.wait_for_end().code(), Some(0));
    assert!(since.elapsed() < LEAVE_TIME_MAX, "{:?}", since.elapsed());
    assert_eq!(last.hear(), "BYE this node leaves the cluster");
    wait_for(&a.child, "b left");
    let heard = publisher.hear();
    let heard = if heard == "GAP c 0" { publisher.hear() } else { heard };
    assert_eq!(heard, "MSG load b 1 the last");
}

#[test]
fn what_cannot_start_says_why() {
    let a = Node::start("a", &[]);
    let (_, port) = a.clients.rsplit_once(':').unwrap();
    let mut child = Child::start(command("b", &["--client-port", port]));
    assert_eq!(child.wait_for_end().code(), Some(1));
    wait_for(&child, &format!("port {port} is in use on 127.0.0.1"));
    wait_for(&child, "--client-port");
    let mut child = Child::start(command("b", &["--key-file", "/none/such"]));
    assert_eq!(child.wait_for_end().code(), Some(1));
    wait_for(&child, "cannot read the key file /none/such");
    let mut child = Child::start(command("b", &["--no-such-flag"]));
    assert_eq!(child.wait_for_end().code(), Some(2));
}

#[test]
fn the_client_publishes_and_subscribes() {
    let a = Node::start("a", &[]);
    let client = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pubsub-client"));
        command.arg(&a.clients).args(arguments);
        Child::start(command)
    };
    let mut failed = client(&["pub", "two words", "text"]);
    assert_eq!(failed.wait_for_end().code(), Some(2));
    wait_for(&failed, "a topic has no whitespace");
    let subscriber = client(&["sub", "news"]);
    let end = Instant::now() + LIMIT;
    while !a.connect().stats()[0].contains("subscriptions=1") {
        assert!(Instant::now() < end, "it subscribes");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut publisher = client(&["pub", "news", "hello \u{1b}[2J"]);
    assert_eq!(publisher.wait_for_end().code(), Some(0));
    wait_for(&subscriber, "MSG news a 1 hello \\u{1b}[2J");
    let mut nobody = Command::new(env!("CARGO_BIN_EXE_pubsub-client"));
    nobody.args(["127.0.0.1:1", "stats"]);
    let mut nobody = Child::start(nobody);
    assert_eq!(nobody.wait_for_end().code(), Some(1));
    wait_for(&nobody, "error: 127.0.0.1:1: ");
}

#[test]
fn nodes_with_the_same_key_file_form_a_cluster() {
    use std::os::unix::fs::PermissionsExt;

    let file = std::env::temp_dir().join(format!("pubsub-{}.key", std::process::id()));
    std::fs::write(&file, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    let path = file.to_str().unwrap();
    // A file that others can read is refused.
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let mut open = Child::start(command("a", &["--key-file", path]));
    assert_eq!(open.wait_for_end().code(), Some(1));
    wait_for(&open, "chmod 600");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let a = Node::start("a", &["--key-file", path]);
    let b = Node::start("b", &["--key-file", path, "--join", &a.address]);
    b.wait_for_links(1);
    let stranger = Node::start("stranger", &["--join", &a.address]);
    wait_for(&stranger.child, "could not be joined");
    std::fs::remove_file(&file).unwrap();
}
