//! A leave in a large cluster whose members come and go.
//!
//! `SWIM_SIM_LARGE=1` runs more seeds and clusters of 3,600, which takes many minutes;
//! `-- --nocapture` prints the measurements.

use swim_core::{Answer, State};
use swim_sim::{Churn, World, WorldOptions, secs};

use crate::common::large;

/// The members that leave in each cluster, one after the other.
const LEAVERS: [&str; 4] = ["n1", "n2", "n3", "n4"];

/// The views of one leaving member, over all nodes that take part, at one instant.
#[derive(Clone, Copy, Debug, Default)]
struct Views {
    live: usize,
    left: usize,
    failed: usize,
    /// Nodes that came later and never heard of it.
    unknown: usize,
}

impl Views {
    fn of(world: &World, subject: &str) -> Views {
        let mut views = Views::default();
        for observer in world.running() {
            let count = match world.state(observer, subject) {
                Some(State::Alive | State::Suspect) => &mut views.live,
                Some(State::Left) => &mut views.left,
                Some(State::Failed) => &mut views.failed,
                None => &mut views.unknown,
            };
            *count += 1;
        }
        views
    }

    /// Adds the views of another member.
    fn add(&mut self, other: Views) {
        self.live += other.live;
        self.left += other.left;
        self.failed += other.failed;
        self.unknown += other.unknown;
    }

    /// The share of nodes that know that it left, among those that know the member, in hundredths
    /// of a percent, rounded down.
    fn left_share(self) -> usize {
        self.left * 10_000 / (self.live + self.left + self.failed)
    }
}

/// Lets members leave a cluster of `nodes`, in which `per_minute` are replaced each minute. Checks
/// their peers' views at the instant of the answer.
fn expect_leaves_to_be_seen(seed: u64, nodes: usize, per_minute: u32) {
    let mut world = WorldOptions::new(seed).digest(false).records(false).build();
    world.form(nodes);
    let mut churn = Churn::new(&world, per_minute, &LEAVERS);
    churn.run(&mut world, secs(40));
    let (mut all, mut each) = (Views::default(), Vec::new());
    for leaver in LEAVERS {
        let asked = world.now();
        let request = world.leave(leaver);
        assert!(churn.run_until(&mut world, secs(30), |world| world.answer(request).is_some()));
        assert_eq!(world.answer(request), Some(&Ok(Answer::Left)));
        let (views, took) = (Views::of(&world, leaver), world.now() - asked);
        println!("{nodes} nodes, {per_minute}/min, seed {seed}, {leaver}: {took:.3?}, {views:?}");
        all.add(views);
        each.push(views);
        assert_eq!(views.failed, 0, "seed {seed}: {views:?}");
        // The process ends, as it normally would.
        world.crash(leaver);
        churn.run(&mut world, secs(5));
    }
    // In a cluster of 1,000, one in a thousand allows no exception: by chance, one leave in thirty
    // breaks such a bound. So it applies to all leaves of a cluster together.
    assert!(all.left_share() >= 9990, "seed {seed}: {all:?}");
    // No node changes its view to something else.
    for (leaver, before) in LEAVERS.into_iter().zip(each) {
        let later = Views::of(&world, leaver);
        assert!(later.live <= before.live, "{leaver}: {later:?}, before {before:?}");
        assert_eq!(later.failed, 0, "{leaver}: {later:?}");
    }
}

#[test]
fn s45_a_leave_is_seen_as_left_by_all_but_one_in_a_thousand_before_its_answer() {
    expect_leaves_to_be_seen(0, 1000, 100);
    if large() {
        for seed in 0..4 {
            expect_leaves_to_be_seen(seed, 1000, 10);
            expect_leaves_to_be_seen(seed + 1, 1000, 100);
        }
    }
}

#[test]
fn s45_a_leave_in_a_cluster_of_3600_is_seen_as_left_before_its_answer() {
    if large() {
        for per_minute in [36, 360] {
            expect_leaves_to_be_seen(0, 3600, per_minute);
        }
    }
}
