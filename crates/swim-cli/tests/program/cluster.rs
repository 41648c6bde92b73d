//! Agents of the local profile on loopback, one process each: they join, fail, leave, come back.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use swim_tokio::Config;

use crate::common::{Agent, Line, form, secs};

/// The time within which all of `nodes` members of the local profile declare a crashed member
/// failed:
///
/// - 2 (n - 1) probe intervals until a member probes the crashed one. Each member is probed once
///   per round; the order is shuffled after each, so the first of one round may be the last of the
///   next.
/// - 1 probe interval until that probe has failed.
/// - The longest suspicion. One confirmation already shortens it to a sixth, the shortest.
/// - 3 s for a busy machine.
///
/// For 5 members: 8 + 1 + 18 + 3 = 30 s. It usually takes about 5 s.
fn failure_bound(nodes: u32) -> Duration {
    let address = "127.0.0.1:1".parse().unwrap();
    let config = Config::local("any".parse().unwrap(), address);
    let interval = config.probe_interval;
    let suspicion = config.suspicion_timeouts(nodes as usize);
    interval * (2 * (nodes - 1) + 1) + suspicion.max + secs(3)
}

#[test]
fn five_agents_see_a_kill_a_goodbye_and_a_return() {
    let mut agents = form("five", &["a", "b", "c", "d", "e"]);

    let mut killed = agents.remove(2);
    let at = Instant::now();
    killed.signal(Signal::KILL);
    killed.wait_for_exit(secs(5));
    expect_failure(&agents, "c", at);

    let mut stopped = agents.remove(2);
    let at = Instant::now();
    stopped.signal(Signal::TERM);
    assert_eq!(stopped.wait_for_exit(secs(10)).code(), Some(0));
    eprintln!("d took {:?} to leave", at.elapsed());
    for agent in &agents {
        let left = agent.wait(0, secs(10), "d left", |line| line.is_about("left", "d"));
        assert_eq!(left.json["previous"], "alive");
    }

    let marks: Vec<usize> = agents.iter().map(Agent::mark).collect();
    let back = Agent::start_at(&killed.address, "c", "five", &[&agents[0].address], &[]);
    let joined = back.wait(0, secs(10), "join_done", |line| line.is("join_done"));
    expect_return(&mut agents, &marks, "c", joined.at);

    agents.push(back);
    for agent in &mut agents {
        // Failed and left members are listed only for a while, and not by members that join later.
        let members = agent.members();
        assert_eq!(names_in(&members, "alive"), ["a", "b", "c", "e"], "{}", agent.name);
        assert!(names_in(&members, "failed").is_empty(), "{}: {members:?}", agent.name);
        // No agent ever declared a departed or running member failed.
        for line in agent.lines_from(0).iter().filter(|line| line.is("failed")) {
            assert_eq!(line.json["name"], "c", "{}: {}", agent.name, line.json);
        }
    }
}

/// All agents print the failure in time, with the accusers.
fn expect_failure(agents: &[Agent], name: &str, killed_at: Instant) {
    let bound = failure_bound(5);
    for agent in agents {
        let is_it = |line: &Line| line.is_about("failed", name);
        let failed = agent.wait(0, bound, &format!("{name} failed"), is_it);
        let took = failed.at - killed_at;
        eprintln!("{}: {name} failed {took:?} after the kill", agent.name);
        assert!(took <= bound, "{}: {took:?}", agent.name);
        let knows = |value: &Value| agents.iter().any(|agent| *value == agent.name);
        let accusers = failed.json["accusers"].as_array().unwrap();
        assert!(!accusers.is_empty(), "{}: {}", agent.name, failed.json);
        assert!(accusers.iter().all(knows), "{}: {}", agent.name, failed.json);
        assert!(knows(&failed.json["declared_by"]), "{}: {}", agent.name, failed.json);
    }
}

/// Within 2 s of its join, all agents see it alive again.
fn expect_return(agents: &mut [Agent], marks: &[usize], name: &str, joined_at: Instant) {
    for (agent, mark) in agents.iter_mut().zip(marks) {
        let is_it = |line: &Line| line.is_about("joined", name);
        let seen = agent.wait(*mark, secs(2), &format!("{name} joined"), is_it);
        let took = seen.at.saturating_duration_since(joined_at);
        eprintln!("{}: {name} is back {took:?} after its join", agent.name);
        assert!(took <= secs(2), "{}: {took:?}", agent.name);
        assert_eq!(seen.json["previous"], "failed");
    }
}

/// The members that are listed in that state.
fn names_in(members: &[(String, String)], state: &str) -> Vec<String> {
    let in_state = members.iter().filter(|(_, known)| known == state);
    in_state.map(|(name, _)| name.clone()).collect()
}

#[test]
fn an_agent_that_was_frozen_blames_nobody_and_comes_back() {
    /// The time of the stop: longer than peers need to declare the member failed.
    const FROZEN: Duration = Duration::from_secs(20);
    let mut agents = form("frozen", &["a", "b", "c", "d"]);
    let mut frozen = agents.remove(1);

    let at = Instant::now();
    frozen.signal(Signal::STOP);
    for agent in &agents {
        let failed = agent.wait(0, FROZEN, "b failed", |line| line.is_about("failed", "b"));
        eprintln!("{}: b failed {:?} after it was frozen", agent.name, failed.at - at);
    }
    std::thread::sleep(FROZEN.saturating_sub(at.elapsed()));

    let marks: Vec<usize> = agents.iter().map(Agent::mark).collect();
    let mark = frozen.mark();
    let at = Instant::now();
    frozen.signal(Signal::CONT);
    let accused = frozen.wait(mark, secs(10), "accused", |line| line.is("accused"));
    let number = |value: &Value| value.as_u64().unwrap();
    assert!(number(&accused.json["refuted_with"]) > number(&accused.json["incarnation"]));
    for (agent, mark) in agents.iter_mut().zip(&marks) {
        let back = agent.wait(*mark, secs(10), "b joined", |line| line.is_about("joined", "b"));
        eprintln!("{}: b is back {:?} after it was thawed", agent.name, back.at - at);
        assert_eq!(number(&back.json["incarnation"]), number(&accused.json["refuted_with"]));
    }
    // The shortest suspicion is 3 s: a member suspected during the silence would be failed by now.
    frozen.refuse(mark, secs(10), "declared a live member failed", |line| line.is("failed"));
    for agent in agents.iter_mut().chain([&mut frozen]) {
        let members = agent.members();
        assert_eq!(members.len(), 4, "{}: {members:?}", agent.name);
        assert!(members.iter().all(|(_, state)| state == "alive"), "{}: {members:?}", agent.name);
    }
}
