//! Three members of the service on loopback.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use swim_interop::{Child, LIMIT};

/// How long a leave may take, here and in the service of the memberlist tutorial.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);

/// A member, with the address that it listens on.
struct Member {
    child: Child,
    address: String,
}

impl Member {
    fn start(name: &str, join: Option<&Member>) -> Member {
        let mut command = Command::new(env!("CARGO_BIN_EXE_data-push"));
        command.args(["--name", name, "--bind", "127.0.0.1:0"]);
        command.args(join.iter().flat_map(|member| ["--join", &member.address]));
        let mut member = Member { child: Child::start(command), address: String::new() };
        let listens = member.wait_for("listens on");
        member.address = listens.rsplit(' ').next().unwrap().to_string();
        member
    }

    /// Waits for a line with this text, on standard output or standard error.
    fn wait_for(&self, text: &str) -> String {
        let lines = &self.child.lines;
        let found = lines.find(0, LIMIT, |line| line.text("text").contains(text));
        let transcript = || panic!("no '{text}':\n{}", lines.transcript());
        found.unwrap_or_else(transcript).text("text").to_string()
    }

    /// Stops it by a signal. Returns its exit code and the time it took.
    fn stop(&mut self, signal: Signal) -> (Option<i32>, Duration) {
        let since = Instant::now();
        self.child.signal(signal);
        let code = self.child.wait_for_end().code();
        (code, since.elapsed())
    }
}

#[test]
fn what_one_pushes_all_others_receive_and_a_signal_is_a_leave() {
    let a = Member::start("a", None);
    let b = Member::start("b", Some(&a));
    let c = Member::start("c", Some(&a));
    let mut all = [a, b, c];
    for member in &all {
        member.wait_for("; 3 live");
    }
    for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
        all[at].child.write_line(&format!("hello of {name}"));
        for (_, other) in all.iter().enumerate().filter(|(other, _)| *other != at) {
            other.wait_for(&format!("received \"{name}: hello of {name}\""));
        }
        let own = all[at].child.lines.all(0, |it| it.text("text").contains(&format!("{name}: ")));
        assert!(own.is_empty(), "to itself: {own:?}");
    }

    // Starts with the last, so that the earlier ones are its peers.
    for (at, name, signal) in [(2, "c", Signal::TERM), (1, "b", Signal::HUP)] {
        let (code, took) = all[at].stop(signal);
        assert_eq!(code, Some(0), "{name}");
        assert!(took < LEAVE_TIME_MAX, "{name}: {took:?}");
        for other in &all[..at] {
            other.wait_for(&format!("{name} left; {at} live"));
        }
    }
    assert_eq!(all[0].stop(Signal::INT).0, Some(0), "with nobody left to tell");
}

#[test]
fn a_seed_that_does_not_answer_and_a_taken_name_are_logged() {
    let a = Member::start("a", None);
    let mut gone = Member::start("gone", None);
    let address = gone.address.clone();
    gone.stop(Signal::TERM);
    let mut command = Command::new(env!("CARGO_BIN_EXE_data-push"));
    command.args(["--name", "a", "--bind", "127.0.0.1:0", "--join", &address]);
    let namesake = Member { child: Child::start(command), address: String::new() };
    let told = namesake.wait_for("cannot join a seed");
    assert!(told.contains(&address) && told.contains("refused"), "{told}");
    drop(namesake);

    let namesake = Member::start("a", Some(&a));
    namesake.wait_for("another node has this node's name");
}
