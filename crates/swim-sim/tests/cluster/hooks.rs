//! Decisions of the application while the node works.

use bytes::Bytes;
use core::sync::atomic::{AtomicUsize, Ordering};
use swim_core::wire::Wire;
use swim_core::{
    Answer, Config, ConnectionError, DropReason, Event, Failure, Hooks, Incarnation, MemberRef,
    Merge, State,
};
use swim_sim::{World, WorldOptions, millis, secs};

/// Hooks that answer one question with a function.
#[derive(Debug)]
struct Admit(fn(&MemberRef<'_>) -> bool);

impl Hooks for Admit {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        (self.0)(member)
    }
}

#[derive(Debug)]
struct AcceptMerge(fn(&Merge<'_>) -> bool);

impl Hooks for AcceptMerge {
    fn accept_merge(&mut self, merge: &Merge<'_>) -> bool {
        (self.0)(merge)
    }
}

/// Counts its calls, and answers with the count.
#[derive(Debug, Default)]
struct Counting {
    acks: u32,
    states: u32,
}

impl Hooks for Counting {
    fn ack_payload(&mut self) -> Option<Bytes> {
        self.acks += 1;
        Some(format!("ack {}", self.acks).into())
    }

    fn local_state(&mut self, join: bool) -> Option<Bytes> {
        self.states += 1;
        Some(format!("state {} join {join}", self.states).into())
    }
}

/// Gives more than may be sent.
#[derive(Debug)]
struct Lavish;

impl Hooks for Lavish {
    fn ack_payload(&mut self) -> Option<Bytes> {
        Some(vec![1; 2000].into())
    }

    fn local_state(&mut self, _join: bool) -> Option<Bytes> {
        Some(vec![1; 2000].into())
    }
}

const WIRES: [Wire; 2] = [Wire::Swim, Wire::Memberlist];

fn speak(wire: Wire, config: &mut Config) {
    if wire == Wire::Memberlist {
        *config = config.clone().memberlist();
    }
}

/// The names of the peers that a node lists as alive, sorted.
fn alive(world: &World, name: &str) -> Vec<String> {
    let others = world.node(name).members().skip(1);
    let mut names: Vec<String> = others
        .filter(|member| member.state == State::Alive)
        .map(|member| member.name.to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_member_that_is_not_admitted_is_dropped_and_counted_and_the_others_are_taken_in() {
    let mut world = WorldOptions::new(1)
        .configure(|number, config| {
            config.meta = if number == 2 { "zone=b".into() } else { "zone=a".into() };
        })
        .hooks(|_| Box::new(Admit(|member| member.meta.starts_with(b"zone=a"))))
        .build();
    world.gather(4);
    world.run(secs(60));
    assert_eq!(alive(&world, "n0"), ["n1", "n3"]);
    assert_eq!(alive(&world, "n1"), ["n0", "n3"]);
    let drops = world.node("n0").stats().drops;
    assert!(drops[DropReason::NotAdmitted] > 0);
    let told = world.events("n0").iter().filter(|record| {
        matches!(record.event, Event::BadInput { reason: DropReason::NotAdmitted, .. })
    });
    assert!(told.count() >= 1, "somebody is told");
}

#[test]
fn what_a_member_announces_anew_is_asked_about_and_what_was_known_stays() {
    let mut world =
        WorldOptions::new(2).hooks(|_| Box::new(Admit(|member| member.meta != b"bad"))).build();
    world.form(3);
    world.set_meta("n1", "good");
    world.run(secs(3));
    world.set_meta("n1", "bad");
    world.run(secs(60));
    for observer in ["n0", "n2"] {
        assert_eq!(world.state(observer, "n1"), Some(State::Alive));
        assert_eq!(world.node(observer).member("n1").expect("a member").meta, b"good");
    }
    world.set_meta("n1", "better");
    world.settle(secs(40));
}

#[test]
fn a_member_that_is_known_can_refute_without_being_asked_about() {
    // The hook is asked only about changes: one that turns strict does not fail present members.
    let mut world = WorldOptions::new(3)
        .hooks(|_| Box::new(Admit(|member| member.incarnation < Incarnation(u32::MAX / 2))))
        .build();
    world.form(5);
    world.pause("n2");
    world.run(secs(3));
    world.resume("n2");
    world.settle(secs(30));
    world.expect_never_failed("n2");
}

#[test]
fn a_node_that_wants_to_join_is_turned_away_by_the_merge_hook() {
    let mut world = WorldOptions::new(4)
        .configure(|number, config| config.meta = if number < 3 { "a".into() } else { "b".into() })
        .hooks(|number| {
            if number < 3 {
                Box::new(AcceptMerge(|merge| merge.members().all(|member| member.meta == b"a")))
            } else {
                Box::new(AcceptMerge(|_| true))
            }
        })
        .build();
    world.form(3);
    world.start("stranger");
    let request = world.join("stranger", "n0");
    world.run(secs(5));
    // It is turned away while its data may still be on its way.
    let turned_away = [Failure::Refused, Failure::Connection(ConnectionError::Reset)].map(Err);
    assert!(world.answer(request).is_some_and(|answer| turned_away.contains(answer)));
    assert_eq!(world.state("n0", "stranger"), None);
    assert_eq!(world.state("stranger", "n0"), None, "nor does it learn who is there");
    assert_eq!(world.node("n0").stats().drops[DropReason::MergeRefused], 1);
    assert_eq!(world.node("n0").members_live(), 3);
}

#[test]
fn the_joining_node_may_refuse_too() {
    let mut world = WorldOptions::new(5)
        .hooks(|number| Box::new(AcceptMerge(if number == 1 { |_| false } else { |_| true })))
        .build();
    world.start("n0");
    world.start("n1");
    let request = world.join("n1", "n0");
    world.run(secs(5));
    let refused = Failure::BadAnswer { reason: DropReason::MergeRefused };
    assert_eq!(world.answer(request), Some(&Err(refused)));
    assert_eq!(world.state("n1", "n0"), None);
}

#[test]
fn the_merge_hook_sees_who_asks_whether_it_is_a_join_and_everybody_in_it() {
    static OF_ALL: AtomicUsize = AtomicUsize::new(0);
    let mut world = WorldOptions::new(6)
        .hooks(|number| {
            if number == 0 {
                Box::new(AcceptMerge(|merge| {
                    let names: Vec<&str> = merge.members().map(|member| member.name).collect();
                    assert!(names[0].starts_with('n'), "the sender stands first: {names:?}");
                    // The joins here are of one node each. Push/pulls begin with the sender alone,
                    // and send all members if the views differ.
                    assert!(names.len() == 1 || !merge.is_join() && names.len() == 3, "{names:?}");
                    OF_ALL.fetch_add(usize::from(names.len() == 3), Ordering::Relaxed);
                    assert!(merge.from().ip().to_string().starts_with("10.0.0."));
                    true
                }))
            } else {
                Box::new(AcceptMerge(|_| true))
            }
        })
        .configure(|_, config| config.push_pull_interval = secs(5))
        .build();
    for name in ["n0", "n1", "n2"] {
        world.start(name);
    }
    world.join("n1", "n0");
    world.join("n2", "n0");
    world.run(secs(60));
    // An update that gossip does not bring to n0.
    world.block_datagrams("n1", "n0");
    world.block_datagrams("n2", "n0");
    world.set_meta("n2", "news");
    world.run(secs(60));
    world.expect_converged();
    assert!(OF_ALL.load(Ordering::Relaxed) > 0);
}

/// Two clusters without a label, distinguished by metadata. A host of the first joins the second,
/// under another name at the same address.
fn a_reused_address(seed: u64, wire: Wire) -> World {
    let mut world = WorldOptions::new(seed)
        .configure(move |number, config| {
            speak(wire, config);
            config.meta = if number < 4 { "cluster=a".into() } else { "cluster=b".into() };
            config.push_pull_interval = secs(2);
        })
        .hooks(|_| Box::new(OneCluster { mine: None }))
        .build();
    for name in ["a0", "a1", "a2", "a3", "b0", "b1", "b2"] {
        world.start(name);
    }
    for (name, contact) in [("a1", "a0"), ("a2", "a0"), ("a3", "a0"), ("b1", "b0"), ("b2", "b0")] {
        world.join(name, contact);
    }
    world.run(secs(10));
    // The host of a3 is given to the other cluster.
    world.restart_with("a3", |config| {
        config.name = "b3".parse().expect("a name");
        config.meta = "cluster=b".into();
    });
    world.join("a3", "b0");
    world
}

/// Refuses members of the other cluster, and merges with any of them.
#[derive(Debug)]
struct OneCluster {
    mine: Option<Vec<u8>>,
}

impl OneCluster {
    /// Takes the metadata of the first member it sees for its own: in a merge, the node that joins
    /// or is joined.
    fn is_mine(&mut self, meta: &[u8]) -> bool {
        self.mine.get_or_insert_with(|| meta.to_vec()) == meta
    }
}

impl Hooks for OneCluster {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        self.is_mine(member.meta)
    }

    fn accept_merge(&mut self, merge: &Merge<'_>) -> bool {
        merge.members().all(|member| self.is_mine(member.meta))
    }
}

#[test]
fn s29_the_merge_hook_keeps_clusters_apart_when_an_address_is_reused() {
    for (seed, wire) in (0..5).flat_map(|seed| WIRES.map(|wire| (seed, wire))) {
        let mut world = a_reused_address(seed, wire);
        world.run(secs(300));
        assert_eq!(alive(&world, "a0"), ["a1", "a2"], "seed {seed}");
        assert_eq!(alive(&world, "b0"), ["b1", "b2", "b3"], "seed {seed}");
        let refused = world.node("a3").stats().drops[DropReason::MergeRefused];
        println!("seed {seed}: {refused} exchanges refused on anti-entropy");
    }
}

#[test]
fn s29_a_node_of_one_cluster_that_is_sent_to_another_is_vetoed_on_anti_entropy_too() {
    WIRES.into_iter().for_each(is_vetoed_on_anti_entropy);
}

fn is_vetoed_on_anti_entropy(wire: Wire) {
    // The hook allows joins and refuses periodic push/pulls: it is asked on both.
    let mut world = WorldOptions::new(7)
        .hooks(|number| Box::new(AcceptMerge(if number == 0 { |m| m.is_join() } else { |_| true })))
        .configure(move |_, config| {
            speak(wire, config);
            config.push_pull_interval = secs(2);
        })
        .build();
    world.form(2);
    world.command("n1", |node, now| node.set_user_state(now, "news".into())).expect("it fits");
    world.run(secs(20));
    let drops = world.node("n0").stats().drops;
    assert!(drops[DropReason::MergeRefused] > 3);
    let heard = world
        .events("n0")
        .iter()
        .any(|record| matches!(&record.event, Event::UserState { state, .. } if state == "news"));
    assert!(!heard, "nothing of a refused exchange is taken in");
    world.expect_never_failed("n0");
    world.expect_never_failed("n1");
}

#[test]
fn s29_with_labels_nothing_of_the_other_cluster_is_accepted() {
    let mut world = WorldOptions::new(8)
        .configure(|number, config| {
            config.label = if number < 3 { "a".into() } else { "b".into() };
        })
        .build();
    for name in ["a0", "a1", "a2", "b0", "b1"] {
        world.start(name);
    }
    world.join("a1", "a0");
    world.join("a2", "a0");
    world.join("b1", "b0");
    world.run(secs(5));
    world.restart_with("a2", |config| {
        config.name = "b2".parse().expect("a name");
        config.label = "b".into();
    });
    world.join("a2", "b0");
    world.run(secs(60));
    assert_eq!(alive(&world, "a0"), ["a1"]);
    assert_eq!(alive(&world, "b0"), ["b1", "b2"]);
    assert!(world.node("a2").stats().drops[DropReason::LabelMismatch] > 3);
    let told = |host: &str| {
        let events = world.events("a2").iter();
        let address = world.address(host).ip();
        events
            .filter(|record| {
                let expected = DropReason::LabelMismatch;
                matches!(&record.event, Event::BadInput { from, reason, .. }
                    if *reason == expected && from.ip() == address)
            })
            .count()
    };
    assert!(told("a0") + told("a1") >= 1);
    assert!(told("a0") <= 1 && told("a1") <= 1, "once for each host");
}

#[test]
fn the_ack_payload_is_asked_for_with_each_ack() {
    let mut world = WorldOptions::new(9).hooks(|_| Box::<Counting>::default()).build();
    world.form(2);
    let mut payloads = Vec::new();
    for _ in 0..3 {
        let request = world.request("n0", |node, now| node.ping(now, "n1")).expect("a member");
        world.run(millis(50));
        match world.answer(request) {
            Some(Ok(Answer::Pong { payload, .. })) => payloads.push(payload.clone()),
            other => panic!("{other:?}"),
        }
    }
    assert!(payloads.iter().all(|payload| payload.starts_with(b"ack ")), "{payloads:?}");
    assert!(payloads[0] != payloads[1] && payloads[1] != payloads[2], "{payloads:?}");
}

#[test]
fn the_local_state_is_asked_for_with_each_exchange() {
    let mut world = WorldOptions::new(10)
        .hooks(|_| Box::<Counting>::default())
        .configure(|_, config| config.push_pull_interval = secs(2))
        .build();
    world.form(2);
    world.run(secs(30));
    let (mut joins, mut periodic) = (Vec::new(), Vec::new());
    for record in world.events("n0") {
        if let Event::UserState { join, state, .. } = &record.event {
            if *join { &mut joins } else { &mut periodic }.push(state.clone());
        }
    }
    assert_eq!(joins, ["state 1 join true"]);
    assert!(periodic.len() > 5);
    assert!(periodic.iter().all(|state| state.ends_with(b"join false")));
    periodic.dedup();
    assert!(periodic.len() > 5, "made anew each time: {periodic:?}");
}

#[test]
fn what_a_hook_gives_beyond_the_limits_is_not_sent() {
    let mut world = WorldOptions::new(11)
        .hooks(|_| Box::new(Lavish))
        .configure(|_, config| config.user_state_size_max = 1000)
        .build();
    world.form(3);
    let request = world.request("n0", |node, now| node.ping(now, "n1")).expect("a member");
    world.run(secs(60));
    let answer = world.answer(request);
    assert!(matches!(answer, Some(Ok(Answer::Pong { payload, .. })) if payload.is_empty()));
    for name in ["n0", "n1", "n2"] {
        let states = world
            .events(name)
            .iter()
            .filter(|record| matches!(record.event, Event::UserState { .. }));
        assert_eq!(states.count(), 0);
    }
    world.expect_converged();
}
