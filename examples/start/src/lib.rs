//! The service of `docs/start.md`.

use swim_tokio::{Cluster, Name};

/// Reports the leader, and then every change of it, until the node stops.
pub async fn follow_leader(cluster: Cluster, mut report: impl FnMut(Name)) {
    let mut watch = cluster.watch();
    let mut leader = leader(&cluster);
    report(leader.clone());
    while watch.next().await.is_some() {
        let now = self::leader(&cluster);
        if now != leader {
            leader = now.clone();
            report(now);
        }
    }
}

/// The live member whose name sorts first.
fn leader(cluster: &Cluster) -> Name {
    let own = cluster.local().name;
    cluster.peers().into_iter().map(|peer| peer.name).fold(own, Name::min)
}
