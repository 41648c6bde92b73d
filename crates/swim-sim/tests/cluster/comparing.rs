//! The periodic push/pull: cheap while views agree, complete if they differ.

use swim_sim::{World, WorldOptions, secs};

/// 200 nodes that know each other. Only push/pulls repair what gossip misses.
fn quiet_cluster(seed: u64) -> World {
    let mut world = WorldOptions::new(seed).build();
    world.assemble(200);
    world
}

#[test]
fn a_push_pull_between_nodes_that_agree_tells_nothing_but_that() {
    let mut world = quiet_cluster(1);
    world.run(secs(600));
    let traffic = world.traffic();
    // Each side sends a header, a frame, its own entry, and the digest.
    assert!(traffic.streams >= 200, "{traffic:?}");
    let per_stream = traffic.stream_bytes / traffic.streams;
    assert!(per_stream < 2 * 80, "{per_stream} bytes per exchange");
    world.expect_converged();
}

#[test]
fn where_views_differ_the_asker_learns_and_teaches_in_one_push_pull() {
    let mut world =
        WorldOptions::new(2).configure(|_, config| config.push_pull_interval = secs(5)).build();
    world.assemble(3);
    // Two updates that no datagram carries: n1 has one, n2 the other.
    for (from, to) in [("n1", "n0"), ("n2", "n0"), ("n1", "n2"), ("n2", "n1")] {
        world.block_datagrams(from, to);
    }
    world.set_meta("n1", "one");
    world.set_meta("n2", "other");
    assert!(world.run_until(secs(30), World::converged), "{}", world.report(None));
}
