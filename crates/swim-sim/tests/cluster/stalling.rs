//! Stalled processes: their actions meanwhile, and the order in which they catch up.

use std::cell::RefCell;
use std::rc::Rc;

use swim_core::{Answer, Event, Failure, RequestId};
use swim_sim::checkers::{Checker, Sight, Verdict};
use swim_sim::{Latency, Stall, Stalls, World, WorldOptions, millis, secs};

use crate::common::first_bytes_received;

const MODELS: [Stall; 3] = [Stall::Replay, Stall::TimersFirst, Stall::HeldIo];

fn cluster(seed: u64, nodes: usize) -> World {
    let mut world = World::new(seed);
    world.form(nodes);
    world
}

fn send(world: &mut World, from: &str, to: &str, number: u8) {
    world.command(from, |node, now| node.send(now, to, &[number])).expect("a member");
}

#[test]
fn a_stalled_process_neither_sends_nor_hears() {
    for model in MODELS {
        let mut world = cluster(1, 4);
        world.stall("n3", model);
        let before = world.node("n3").stats().clone();
        let told = world.traffic();
        world.run(secs(2));
        let after = world.node("n3").stats().clone();
        assert_eq!(after.packets_received, before.packets_received, "{model:?}");
        // Its peers keep probing it, without an answer, and declare it failed.
        assert!(world.traffic().packets > told.packets);
        world.run(secs(60));
        world.expect_failed("n3");
        world.resume("n3");
        world.settle(secs(60));
    }
}

#[test]
fn timers_stand_still_in_a_paused_process_and_run_in_one_whose_io_is_held() {
    let probes_in_10_s = |model| {
        let mut world = cluster(2, 4);
        world.stall("n3", model);
        let before = world.node("n3").stats().probes;
        world.run(secs(10));
        world.node("n3").stats().probes - before
    };
    assert_eq!(probes_in_10_s(Stall::Replay), 0);
    assert_eq!(probes_in_10_s(Stall::TimersFirst), 0);
    // Failed probes make it probe more slowly.
    assert!((2..=10).contains(&probes_in_10_s(Stall::HeldIo)));
}

#[test]
fn what_arrived_during_a_stall_is_heard_in_order_when_it_ends() {
    for model in MODELS {
        let mut world = cluster(3, 3);
        world.stall("n2", model);
        for number in 0..10 {
            send(&mut world, ["n0", "n1"][usize::from(number % 2)], "n2", number);
            world.run(millis(50));
        }
        assert_eq!(first_bytes_received(&world, "n2"), []);
        world.resume("n2");
        assert_eq!(first_bytes_received(&world, "n2"), (0..10).collect::<Vec<u8>>(), "{model:?}");
    }
}

#[test]
fn what_is_sent_while_io_is_held_leaves_in_order_when_it_ends() {
    let mut world = WorldOptions::new(4).latency(Latency::Fixed(millis(10))).build();
    world.form(3);
    world.stall("n2", Stall::HeldIo);
    let before = world.traffic().packets;
    for number in 0..10 {
        send(&mut world, "n2", "n0", number);
    }
    let reliable = world.request("n2", |node, now| node.send_reliable(now, "n0", &[77]));
    let reliable = reliable.expect("a member");
    assert_eq!(world.traffic().packets, before, "nothing leaves");
    world.run(secs(1));
    assert_eq!((first_bytes_received(&world, "n0"), world.answer(reliable)), (vec![], None));
    world.resume("n2");
    world.run(millis(11));
    assert_eq!(first_bytes_received(&world, "n0"), (0..10).collect::<Vec<u8>>());
    world.run(secs(1));
    assert!(matches!(world.answer(reliable), Some(Ok(_))));
    assert_eq!(first_bytes_received(&world, "n0").last(), Some(&77));
}

#[test]
fn held_sends_leave_before_held_receives_are_heard() {
    // The ping that waits in the socket is answered after the node's held output has left.
    let heard = Rc::new(RefCell::new(Vec::new()));
    let listener = Listener(heard.clone());
    let mut world =
        WorldOptions::new(5).latency(Latency::Fixed(millis(10))).check(listener).build();
    world.form(2);
    world.stall("n1", Stall::HeldIo);
    send(&mut world, "n1", "n0", 1);
    let ping = world.request("n0", |node, now| node.ping(now, "n1")).expect("a member");
    world.run(millis(100));
    let sent = world.node("n1").stats().packets_sent;
    world.resume("n1");
    assert!(world.node("n1").stats().packets_sent > sent, "it answers");
    world.run(millis(11));
    assert!(matches!(world.answer(ping), Some(Ok(_))));
    assert_eq!(*heard.borrow(), ["message", "pong"]);
}

/// Messages and pongs that reach applications, in order.
struct Listener(Rc<RefCell<Vec<&'static str>>>);

impl Checker for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn event(&mut self, _by: &Sight<'_>, event: &Event) -> Verdict {
        if let Event::Message { .. } = event {
            self.0.borrow_mut().push("message");
        }
        Ok(())
    }

    fn answer(
        &mut self,
        _by: &Sight<'_>,
        _id: RequestId,
        result: &Result<Answer, Failure>,
    ) -> Verdict {
        if let Ok(Answer::Pong { .. }) = result {
            self.0.borrow_mut().push("pong");
        }
        Ok(())
    }
}

