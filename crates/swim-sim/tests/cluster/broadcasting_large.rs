//! Broadcasts in a large cluster whose members come and go.
//!
//! `-- --nocapture` prints the measurements.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use swim_core::{Answer, Event, Instant};
use swim_sim::{Churn, Request, World, WorldOptions, millis, secs};

const NODES: usize = 1000;
const BROADCASTS: usize = 100;

/// The time for a broadcast to reach every node that runs before and after it.
const PATIENCE: Duration = secs(10);

/// The time until peers know a new member: before, gossip may miss it.
const NEWCOMER: Duration = secs(2);

/// One broadcast, and its expected receivers.
struct Sent {
    at: Instant,
    payload: Vec<u8>,
    request: Request,
    /// The members when it was sent, and the time since they joined.
    audience: BTreeMap<String, Duration>,
}

/// The running nodes whose join was answered, with the time since.
fn members(world: &World) -> BTreeMap<String, Duration> {
    let mut members = BTreeMap::new();
    for name in world.running() {
        let answers = world.answers(name);
        let joined = answers.iter().find(|(_, it)| matches!(it, Ok(Answer::Joined { .. })));
        let since = joined.map(|(at, _)| *at).or((name == "n0").then_some(Instant::ORIGIN));
        if let Some(since) = since {
            members.insert(name.to_owned(), world.now() - since);
        }
    }
    members
}

fn percentile(sorted: &[Duration], thousandths: usize) -> Duration {
    sorted[(sorted.len() - 1) * thousandths / 1000]
}

#[test]
fn s52_broadcasts_reach_everybody_who_is_there_throughout_during_churn() {
    let mut world = WorldOptions::new(1).digest(false).build();
    world.form(NODES);
    let origins: Vec<String> = (0..10).map(|number| format!("n{}", number * 90 + 5)).collect();
    let spared: Vec<&str> = origins.iter().map(String::as_str).collect();
    // A tenth of the cluster is replaced in each minute.
    let mut churn = Churn::new(&world, 100, &spared);
    churn.run(&mut world, secs(30));

    let mut sent = Vec::new();
    for number in 0..BROADCASTS {
        let payload = format!("broadcast {number}").into_bytes();
        let origin = &origins[number % origins.len()];
        let request = world.request(origin, |node, now| node.broadcast(now, &payload));
        let request = request.expect("there is room");
        let mut audience = members(&world);
        audience.remove(origin);
        sent.push(Sent { at: world.now(), payload, request, audience });
        churn.run(&mut world, millis(300));
    }
    churn.run(&mut world, PATIENCE);

    // A name that still runs has run throughout: no node is started twice.
    let there: BTreeSet<String> = world.running().map(str::to_owned).collect();
    let mut heard: BTreeMap<(&str, &[u8]), Instant> = BTreeMap::new();
    for name in &there {
        for record in world.events(name) {
            if let Event::Broadcast { payload, .. } = &record.event {
                let repeated = heard.insert((name, payload), record.at);
                assert_eq!(repeated, None, "{name} heard {payload:?} twice");
            }
        }
    }
    let (mut missed_by_newcomers, mut latencies) = (0, Vec::new());
    for broadcast in &sent {
        assert_eq!(world.answer(broadcast.request), Some(&Ok(Answer::Spread)));
        for (name, member_for) in &broadcast.audience {
            if !there.contains(name) {
                continue;
            }
            match heard.get(&(name.as_str(), &broadcast.payload)) {
                Some(at) => latencies.push(*at - broadcast.at),
                // Hardly any peer knew it yet.
                None if *member_for < NEWCOMER => {
                    println!("{name} missed one, {member_for:?} after it had joined");
                    missed_by_newcomers += 1;
                }
                None => world.fail(&format!("{name} missed one after {member_for:?}"), None),
            }
        }
    }
    latencies.sort();
    let reached = latencies.len();
    println!("{BROADCASTS} broadcasts: {reached} deliveries; after their start");
    for (text, thousandths) in [("50%", 500), ("90%", 900), ("99%", 990), ("99.9%", 999)] {
        println!("  {text} within {:?}", percentile(&latencies, thousandths));
    }
    println!("  all within {:?}", latencies[reached - 1]);
    assert!(reached > BROADCASTS * NODES * 3 / 4, "most are there throughout: {reached}");
    assert!(missed_by_newcomers < 10, "{missed_by_newcomers}");
    assert!(latencies[reached - 1] < secs(5), "{:?}", latencies[reached - 1]);
}
