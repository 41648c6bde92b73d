//! No datagram gets through anywhere, but streams do: news goes over streams.

use core::ops::Range;
use core::time::Duration;

use swim_core::{Answer, State};
use swim_sim::{World, WorldOptions, secs};

use crate::common::on_both_wires;
use crate::datagrams_lost::{formed, news_takes};

const NODES: usize = 8;

/// Lets a member leave, and ends its process as soon as it may. Returns the time until all nodes
/// see it as departed. None may declare it failed.
fn leave_takes(options: WorldOptions, nodes: usize) -> Duration {
    let mut world = formed(options, nodes);
    let asked = world.now();
    let request = world.leave("n3");
    assert!(world.run_until(secs(5), |world| world.answer(request).is_some()));
    assert_eq!(world.answer(request), Some(&Ok(Answer::Left)), "{}", world.report(None));
    world.crash("n3");
    let left = |world: &World| {
        let has_left = |observer| world.state(observer, "n3") == Some(State::Left);
        world.running().all(has_left)
    };
    assert!(world.run_until(secs(60), left), "{}", world.report(Some("n3")));
    let took = world.now() - asked;
    world.run(secs(60));
    world.expect_left("n3");
    world.expect_never_failed("n3");
    took
}

#[test]
fn s69_a_leave_is_seen_as_left_by_all_within_5_s() {
    each_takes_at_most(secs(5), 0..50, leave_takes);
}

#[test]
fn a_leave_of_which_some_are_told_over_streams_comes_to_all_of_40_with_their_probes() {
    let mut took = Vec::new();
    on_both_wires(0..20, |options| took.push(leave_takes(options, 40)));
    took.sort();
    println!("{took:.1?}");
    assert!(took.iter().all(|took| *took <= secs(10)), "{took:?}");
}

#[test]
fn s69_news_reaches_everybody_within_10_s() {
    each_takes_at_most(secs(10), 0..100, news_takes);
}

fn each_takes_at_most(
    limit: Duration,
    seeds: Range<u64>,
    takes: fn(WorldOptions, usize) -> Duration,
) {
    let mut slowest = secs(0);
    on_both_wires(seeds, |options| {
        let took = takes(options, NODES);
        assert!(took <= limit, "{took:?}");
        slowest = slowest.max(took);
    });
    println!("the slowest took {slowest:.1?}");
}