#[test]
fn the_socket_of_a_stalled_process_keeps_so_many_datagrams_in_every_model() {
    for model in MODELS {
        let mut world =
            WorldOptions::new(6).latency(Latency::Fixed(millis(1))).socket_buffer(3).build();
        world.form(2);
        world.stall("n1", model);
        for number in 0..5 {
            send(&mut world, "n0", "n1", number);
        }
        world.run(millis(10));
        let before = world.traffic();
        assert!(before.packets_overflowed >= 2, "{model:?}");
        world.resume("n1");
        assert_eq!(world.traffic().packets_delivered, before.packets_delivered + 3);
        assert_eq!(first_bytes_received(&world, "n1"), [0, 1, 2], "the newest are dropped");
    }
}

/// How often a node suspects its only peer, if it repeatedly stalls for 3 s, without the core's own
/// remedy against lateness.
fn suspicions_of_the_other(model: Stall) -> usize {
    let mut suspicions = 0;
    for seed in 0..10 {
        // A probe is in progress during two fifths of the time.
        let mut world = WorldOptions::new(seed)
            .latency(Latency::Fixed(millis(200)))
            .configure(|_, config| config.lateness = false)
            .build();
        world.form(2);
        for round in 0..5 {
            world.run(secs(10) + millis(97 * (seed + round)));
            world.stall("n0", model);
            world.run(secs(3));
            world.resume("n0");
        }
        world.run(secs(10));
        let is_it =
            |event: &Event| matches!(event, Event::Suspected { member, .. } if member.name == "n1");
        suspicions += world.events("n0").iter().filter(|record| is_it(&record.event)).count();
    }
    suspicions
}

#[test]
fn whether_timers_or_sockets_come_first_decides_whom_a_late_process_blames() {
    assert_eq!(suspicions_of_the_other(Stall::Replay), 0);
    assert!(suspicions_of_the_other(Stall::TimersFirst) > 5);
    assert!(suspicions_of_the_other(Stall::HeldIo) > 5);
}

#[test]
fn a_process_that_crashes_in_a_stall_sends_nothing_of_what_it_held() {
    for model in MODELS {
        let mut world = cluster(7, 3);
        world.stall("n2", model);
        if model == Stall::HeldIo {
            send(&mut world, "n2", "n0", 1);
        }
        send(&mut world, "n0", "n2", 2);
        world.run(secs(1));
        world.crash("n2");
        world.restart("n2");
        world.join("n2", "n0");
        world.settle(secs(20));
        assert_eq!(
            (first_bytes_received(&world, "n0"), first_bytes_received(&world, "n2")),
            (vec![], vec![])
        );
        // Its stall has ended, so it can stall again.
        world.stall("n2", model);
        world.resume("n2");
    }
}

#[test]
#[should_panic(expected = "stalled already")]
fn a_stalled_process_cannot_be_stalled_again() {
    let mut world = cluster(8, 2);
    world.stall("n1", Stall::HeldIo);
    world.pause("n1");
}

#[test]
#[should_panic(expected = "neither paused nor stalled")]
fn a_running_process_cannot_be_resumed() {
    cluster(8, 2).resume("n1");
}

/// When each of some nodes was not running, in samples every 100 ms.
fn stalled_samples(world: &mut World, stalls: &mut Stalls, names: &[&str]) -> Vec<Vec<bool>> {
    (0..300)
        .map(|_| {
            stalls.run(world, millis(100));
            let running: Vec<&str> = world.running().collect();
            names.iter().map(|name| !running.contains(name)).collect()
        })
        .collect()
}

#[test]
fn scheduled_stalls_take_their_share_of_the_time_each_at_its_own_phase() {
    let mut world = cluster(9, 6);
    let names = ["n1", "n2", "n3"];
    let mut stalls = Stalls::new(&world, &names, Stall::Replay, millis(400), millis(600));
    let samples = stalled_samples(&mut world, &mut stalls, &names);
    for (index, name) in names.iter().enumerate() {
        let stalled = samples.iter().filter(|sample| sample[index]).count();
        assert!((110..=130).contains(&stalled), "{name} in {stalled} of 300 samples");
    }
    let different = samples.iter().filter(|sample| sample[0] != sample[1]).count();
    assert!(different > 20, "{different}");
    stalls.end(&mut world);
    assert_eq!(world.running().count(), 6);
}

#[test]
fn stalls_together_begin_and_end_at_the_same_instant() {
    let mut world = cluster(10, 6);
    let names = ["n1", "n2", "n3"];
    let mut stalls = Stalls::together(&world, &names, Stall::HeldIo, secs(1), secs(2));
    let samples = stalled_samples(&mut world, &mut stalls, &names);
    assert!(samples.iter().all(|sample| sample[0] == sample[1] && sample[1] == sample[2]));
    assert!(samples[0][0], "from the beginning");
    let stalled = samples.iter().filter(|sample| sample[0]).count();
    assert!((99..=101).contains(&stalled), "{stalled}");
}

#[test]
fn stalls_pass_over_who_is_down_or_was_stalled_by_somebody_else() {
    let mut world = cluster(11, 5);
    world.pause("n1");
    world.crash("n2");
    let names = ["n1", "n2", "n3"];
    let mut stalls = Stalls::together(&world, &names, Stall::HeldIo, millis(200), millis(100));
    stalls.run(&mut world, millis(250));
    assert!(world.running().all(|name| name != "n1"), "it was not theirs to let go on");
    world.restart("n2");
    world.crash("n3");
    stalls.run(&mut world, secs(5));
    stalls.end(&mut world);
    world.resume("n1");
    world.restart("n3");
    assert_eq!(world.running().count(), 5);
}

#[test]
fn a_schedule_of_stalls_is_the_same_for_the_same_seed() {
    let run = |seed| {
        let mut world = cluster(seed, 5);
        let mut stalls =
            Stalls::new(&world, &["n1", "n4"], Stall::HeldIo, millis(700), millis(900));
        stalls.run(&mut world, secs(30));
        world.digest()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
