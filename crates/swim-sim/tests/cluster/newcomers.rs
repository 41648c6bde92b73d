//! Clusters that form through one seed.

use core::time::Duration;

use swim_sim::{Request, World, WorldOptions, millis, secs};

/// When the nodes join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// All at once.
    Together,
    /// Each one as soon as the one before has joined.
    InTurn,
}

/// Joins nodes to the first one. Returns the time from the last join until all know all, at most a
/// minute.
///
/// A node that the seed refuses tries again, as drivers do.
pub(crate) fn until_all_know_all(options: WorldOptions, nodes: usize, order: Order) -> Duration {
    let mut world = options.records(false).build();
    let names: Vec<String> = (0..nodes).map(|number| format!("n{number}")).collect();
    let mut joins: Vec<(usize, Request)> = Vec::new();
    world.start(&names[0]);
    for (number, name) in names.iter().enumerate().skip(1) {
        world.start(name);
        let join = world.join(name, &names[0]);
        joins.push((number, join));
        if order == Order::InTurn {
            assert!(world.run_until(secs(10), |world| world.answer(join).is_some()));
        }
    }
    let begun = world.now();
    let knows_all =
        |world: &World| names.iter().all(|name| world.node(name).members_live() == nodes);
    while !knows_all(&world) && world.now() - begun < secs(60) {
        if !world.run_until(millis(500), knows_all) {
            for (number, join) in &mut joins {
                if matches!(world.answer(*join), Some(Err(_))) {
                    *join = world.join(&names[*number], &names[0]);
                }
            }
        }
    }
    world.now() - begun
}
