//! Nodes that can reach each other soon agree.

use core::time::Duration;

use super::{Checker, Verdict};
use crate::world::World;

/// Checks that in a [calm](World::calm) world all nodes come to agree, and stay in agreement.
///
/// They agree ([`World::converged`]) within [`bounds::settling`](crate::bounds::settling) of the
/// slowest configuration among them. Members that a [hostile host](World::set_hostile) made up, if
/// there are no keys, count as members: the nodes have to find out that they do not exist.
#[derive(Debug, Default)]
pub struct Convergence {}

impl Checker for Convergence {
    fn name(&self) -> &'static str {
        "convergence"
    }

    fn look(&mut self, world: &World) -> Verdict {
        let Some(calm) = world.calm_since() else {
            return Ok(());
        };
        let bound = settling(world);
        if calm + bound > world.now() {
            return Ok(());
        }
        match world.disagreement() {
            None => Ok(()),
            Some(disagreement) => Err(format!("calm for longer than {bound:?}: {disagreement}")),
        }
    }
}

fn settling(world: &World) -> Duration {
    let running = || world.hosts.iter().filter(|host| host.takes_part().is_some());
    let nodes = running().count();
    running().map(|host| world.settling(&host.config, nodes)).max().unwrap_or_default()
}
