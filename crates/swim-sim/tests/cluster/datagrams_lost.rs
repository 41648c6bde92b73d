//! Clusters in which no datagram arrives, and the time that news takes there.

use core::time::Duration;

use swim_sim::{World, WorldOptions, secs};

/// A cluster in which no datagram arrives from now on.
pub(crate) fn formed(options: WorldOptions, nodes: usize) -> World {
    let mut world = options.build();
    world.form(nodes);
    for number in 0..nodes {
        world.block_datagrams_to(&format!("n{number}"));
    }
    world
}

/// Whether all nodes know the metadata that a member announces.
fn all_know(world: &World, subject: &str, meta: &str) -> bool {
    let knows = |observer: &str| {
        let member = world.node(observer).member(subject);
        member.is_some_and(|member| member.meta == meta.as_bytes())
    };
    world.running().all(knows)
}

/// The time until all know one member's new metadata, in a cluster in which no datagram arrives.
pub(crate) fn news_takes(options: WorldOptions, nodes: usize) -> Duration {
    let mut world = formed(options, nodes);
    world.run(secs(3));
    let announced = world.now();
    world.set_meta("n3", "moved");
    if !world.run_until(secs(120), |world| all_know(world, "n3", "moved")) {
        world.fail("the news has not reached everybody", Some("n3"));
    }
    world.now() - announced
}
