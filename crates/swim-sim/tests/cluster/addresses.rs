//! Nodes that announce an address at which nobody reaches them, and what is told of it.

use core::net::SocketAddr;
use core::time::Duration;

use swim_core::{Event, Instant, Member};
use swim_sim::{World, WorldOptions};

pub(crate) const HIDDEN: &str = "hidden";

/// What the hidden node announces: an address on its own host, where nothing listens.
pub(crate) fn announced(nodes: usize) -> SocketAddr {
    let last = u8::try_from(nodes + 1).expect("a small cluster");
    SocketAddr::from(([10, 0, 0, last], 9))
}

/// A cluster that a hidden node has just joined; with what it announces.
pub(crate) fn joined_by_hidden(options: WorldOptions, nodes: usize) -> (World, SocketAddr) {
    let mut world = options.build();
    world.form(nodes);
    world.start_announcing(HIDDEN, announced(nodes));
    world.join(HIDDEN, "n0");
    let joined = |world: &World| world.node(HIDDEN).members_live() == nodes + 1;
    assert!(world.run_until(Duration::from_secs(2), joined), "{}", world.report(Some(HIDDEN)));
    (world, announced(nodes))
}

/// When a node was told that nobody reaches it.
pub(crate) fn told_unreachable(world: &World, name: &str) -> Vec<Instant> {
    let tells = |event: &Event| matches!(event, Event::AddressUnreachable { .. });
    world.events(name).iter().filter(|it| tells(&it.event)).map(|it| it.at).collect()
}

/// How often the hidden node came and failed in the view of another.
pub(crate) fn comings_and_failures(world: &World, observer: &str) -> [usize; 2] {
    let of_hidden = |member: &Member| member.name == HIDDEN;
    let count = |of: &dyn Fn(&Event) -> bool| {
        world.events(observer).iter().filter(|it| of(&it.event)).count()
    };
    let came = |event: &Event| matches!(event, Event::Joined { member, .. } if of_hidden(member));
    let failed = |event: &Event| matches!(event, Event::Failed { member, .. } if of_hidden(member));
    [count(&came), count(&failed)]
}
