//! The example in a cluster of real Serf agents.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use swim_interop::{Child, Serf, Subnet, eventually, run_if, within};

/// Serf's log messages about a faulty member or faulty input from it.
const TROUBLE: &[&str] =
    &["EventMemberFailed", "EventMemberReap", "attempting reconnect", "[ERR]", "[WARN]"];

/// How long the cluster is watched; `SWIM_INTEROP_SERF=60` for a minute.
fn time() -> Duration {
    let seconds = std::env::var("SWIM_INTEROP_SERF").unwrap_or_else(|_| "10".into());
    Duration::from_secs(seconds.parse().expect("SWIM_INTEROP_SERF is a number of seconds"))
}

fn main() -> ExitCode {
    run_if(
        Serf::is_there,
        "a member of a Serf cluster",
        "a_member_of_a_serf_cluster_is_seen_with_its_tags_and_leaves_as_left",
        a_member_of_a_serf_cluster_is_seen_with_its_tags_and_leaves_as_left,
    )
}

fn a_member_of_a_serf_cluster_is_seen_with_its_tags_and_leaves_as_left() {
    let subnet = Subnet::new();
    let first = Serf::start(&subnet, "s1", None);
    let second = Serf::start(&subnet, "s2", Some(&first));
    let third = Serf::start(&subnet, "s3", Some(&first));
    let mut agents = [first, second, third];
    let bind = subnet.address();
    let contact = agents[1].address;
    let mut member =
        start(&["rusty", &bind.to_string(), &contact.to_string(), "role=cache", "zone=a"]);
    for agent in &mut agents {
        wait_for(agent, "alive");
        let seen = agent.member("rusty").expect("it is alive");
        assert_eq!(seen["tags"], json!({"role": "cache", "zone": "a"}));
        assert_eq!(seen["addr"], bind.to_string());
        assert_eq!(seen["protocol"], json!({"min": 2, "max": 5, "version": 5}));
    }
    watch(&agents);

    leave(&mut member);
    for agent in &mut agents {
        wait_for(agent, "left");
        wait_for_line(agent, "EventMemberLeave: rusty");
        assert_eq!(agent.said(&["EventMemberLeave: rusty"]).len(), 1);
        assert_eq!(agent.said(&["EventMemberJoin: rusty"]).len(), 1);
        assert_eq!(agent.said(TROUBLE), [""; 0]);
    }

    // Under the same name, with a tag that Serf agents can show.
    let mut member = start(&["rusty", &bind.to_string(), &contact.to_string(), "role=again"]);
    for agent in &mut agents {
        wait_for(agent, "alive");
        let seen = agent.member("rusty").expect("it is alive");
        assert_eq!(seen["tags"], json!({"role": "again"}));
    }
    leave(&mut member);
    for agent in &mut agents {
        wait_for(agent, "left");
        assert_eq!(agent.said(TROUBLE), [""; 0]);
    }
}

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_serf-member"));
    command.args(arguments);
    Child::start(command)
}

/// Checks until the time is over that nothing is wrong.
fn watch(agents: &[Serf]) {
    let (time, started) = (time(), Instant::now());
    within(time + Duration::from_secs(10), "the time is over", || {
        for agent in agents {
            assert_eq!(agent.said(TROUBLE), [""; 0]);
        }
        let left = time.saturating_sub(started.elapsed());
        if left.is_zero() { Ok(()) } else { Err(format!("{left:?} to go")) }
    });
}

fn leave(member: &mut Child) {
    member.signal(Signal::INT);
    let status = member.wait_for_end();
    assert!(status.success(), "{}", member.lines.transcript());
}

fn wait_for(agent: &mut Serf, status: &str) {
    let name = agent.name.clone();
    eventually(&format!("{name} sees rusty {status}"), || match agent.status("rusty") {
        Some(seen) if seen == status => Ok(()),
        seen => Err(format!("{seen:?}\n{}", agent.lines.transcript())),
    });
}

/// Waits, since the agent's log comes later than its answers.
fn wait_for_line(agent: &Serf, line: &str) {
    eventually(&format!("{} logs {line}", agent.name), || match agent.said(&[line]).is_empty() {
        true => Err(agent.lines.transcript()),
        false => Ok(()),
    });
}
