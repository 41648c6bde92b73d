//! Nodes with an unreachable announced address, and the events about it.

use core::net::SocketAddr;
use core::time::Duration;

use swim_core::{Event, Instant, Member};
use swim_sim::{World, WorldOptions};

pub(crate) const HIDDEN: &str = "hidden";

/// The hidden node's announced address: on its own host, at a port without a listener.
pub(crate) fn announced(nodes: usize) -> SocketAddr {
    let last = u8::try_from(nodes + 1).expect("a small cluster");
    SocketAddr::from(([10, 0, 0, last], 9))
}

/// A cluster that a hidden node has just joined, and the announced address.
pub(crate) fn joined_by_hidden(options: WorldOptions, nodes: usize) -> (World, SocketAddr) {
    let mut world = options.build();
    world.form(nodes);
    world.start_announcing(HIDDEN, announced(nodes));
    world.join(HIDDEN, "n0");
    let joined = |world: &World| world.node(HIDDEN).members_live() == nodes + 1;
    assert!(world.run_until(Duration::from_secs(2), joined), "{}", world.report(Some(HIDDEN)));
    (world, announced(nodes))
}

/// When a node reported that its own address is unreachable.
pub(crate) fn told_unreachable(world: &World, name: &str) -> Vec<Instant> {
    let tells = |event: &Event| matches!(event, Event::AddressUnreachable { .. });
    world.events(name).iter().filter(|it| tells(&it.event)).map(|it| it.at).collect()
}

/// How often the hidden node joined and failed in the view of `observer`.
pub(crate) fn comings_and_failures(world: &World, observer: &str) -> [usize; 2] {
    let of_hidden = |member: &Member| member.name == HIDDEN;
    let count = |of: &dyn Fn(&Event) -> bool| {
        world.events(observer).iter().filter(|it| of(&it.event)).count()
    };
    let came = |event: &Event| matches!(event, Event::Joined { member, .. } if of_hidden(member));
    let failed = |event: &Event| matches!(event, Event::Failed { member, .. } if of_hidden(member));
    [count(&came), count(&failed)]
}
