//! The test of `docs/start.md`.

use std::sync::{Arc, Mutex};

use swim_sim::{Options, World, WorldOptions, secs};

type Leader = Arc<Mutex<String>>;

#[test]
fn the_next_name_leads_after_a_crash() {
    for seed in 0..100 {
        let mut world = WorldOptions::new(seed).loss(0.1).build();
        let leaders = ["a", "b", "c"].map(|name| start(&mut world, name));
        world.run(secs(5));
        world.crash("a");
        world.run(secs(60));
        for leader in &leaders[1..] {
            assert_eq!(*leader.lock().expect("no panic"), "b");
        }
        world.restart("a");
        world.run(secs(10));
        for leader in &leaders {
            assert_eq!(*leader.lock().expect("no panic"), "a");
        }
    }
}

fn start(world: &mut World, name: &str) -> Leader {
    let leader = Leader::default();
    let reported = Arc::clone(&leader);
    let seeds = |options: &mut Options| options.seeds = vec!["a:7946".into()];
    world.start_application(name, seeds, move |cluster, _events| {
        let reported = Arc::clone(&reported);
        start::follow_leader(cluster, move |name| {
            *reported.lock().expect("no panic") = name.to_string();
        })
    });
    leader
}
