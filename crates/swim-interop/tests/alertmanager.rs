//! A member in a cluster of Alertmanagers.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use swim_interop::{
    Alertmanager, Framing, Peer, Program, Settings, Subnet, eventually, run_if, within,
};

/// Texts that Alertmanager logs if it has a problem with a member or its messages.
const TROUBLE: &[&str] =
    &["fail", "decode", "Decrypt", "[ERR]", "[WARN]", "level=error", "level=warn", "Suspect"];

/// How long the cluster is watched; `SWIM_INTEROP_ALERTMANAGER=60` for a minute.
fn time() -> Duration {
    let seconds = std::env::var("SWIM_INTEROP_ALERTMANAGER").unwrap_or_else(|_| "10".into());
    Duration::from_secs(seconds.parse().expect("SWIM_INTEROP_ALERTMANAGER is a number of seconds"))
}

fn main() -> ExitCode {
    run_if(
        Alertmanager::is_there,
        "a member of an Alertmanager cluster",
        "a_member_of_an_alertmanager_cluster_is_listed_and_leaves_quietly",
        a_member_of_an_alertmanager_cluster_is_listed_and_leaves_quietly,
    )
}

fn a_member_of_an_alertmanager_cluster_is_listed_and_leaves_quietly() {
    let subnet = Subnet::new();
    let first = Alertmanager::start(&subnet, None);
    let second = Alertmanager::start(&subnet, Some(&first));
    let third = Alertmanager::start(&subnet, Some(&first));
    let all = [first, second, third];
    wait_for(&all, 3);

    let program = Program::rust(env!("CARGO_BIN_EXE_rust-peer"));
    let mut settings = Settings::new(&program, "rusty", subnet.address(), Framing::Plain);
    settings.profile = "lan";
    settings.push_pull = Some(Duration::from_secs(2));
    let mut member = Peer::start(settings);
    member.join(all[1].address);
    wait_for(&all, 4);
    let listed = ("rusty".to_string(), member.address().to_string());
    for one in &all {
        assert!(one.peers().expect("it runs").contains(&listed), "{:?}", one.peers());
    }
    let (time, started) = (time(), Instant::now());
    within(time + Duration::from_secs(10), "the time is over", || {
        assert_no_trouble(&all, &member);
        let left = time.saturating_sub(started.elapsed());
        if left.is_zero() { Ok(()) } else { Err(format!("{left:?} to go")) }
    });
    // Alertmanagers exchange silences and alerts this way.
    assert!(!member.lines.all(0, |line| line.is("user_state")).is_empty());

    member.leave();
    wait_for(&all, 3);
    assert_no_trouble(&all, &member);
}

fn wait_for(all: &[Alertmanager], count: usize) {
    for one in all {
        eventually(&format!("{} lists {count}", one.address), || match one.peers()? {
            peers if peers.len() == count => Ok(()),
            peers => Err(format!("{peers:?}\n{}", one.lines.transcript())),
        });
    }
}

fn assert_no_trouble(all: &[Alertmanager], member: &Peer) {
    for one in all {
        assert_eq!(one.said(TROUBLE), [""; 0]);
    }
    assert_eq!(member.complaints(), [""; 0]);
}
