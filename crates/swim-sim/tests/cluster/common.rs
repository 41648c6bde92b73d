//! Helpers for tests of several subjects.

use core::net::SocketAddr;
use core::ops::Range;

use swim_core::{Config, Event};
use swim_sim::{World, WorldOptions};

/// The seeds to run: `SWIM_SIM_SEEDS` is their number (50 by default), or a range such as `17..18`.
pub(crate) fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SWIM_SIM_SEEDS") else {
        return 0..50;
    };
    let number = |text: &str| text.parse().expect("SWIM_SIM_SEEDS is COUNT or FROM..TO");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&text),
    }
}

/// Whether `SWIM_SIM_LARGE` asks for runs of several minutes.
pub(crate) fn large() -> bool {
    std::env::var_os("SWIM_SIM_LARGE").is_some()
}

/// The name that the simulator gives this node.
pub(crate) fn name(number: usize) -> String {
    format!("n{number}")
}

/// The names of the first nodes.
pub(crate) fn names(nodes: usize) -> Vec<String> {
    (0..nodes).map(name).collect()
}

/// An address that no node has.
pub(crate) fn outside() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 7946))
}

/// The first bytes of the messages that a node received, in order.
pub(crate) fn first_bytes_received(world: &World, name: &str) -> Vec<u8> {
    let messages = world.events(name).iter().filter_map(|record| match &record.event {
        Event::Message { payload, .. } => payload.first().copied(),
        _ => None,
    });
    messages.collect()
}

/// Runs a test on both wires, with each of these seeds.
pub(crate) fn on_both_wires(seeds: Range<u64>, mut test: impl FnMut(WorldOptions)) {
    for seed in seeds {
        test(WorldOptions::new(seed));
        test(
            WorldOptions::new(seed)
                .profile(|name, address| Config::lan(name, address).memberlist()),
        );
    }
}
