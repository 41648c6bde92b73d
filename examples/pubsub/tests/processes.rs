//! Processes of the program on loopback.
//!
//! The long run:
//! `SECONDS=30 cargo test --release -p pubsub --test processes -- killed --nocapture`
#![cfg(unix)]

use std::collections::BTreeMap;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use example_trial::{LineClient, NodeProcess, wait_for};
use rustix::process::Signal;
use swim_interop::{Child, LIMIT};

/// A node that is asked to stop leaves within this time.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

fn command(name: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pubsub"));
    command.args(["--name", name, "--bind", "127.0.0.1:0"]).args(more);
    command
}

fn start(name: &str, more: &[&str]) -> NodeProcess {
    NodeProcess::start(command(name, more))
}

/// Returns the lines that a node answers to `STATS`.
fn stats(node: &NodeProcess) -> Vec<String> {
    let mut client = node.connect();
    let mut lines = vec![client.ask("STATS")];
    while lines.last().is_some_and(|line| line.starts_with("STAT")) {
        lines.push(client.hear());
    }
    lines
}

/// Waits until a node has links to so many peers.
fn wait_for_links(node: &NodeProcess, links: usize) {
    let end = Instant::now() + LIMIT;
    while stats(node).iter().filter(|line| line.contains("linked=true")).count() < links {
        assert!(Instant::now() < end, "{links} links: {:?}", stats(node));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The nodes of the test under load. The last one is killed.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// How long a publisher waits after each answer.
const PUBLISH_EVERY: Duration = Duration::from_millis(5);

/// The text of a publisher's last message.
const LAST: &str = "last";

fn load_time() -> Duration {
    let seconds = std::env::var("SECONDS").map(|text| text.parse().expect("SECONDS is a number"));
    Duration::from_secs(seconds.unwrap_or(4))
}

#[test]
fn when_one_of_five_is_killed_nobody_misses_what_is_published_at_the_others() {
    let time = load_time();
    let mut nodes = vec![start("a", &[])];
    for name in &NAMES[1..] {
        nodes.push(start(name, &["--join", &nodes[0].address]));
    }
    nodes.iter().for_each(|node| wait_for_links(node, 4));
    let hearing: Vec<_> = nodes[..4].iter().map(|node| subscribe(node.connect())).collect();
    let mut killed = nodes.pop().expect("there are five");
    let of_killed = publish(killed.connect(), time);
    let publishing: Vec<_> = nodes.iter().map(|node| publish(node.connect(), time)).collect();
    std::thread::sleep(time / 2);
    killed.child.kill();
    let _ = of_killed.join();
    let taken: Vec<u64> = publishing.into_iter().map(|it| it.join().expect("all taken")).collect();
    let mut heard = 0;
    for hearing in hearing {
        let last = hearing.join().expect("all heard, in order");
        for (name, taken) in NAMES.iter().zip(&taken) {
            assert_eq!(last.get(*name), Some(taken), "of {name}");
        }
        heard += last.values().sum::<u64>();
    }
    println!(
        "{} messages taken in {} s by the four nodes that live on, {heard} heard there, with those \
         of the killed node: none missing, none twice, in order",
        taken.iter().sum::<u64>(),
        time.as_secs()
    );
}

/// Publishes for some time, or until the node is gone. Returns the number of the last message.
fn publish(mut client: LineClient, time: Duration) -> JoinHandle<u64> {
    std::thread::spawn(move || {
        let (begin, mut number) = (Instant::now(), 0);
        let mut is_last = false;
        while !is_last {
            is_last = begin.elapsed() > time;
            number += 1;
            let text = if is_last { LAST } else { "message" };
            let Ok(answer) = client.try_ask(&format!("PUB load {text}")) else { return number - 1 };
            assert_eq!(answer, format!("OK {number}"));
            std::thread::sleep(PUBLISH_EVERY);
        }
        number
    })
}

/// Listens until the last message of each living node and the `GAP` of the killed node have come.
/// Returns the last number from each node.
fn subscribe(mut client: LineClient) -> JoinHandle<BTreeMap<String, u64>> {
    assert_eq!(client.ask("SUB load"), "OK");
    std::thread::spawn(move || {
        let (mut last, mut ends) = (BTreeMap::new(), 0);
        while ends < NAMES.len() {
            let line = client.hear();
            if line == "GAP e 0" {
                ends += 1;
                continue;
            }
            let mut words = line.split(' ').skip(2);
            let (name, number) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            let expected = last.entry(name.to_owned()).or_insert(0);
            *expected += 1;
            let text = words.next().unwrap_or("");
            assert_eq!(line, format!("MSG load {name} {expected} {text}"), "not {number}");
            ends += usize::from(text == LAST);
        }
        last
    })
}

#[test]
fn a_signal_is_a_leave_and_clients_and_peers_are_told() {
    let a = start("a", &[]);
    let mut b = start("b", &["--join", &a.address]);
    wait_for_links(&b, 1);
    wait_for_links(&a, 1);
    let (mut subscriber, mut last) = (a.connect(), b.connect());
    // A message right before a leave arrives. The clients of the leaving node get a notice.
    assert_eq!(subscriber.ask("SUB load"), "OK");
    assert_eq!(last.ask("PUB load the last"), "OK 1");
    let since = Instant::now();
    b.child.signal(Signal::TERM);
    assert_eq!(b.child.wait_for_end().code(), Some(0));
    assert!(since.elapsed() < LEAVE_TIME_MAX, "{:?}", since.elapsed());
    assert_eq!(last.hear(), "BYE this node is leaving the cluster");
    wait_for(&a.child, "b left");
    assert_eq!(subscriber.hear(), "MSG load b 1 the last");
}

#[test]
fn what_cannot_start_says_why() {
    let a = start("a", &[]);
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
    for (setting, reason) in [
        ("--ring-messages", "a peer that is behind would get nothing: choose at least 1"),
        ("--ring-bytes", "the longest message must fit: choose at least 4096"),
        ("--clients-max", "no client would be served: choose at least 1"),
        ("--clients-per-address-max", "no client would be served: choose at least 1"),
    ] {
        let mut child = Child::start(command("b", &[setting, "0"]));
        assert_eq!(child.wait_for_end().code(), Some(2));
        wait_for(&child, &format!("error: invalid value '0' for '{setting} "));
        wait_for(&child, reason);
    }
}

#[test]
fn the_client_publishes_and_subscribes() {
    let a = start("a", &[]);
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
    while !stats(&a)[0].contains("subscriptions=1") {
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
    // A file that other users can read is refused.
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let mut open = Child::start(command("a", &["--key-file", path]));
    assert_eq!(open.wait_for_end().code(), Some(1));
    wait_for(&open, "chmod 600");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let a = start("a", &["--key-file", path]);
    let b = start("b", &["--key-file", path, "--join", &a.address]);
    wait_for_links(&b, 1);
    let stranger = start("stranger", &["--join", &a.address]);
    wait_for(&stranger.child, "cannot join a seed");
    std::fs::remove_file(&file).unwrap();
}
