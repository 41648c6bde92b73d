//! Nodes look for failed members, with as few pings in a large cluster as in a small one.
//!
//! `-- --nocapture` prints the counts; `SWIM_SIM_LARGE=1` runs larger clusters.

use swim_sim::{WorldOptions, secs};

use crate::common::large;
use crate::searches::{to_many_addresses, to_one_address};

const LAN_PER_SECOND: f64 = 5.0;

fn options(seed: u64, memberlist: bool) -> WorldOptions {
    WorldOptions::new(seed).configure(move |_, config| {
        if memberlist {
            *config = config.clone().memberlist();
        }
    })
}

#[test]
fn s64_one_dead_address_draws_at_most_five_pings_a_second_at_any_size() {
    let sizes: &[usize] = if large() { &[10, 32, 100, 316, 1000] } else { &[10, 100, 316] };
    for (seed, &nodes) in (1..).zip(sizes) {
        for memberlist in [false, true] {
            let rates = to_one_address(options(seed, memberlist), nodes, &[secs(0)]);
            println!("{nodes} nodes, memberlist's wire {memberlist}: {rates:?} per second");
            assert!(rates[0] <= LAN_PER_SECOND, "{nodes} nodes: {rates:?}");
            assert!(rates[0] >= 0.5, "it is looked for: {rates:?}");
        }
    }
}

#[test]
fn s64_the_pings_to_one_dead_address_fall_to_one_in_ten_seconds() {
    let ages = [0, 300, 3600, 7200].map(secs);
    for (seed, nodes) in [(1, 10), (2, 100)] {
        let rates = to_one_address(options(seed, false), nodes, &ages);
        println!("{nodes} nodes: {rates:?} per second after {ages:?}");
        assert!(rates.is_sorted_by(|earlier, later| earlier >= later), "{rates:?}");
        // Six are expected in a minute.
        for late in &rates[2..] {
            assert!((1.0..=16.0).contains(&(late * 60.0)), "{nodes} nodes: {rates:?}");
        }
    }
}

#[test]
fn s64_all_dead_addresses_together_draw_at_most_a_tenth_of_the_probes() {
    let sizes: &[usize] = if large() { &[10, 32, 100] } else { &[10, 32] };
    for (seed, &nodes) in (1..).zip(sizes) {
        let share = to_many_addresses(options(seed, false), nodes);
        println!("{nodes} nodes: {share:.4} pings per probe");
        assert!(share <= 0.1, "{nodes} nodes: {share}");
    }
}
