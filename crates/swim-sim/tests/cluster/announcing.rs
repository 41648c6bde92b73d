//! A node with an unreachable announced address reports it, and no other node does.
//!
//! `-- --nocapture` prints the measurements.

use swim_core::Event;
use swim_sim::{World, secs};

use crate::addresses::{HIDDEN, joined_by_hidden, told_unreachable};
use crate::common::{names, on_both_wires};

fn expect_told(world: &World, name: &str, times: usize) {
    let told = told_unreachable(world, name);
    if told.len() != times {
        world.fail(&format!("{name} was told at {told:?}, not {times} times"), Some(HIDDEN));
    }
}

#[test]
fn s65_a_node_that_nobody_reaches_where_it_is_announced_knows_within_five_probe_intervals() {
    for nodes in [1, 2, 3, 20] {
        on_both_wires(0..10, |options| {
            let (mut world, announced) = joined_by_hidden(options, nodes);
            let (joined, interval) = (world.now(), world.node(HIDDEN).config().probe_interval);
            world.run(interval * 5);
            expect_told(&world, HIDDEN, 1);
            println!("{nodes} nodes: {:?}", told_unreachable(&world, HIDDEN)[0] - joined);
            let of_it = |event: &Event| {
                matches!(
                    event,
                    Event::AddressUnreachable { address, .. } if *address == announced
                )
            };
            let is_told = world.events(HIDDEN).iter().any(|record| of_it(&record.event));
            assert!(is_told, "{}", world.report(Some(HIDDEN)));
            // It goes on to fail and to refute, without a second report.
            world.run(secs(300));
            expect_told(&world, HIDDEN, 1);
            for name in names(nodes) {
                expect_told(&world, &name, 0);
            }
        });
    }
}

#[test]
fn s65_an_address_that_is_lost_later_is_noticed_by_the_first_accusation() {
    for nodes in [2, 5, 20] {
        on_both_wires(0..10, |options| {
            let mut world = options.build();
            world.form(nodes);
            let announced = crate::addresses::announced(nodes);
            world.start_announcing(HIDDEN, announced);
            world.forward(announced, HIDDEN);
            world.join(HIDDEN, "n0");
            let interval = world.node(HIDDEN).config().probe_interval;
            for times in 1..3 {
                world.run(secs(60));
                expect_told(&world, HIDDEN, times - 1);
                world.end_forwarding(announced);
                let end = world.now();
                world.run(secs(120));
                expect_told(&world, HIDDEN, times);
                let accused = |event: &Event| matches!(event, Event::Accused { .. });
                let records = world.events(HIDDEN).iter();
                let accusation = records
                    .filter(|record| record.at > end && accused(&record.event))
                    .map(|record| record.at)
                    .next()
                    .expect("it is accused");
                let told = told_unreachable(&world, HIDDEN)[times - 1];
                assert!(told - accusation <= interval * 5, "{:?}", told - accusation);
                // It can be reached again, so the next time is reported again.
                world.forward(announced, HIDDEN);
            }
        });
    }
}

#[test]
fn s65_a_node_that_hears_little_or_nobody_says_nothing_of_its_address() {
    let troubles: [fn(&mut World); 6] = [
        |world| world.isolate("n1"),
        |world| world.deafen("n1"),
        |world| world.block_datagrams_to("n1"),
        |world| world.block_streams_of("n1"),
        |world| world.set_loss(0.4),
        |world| world.set_loss_to("n1", 0.9),
    ];
    let mut told = 0;
    for trouble in troubles {
        on_both_wires(0..10, |options| {
            let mut world = options.build();
            world.form(8);
            trouble(&mut world);
            world.run(secs(120));
            world.heal();
            world.set_loss_to("n1", 0.0);
            world.set_loss(0.0);
            world.run(secs(60));
            for name in names(8) {
                told += told_unreachable(&world, &name).len();
            }
        });
        println!("{told} were told");
    }
    assert_eq!(told, 0);
}
