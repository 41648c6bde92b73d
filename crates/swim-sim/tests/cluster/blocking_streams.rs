//! Filtered streams: a member whose datagrams arrive stays alive, and nodes report that its streams
//! do not.

use swim_core::Event;
use swim_sim::{World, secs};

use crate::common::{names, on_both_wires};

/// How often a node reported that no stream to a peer gets through.
fn times_told(world: &World, observer: &str, peer: &str) -> usize {
    let names_it = |event: &Event| match event {
        Event::StreamsBlocked { member, .. } => member.name == peer,
        _ => false,
    };
    world.events(observer).iter().filter(|record| names_it(&record.event)).count()
}

#[test]
fn s70_a_member_without_streams_stays_alive_and_everybody_is_told_once() {
    for nodes in [2, 5, 8] {
        on_both_wires(0..5, |options| {
            let mut world = options.build();
            world.form(nodes);
            world.block_streams_of("n1");
            world.run(secs(3600));
            for name in names(nodes) {
                world.expect_never_failed(&name);
            }
            for other in names(nodes).iter().filter(|name| *name != "n1") {
                for (observer, peer) in [(other.as_str(), "n1"), ("n1", other.as_str())] {
                    let times = times_told(&world, observer, peer);
                    if times != 1 {
                        world.fail(&format!("{observer} was told {times} times"), Some(peer));
                    }
                }
            }
            // It is reported again if it was over in between.
            world.heal();
            world.run(secs(1200));
            world.block_streams_of("n1");
            world.run(secs(3600));
            assert_eq!(times_told(&world, "n0", "n1"), 2, "{}", world.report(Some("n1")));
        });
    }
}

#[test]
fn nothing_is_told_of_streams_to_a_member_that_crashes_and_comes_back() {
    on_both_wires(0..10, |options| {
        let mut world = options.build();
        world.form(5);
        for _ in 0..5 {
            world.crash("n1");
            world.run(secs(60));
            world.restart("n1");
            world.join("n1", "n0");
            world.run(secs(60));
        }
        for observer in names(5) {
            for peer in names(5) {
                assert_eq!(times_told(&world, &observer, &peer), 0, "{observer} of {peer}");
            }
        }
    });
}
