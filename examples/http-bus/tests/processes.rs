//! Processes of the program on loopback.
//!
//! The long run:
//! `SECONDS=30 cargo test --release -p http-bus --test processes -- outlives --nocapture`
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

mod loopback;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use loopback::{LIMIT, eventually, exchange, publish, texts};
use rustix::process::Signal;
use swim_interop::Child;

/// How long messages are published while a member is killed.
fn load_time() -> Duration {
    let seconds = std::env::var("SECONDS").map(|text| text.parse().expect("SECONDS is a number"));
    Duration::from_secs(seconds.unwrap_or(4))
}

/// How long a supervisor waits after SIGTERM.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

struct Member {
    child: Child,
    address: String,
    http: String,
}

impl Member {
    fn start(name: &str, join: Option<&Member>, more: &[&str]) -> Member {
        let mut command = Command::new(env!("CARGO_BIN_EXE_http-bus"));
        command.args(["--name", name, "--bind", "127.0.0.1:0"]).args(more);
        command.args(join.iter().flat_map(|member| ["--join", &member.address]));
        let child = Child::start(command);
        let mut member = Member { child, address: String::new(), http: String::new() };
        member.address = member.wait_for("listens on").rsplit(' ').next().unwrap().to_owned();
        member.http = member.wait_for("HTTP on").rsplit(' ').next().unwrap().to_owned();
        member
    }

    /// Waits for a line that contains this text, on standard output or error.
    fn wait_for(&self, text: &str) -> String {
        wait_for(&self.child, text)
    }

    fn wait_for_others(&self, others: usize) {
        eventually("it finds the other members", || {
            let health = exchange(&self.http, b"GET /healthz HTTP/1.0\r\n\r\n");
            if health.contains(&format!("\"others\":{others},")) { Ok(()) } else { Err(health) }
        });
    }

    /// Stops it with a signal. Returns its exit code and how long that took.
    fn stop(&mut self, signal: Signal) -> (Option<i32>, Duration) {
        let since = Instant::now();
        self.child.signal(signal);
        let code = self.child.wait_for_end().code();
        (code, since.elapsed())
    }
}

fn wait_for(child: &Child, text: &str) -> String {
    let found = child.lines.find(0, LIMIT, |line| line.text("text").contains(text));
    let transcript = || panic!("no '{text}':\n{}", child.lines.transcript());
    found.unwrap_or_else(transcript).text("text").to_string()
}

/// Publishes at these addresses in turn for some time. Returns the accepted messages.
fn load(addresses: &[String], name: &str, time: Duration) -> Vec<String> {
    let (begin, mut accepted) = (Instant::now(), Vec::new());
    for (number, address) in addresses.iter().cycle().enumerate() {
        if begin.elapsed() > time {
            break;
        }
        let message = format!("{name} {number}");
        if publish(address, message.as_bytes()).contains(" 202 ") {
            accepted.push(message);
        }
        // Slow down: a node keeps a limited number of its own messages, and two cores publish
        // faster.
        std::thread::sleep(Duration::from_millis(5));
    }
    accepted
}

#[test]
fn what_is_accepted_under_load_outlives_a_kill_and_a_leave() {
    // Nothing expires, even on a slow machine, and there is room for every message.
    let (keep, time) = (["--keep", "600", "--published-max", "4096"], load_time());
    let mut members = vec![Member::start("a", None, &keep)];
    for name in ["b", "c", "d", "e"] {
        let member = Member::start(name, Some(&members[0]), &keep);
        members.push(member);
    }
    members.iter().for_each(|member| member.wait_for_others(4));
    // Kill c under load, while other members hand messages to it and wait for its answers.
    let mut killed = members.remove(2);
    let addresses: Vec<_> = members.iter().map(|member| member.http.clone()).collect();
    let begin = Instant::now();
    let loading = std::thread::spawn(move || load(&addresses, "load", time));
    eventually("c gets some of it", || {
        let read = texts(&killed.http);
        if read.len() > 20 { Ok(()) } else { Err(format!("{read:?}")) }
    });
    std::thread::sleep((time / 2).saturating_sub(begin.elapsed()));
    killed.child.kill();
    let mut accepted = loading.join().unwrap();
    assert!(accepted.len() > 50, "{}", accepted.len());

    // While peers still try c, d leaves with messages that it has just accepted.
    let (mut leaving, under_load) = (members.remove(2), accepted.len());
    let address = std::slice::from_ref(&leaving.http);
    accepted.extend(load(address, "leaving", Duration::from_millis(200)));
    let (code, took) = leaving.stop(Signal::TERM);
    assert_eq!(code, Some(0), "{}", leaving.child.lines.transcript());
    assert!(took < LEAVE_TIME_MAX, "{took:?}");
    members.iter().for_each(|member| drop(member.wait_for("d left")));

    for member in &members {
        let lacking = || {
            let mut times = BTreeMap::new();
            texts(&member.http).into_iter().for_each(|text| *times.entry(text).or_insert(0) += 1);
            let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
            assert!(twice.is_empty(), "{twice:?}");
            let missing = accepted.iter().filter(|text| !times.contains_key(*text)).count();
            if missing == 0 { Ok(()) } else { Err(format!("{missing} messages are missing")) }
        };
        eventually("it has each accepted message once", lacking);
    }
    println!(
        "{under_load} messages accepted in {} s at four of five members: none missing at the three \
         that remain, none twice",
        time.as_secs()
    );
    for (at, signal) in [(1, Signal::HUP), (0, Signal::INT)] {
        let (code, took) = members[at].stop(signal);
        assert_eq!(code, Some(0));
        assert!(took < LEAVE_TIME_MAX, "{took:?}");
    }
}

