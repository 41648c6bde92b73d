//! Many nodes in one process.

use std::time::Instant;

use swim_driver::{Departure, Options, State};

use crate::adapter::Threads;
use crate::case::{Case, case};
use crate::scene::Scene;
use crate::wait::{LIMIT, eventually};

pub(crate) const CASES: &[Case] =
    &[case!(fifty_nodes_in_one_process_agree_about_who_is_there).on(Threads::Many).alone()];

async fn fifty_nodes_in_one_process_agree_about_who_is_there(scene: &Scene) {
    let names: Vec<_> = (0..50).map(|number| format!("n{number}")).collect();
    let with = |options: &mut Options| {
        options.bind = scene.returning("n").bind;
        // No member is unlisted before all nodes have looked.
        options.config.gossip_to_the_dead = 2 * LIMIT;
    };
    let begun = Instant::now();
    let mut nodes = scene.form(&names, with).await;
    let formed = begun.elapsed();
    let (crashes, leaves) = (nodes.remove(49), nodes.remove(48));
    assert_eq!(leaves.node.shutdown(LIMIT).await, Ok(Departure::Left));
    crashes.crash().await;
    let crashed = Instant::now();
    eventually("all know who failed, who left, and who is there", || {
        for node in &nodes {
            let (failed, left) = (node.state_of("n49"), node.state_of("n48"));
            let live = node.cluster.live_count();
            if (failed, left, live) != (Some(State::Failed), Some(State::Left), 48) {
                let name = node.cluster.local().name;
                return Err(format!(": to {name}, {live} live, n49 {failed:?}, n48 {left:?}"));
            }
        }
        Ok(())
    })
    .await;
    let agreed = crashed.elapsed();
    println!("measured: 50 nodes, formed in {formed:.1?}, a crash known to all after {agreed:.1?}");
}
