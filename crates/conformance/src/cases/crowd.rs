//! Many nodes in one process.

use swim_driver::{Departure, State};

use crate::adapter::Threads;
use crate::case::{Case, case};
use crate::scene::Scene;
use crate::wait::{LIMIT, until};

pub(crate) const CASES: &[Case] =
    &[case!(fifty_nodes_in_one_process_agree_about_who_is_there).on(Threads::Many)];

async fn fifty_nodes_in_one_process_agree_about_who_is_there(scene: &Scene) {
    let names: Vec<_> = (0..50).map(|number| format!("n{number}")).collect();
    let mut nodes = scene.form(&names, |options| options.bind = scene.returning("n").bind).await;
    let (crashes, leaves) = (nodes.remove(49), nodes.remove(48));
    assert_eq!(leaves.node.shutdown(LIMIT).await, Ok(Departure::Left));
    crashes.crash().await;
    until("all know who failed, who left, and who is there", || {
        nodes.iter().all(|node| {
            node.state_of("n49") == Some(State::Failed)
                && node.state_of("n48") == Some(State::Left)
                && node.cluster.live_count() == 48
        })
    })
    .await;
}
