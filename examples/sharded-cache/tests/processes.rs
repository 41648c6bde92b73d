//! Processes of the program on loopback.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use example_trial::{LineClient, NodeProcess, wait_for};
use rustix::process::Signal;
use swim_interop::{Child, LIMIT};

/// A node that is asked to stop leaves within this time.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

/// An owner has a second to answer; allow more on a busy machine.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// How long to send requests after a node is killed.
const LOAD_TIME: Duration = Duration::from_secs(3);

const KEYS: u32 = 60;

fn command(name: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sharded-cache"));
    command.args(["--name", name, "--bind", "127.0.0.1:0"]).args(more);
    command
}

fn start(name: &str, more: &[&str]) -> NodeProcess {
    NodeProcess::start(command(name, more))
}

/// Repeats a request until the answer is right, and returns it.
fn ask_until(client: &mut LineClient, line: &str, is_right: impl Fn(&str) -> bool) -> String {
    let end = Instant::now() + LIMIT;
    loop {
        let answer = client.ask(line);
        if is_right(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{line}: {answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn key(number: u32) -> String {
    format!("key-{number}")
}

#[test]
fn a_leave_loses_nothing_and_a_killed_node_its_own_keys_alone() {
    let a = start("a", &[]);
    let mut b = start("b", &["--join", &a.address]);
    let mut c = start("c", &["--join", &a.address]);
    let mut client = a.connect();
    for node in [&a, &b, &c] {
        ask_until(&mut node.connect(), "STATS", |answer| answer.contains("members=3"));
    }
    for number in 0..KEYS {
        assert_eq!(client.ask(&format!("SET {} value-{number}", key(number))), "OK");
    }

    // b leaves on a signal, and hands its keys over.
    let since = Instant::now();
    b.child.signal(Signal::TERM);
    assert_eq!(b.child.wait_for_end().code(), Some(0));
    assert!(since.elapsed() < LEAVE_TIME_MAX, "{:?}", since.elapsed());
    wait_for(&a.child, "b left");
    for number in 0..KEYS {
        let expected = format!("VALUE value-{number}");
        ask_until(&mut client, &format!("GET {}", key(number)), |answer| answer == expected);
    }

    // c is killed under load: each request is answered in time.
    let owners: BTreeMap<u32, String> =
        (0..KEYS).map(|number| (number, client.ask(&format!("WHERE {}", key(number))))).collect();
    c.child.kill();
    let begin = Instant::now();
    while begin.elapsed() < LOAD_TIME {
        for number in 0..KEYS {
            let asked = Instant::now();
            let answer = client.ask(&format!("GET {}", key(number)));
            assert!(asked.elapsed() < ANSWER_TIME_MAX, "{answer} after {:?}", asked.elapsed());
            if owners[&number].starts_with("OWNER a ") {
                assert_eq!(answer, format!("VALUE value-{number}"));
            } else {
                let is_right = answer == "NONE" || answer.starts_with("ERR the owner c does not");
                assert!(is_right, "{answer}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    wait_for(&a.child, "c failed");
    ask_until(&mut client, "SET late value", |answer| answer == "OK");
    let all = |it: &str| it.contains("members=1") && it.contains("unanswered=");
    ask_until(&mut client, "STATS", all);
}

#[test]
fn what_cannot_start_says_why() {
    let a = start("a", &[]);
    let (_, port) = a.clients.rsplit_once(':').unwrap();
    let mut child = Child::start(command("b", &["--port", port]));
    assert_eq!(child.wait_for_end().code(), Some(1));
    wait_for(&child, &format!("port {port} is in use on 127.0.0.1"));
    wait_for(&child, "--port");
    let mut child = Child::start(command("b", &["--key-file", "/none/such"]));
    assert_eq!(child.wait_for_end().code(), Some(1));
    wait_for(&child, "cannot read the key file /none/such");
    let mut child = Child::start(command("b", &["--no-such-flag"]));
    assert_eq!(child.wait_for_end().code(), Some(2));
    let mut child = Child::start(command("b", &["--bytes-max", "0"]));
    assert_eq!(child.wait_for_end().code(), Some(2));
    wait_for(&child, "'--bytes-max <BYTES_MAX>': the largest value must fit: choose at least");
}
