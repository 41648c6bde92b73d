//! No healthy member is declared failed, neither after a partition that is too short for it nor by
//! claims of a broken member.
//!
//! `-- --nocapture` prints the counts; `SWIM_SIM_LARGE=1` runs more seeds, which takes minutes.

use swim_core::Event;
use swim_sim::{WorldOptions, secs};

use crate::common::{large, names};
use crate::doubts::{count, doubts_beside_a_deaf_member, failures_after_a_cut};

fn options(seed: u64, memberlist: bool) -> WorldOptions {
    WorldOptions::new(seed).configure(move |_, config| {
        if memberlist {
            *config = config.clone().memberlist();
        }
    })
}

#[test]
fn s60_late_confirmations_leave_the_time_to_refute() {
    let mut failures = Vec::new();
    for memberlist in [false, true] {
        for seed in 0..20 {
            failures.push(failures_after_a_cut(options(seed, memberlist), 20, 18));
        }
        failures.push(failures_after_a_cut(options(20, memberlist), 100, 30));
    }
    println!("failures after the heal, by run: {failures:?}");
    assert_eq!(failures.iter().sum::<usize>(), 0, "{failures:?}");
}

#[test]
fn s61_a_member_that_hears_nobody_accuses_nobody_once_it_is_failed() {
    for memberlist in [false, true] {
        let [suspicions, failures] = doubts_beside_a_deaf_member(options(1, memberlist));
        println!("memberlist's wire {memberlist}: {suspicions} suspicions, {failures} failures");
        assert!(suspicions <= 100, "{suspicions} false suspicions");
        assert_eq!(failures, 0);
    }
}

#[test]
fn s62_who_declares_a_member_failed_has_asked_it() {
    for memberlist in [false, true] {
        for seed in 0..if large() { 30 } else { 3 } {
            let mut world = options(seed, memberlist).build();
            world.form(100);
            let formed = world.now();
            world.set_loss_to("n3", 0.95);
            world.run(secs(600));
            let failures = count(&world, formed, |observer, event| {
                observer != "n3"
                    && matches!(event, Event::Failed { member, .. } if member.name != "n3")
            });
            println!("memberlist's wire {memberlist}, seed {seed}: {failures} false failures");
            assert_eq!(failures, 0, "seed {seed}");
        }
    }
}

#[test]
fn s63_verdicts_that_cross_after_a_partition_are_asked_about_first() {
    let mut failures = Vec::new();
    for seed in 0..10 {
        let mut world = options(seed, false).build();
        world.form(128);
        let names = names(128);
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        world.cut(&all[..64], &all[64..]);
        world.run(secs(10));
        world.heal();
        let healed = world.now();
        world.run(secs(60));
        failures.push(count(&world, healed, |_, event| matches!(event, Event::Failed { .. })));
        world.expect_converged();
    }
    println!("failures after the heal, by run: {failures:?}");
    // There are 2,350 on average if each verdict is followed at once. The rest was declared before
    // the heal, of members that had been suspected for long.
    let sum: usize = failures.iter().sum();
    assert!(sum <= 400 * failures.len(), "{failures:?}");
}
