//! A leave that no peer hears is no success.

use swim_core::{Answer, Config, Failure, State};
use swim_sim::{World, WorldOptions, secs};

use crate::common::on_both_wires;
use crate::goodbyes::leave_after;

fn expect_unheard(what: &str, act: impl Fn(&mut World)) {
    on_both_wires(0..10, |options| {
        let (world, result) = leave_after(options, &act);
        assert_eq!(result, Err(Failure::NobodyHeard), "{what}: {}", world.report(Some("n1")));
    });
}

#[test]
fn s71_a_leave_that_nobody_hears_is_an_error() {
    expect_unheard("all is dropped silently", |world| world.isolate("n1"));
    expect_unheard("nothing comes back", |world| world.deafen("n1"));
    expect_unheard("nothing gets out", |world| world.silence("n1"));
    expect_unheard("the others are gone", |world| {
        for name in ["n0", "n2", "n3", "n4"] {
            world.crash(name);
        }
    });
    expect_unheard("the others do not run", |world| {
        for name in ["n0", "n2", "n3", "n4"] {
            world.pause(name);
        }
    });
}

#[test]
fn s71_one_peer_that_hears_the_leave_is_enough() {
    on_both_wires(0..10, |options| {
        let (mut world, result) = leave_after(options, |world| {
            world.cut(&["n1"], &["n0", "n2", "n3"]);
        });
        assert_eq!(result, Ok(Answer::Left), "{}", world.report(Some("n1")));
        world.crash("n1");
        world.run(secs(5));
        world.expect_left("n1");
    });
}

#[test]
fn s71_a_leave_is_heard_over_streams_where_datagrams_are_lost() {
    on_both_wires(0..10, |options| {
        let (world, result) = leave_after(options, |world| {
            world.block_datagrams_to("n1");
            world.block_datagrams_from("n1");
        });
        assert_eq!(result, Ok(Answer::Left), "{}", world.report(Some("n1")));
        world.expect_left("n1");
    });
}

#[test]
fn s71_a_node_that_knows_no_live_member_leaves_at_once() {
    on_both_wires(0..4, |options| {
        let mut world = options.build();
        world.form(3);
        world.crash("n0");
        world.crash("n2");
        let alone = |world: &World| {
            ["n0", "n2"].iter().all(|name| world.state("n1", name) == Some(State::Failed))
        };
        assert!(world.run_until(secs(120), alone), "{}", world.report(None));
        let request = world.leave("n1");
        assert_eq!(world.answer(request), Some(&Ok(Answer::Left)));
    });
}

#[test]
fn s71_a_leave_that_nobody_heard_can_be_taken_back() {
    on_both_wires(0..4, |options| {
        let (mut world, result) = leave_after(options, |world| world.isolate("n1"));
        assert_eq!(result, Err(Failure::NobodyHeard));
        world.heal();
        world.join("n1", "n0");
        world.settle(secs(60));
        world.expect_alive_everywhere("n1");
    });
}

#[test]
fn s71_the_answer_comes_in_a_few_seconds_on_each_profile() {
    let profiles: [fn(_, _) -> Config; 3] = [Config::lan, Config::wan, Config::local];
    for profile in profiles {
        let mut world = WorldOptions::new(1).profile(profile).build();
        world.form(2);
        world.crash("n0");
        let request = world.leave("n1");
        assert!(world.run_until(secs(4), |world| world.answer(request).is_some()));
        assert_eq!(world.answer(request), Some(&Err(Failure::NobodyHeard)));
    }
}