#[test]
fn a_reader_is_told_that_the_node_leaves() {
    let mut a = Member::start("a", None, &[]);
    let http = a.http.clone();
    let reader = std::thread::spawn(move || exchange(&http, b"GET /messages HTTP/1.0\r\n\r\n"));
    eventually("it reads", || {
        let health = exchange(&a.http, b"GET /healthz HTTP/1.0\r\n\r\n");
        if health.contains("\"readers\":1") { Ok(()) } else { Err(health) }
    });
    assert_eq!(a.stop(Signal::TERM).0, Some(0));
    let read = reader.join().unwrap();
    let last = read.lines().last().unwrap();
    assert_eq!(last, r#"{"end":"the node is leaving the cluster","since":0}"#);
}

#[test]
fn an_error_is_a_sentence_that_says_what_to_do() {
    let a = Member::start("a", None, &[]);
    let port = a.http.rsplit(':').next().unwrap();
    for (arguments, code, expected) in [
        (&["--bind", "127.0.0.1:0", "--http-port", port][..], 1, "--http-port"),
        (&["--bind", &a.address], 1, "error: cannot listen on 127.0.0.1:"),
        (&["--bind", "127.0.0.1:0", "--keep", "0"], 2, "error: keep, in seconds, is 0"),
        (&["--bind", "127.0.0.1:0", "--published-max", "5000"], 2, "choose 1 to 4096"),
        (&["--bind", "127.0.0.1:0", "--published-max", "0"], 2, "no message could be published"),
        (&["--bind", "127.0.0.1:0", "--kept-max", "0"], 2, "choose at least 2"),
        (&["--bind", "127.0.0.1:0", "--kept-bytes-max", "0"], 2, "the largest message"),
        (&["--bind", "127.0.0.1:0", "--readers-max", "0"], 2, "choose 1 to 255"),
        (&["--bind", "127.0.0.1:0", "--readers-max", "256"], 2, "choose 1 to 255"),
        (&["--bind", "127.0.0.1:0", "--readers-per-address-max", "0"], 2, "choose 1 to 127"),
        (&["--bind", "127.0.0.1:0", "--key-file", "/nowhere"], 1, "cannot read the key file"),
        (&["--bind", "nowhere"], 2, "invalid socket address"),
        (&[], 2, "--bind"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_http-bus"));
        command.args(["--name", "b"]).args(arguments);
        let mut child = Child::start(command);
        wait_for(&child, expected);
        assert_eq!(child.wait_for_end().code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn members_with_another_key_do_not_meet() {
    let folder = std::env::temp_dir().join(format!("http-bus-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let key_file = |name: &str, key: &str| {
        use std::os::unix::fs::OpenOptionsExt;
        let path = folder.join(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).write(true).mode(0o600).open(&path).unwrap();
        writeln!(file, "{key}").unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = key_file("key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let other = key_file("other", "HxwdHhsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=");
    let a = Member::start("a", None, &["--key-file", &key]);
    let b = Member::start("b", Some(&a), &["--key-file", &key]);
    let stranger = Member::start("c", Some(&a), &["--key-file", &other]);
    a.wait_for_others(1);
    b.wait_for_others(1);
    stranger.wait_for("cannot join a seed");
    stranger.wait_for_others(0);
    a.wait_for_others(1);
    std::fs::remove_dir_all(&folder).unwrap();
}
