//! Keeps a connection to each live peer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use swim_driver::{Member, Tags, Task};

use crate::link::Link;
use crate::service::{HTTP_PORT, Shared};

/// The connections to peers, one for each.
pub(crate) struct Peers {
    shared: Arc<Shared>,
    links: BTreeMap<String, (SocketAddr, Task<()>)>,
}

impl Peers {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Peers { shared: Arc::clone(shared), links: BTreeMap::new() }
    }

    /// Connects to each live peer that announces its port, and follows changes. Never resolves
    /// while the node runs.
    pub(crate) async fn connect(mut self) {
        let mut watch = self.shared.cluster.watch();
        self.follow();
        while let Some(change) = watch.next().await {
            let peers = self.shared.cluster.peer_count();
            self.shared.stands(|standing| standing.after(&change, peers));
            self.follow();
        }
        std::future::pending().await
    }

    /// Updates the connections to match the live peers.
    fn follow(&mut self) {
        let peers = self.shared.cluster.peers();
        let wanted: BTreeMap<String, SocketAddr> = peers
            .iter()
            .filter_map(|peer| Some((peer.name.as_str().to_owned(), http_address(peer)?)))
            .collect();
        self.links.retain(|name, (address, _)| wanted.get(name) == Some(address));
        for (name, address) in wanted {
            self.links.entry(name.clone()).or_insert_with(|| {
                let link = Link::new(Arc::clone(&self.shared), name, address);
                (address, self.shared.runtime.spawn(link.follow()))
            });
        }
        // Keep a publisher's events as long as the cluster remembers the member, for clients that
        // come back.
        let known = self.shared.cluster.members();
        let is_known = |name: &str| known.iter().any(|member| member.name.as_str() == name);
        self.shared.broker().retain_publishers(is_known);
    }
}

/// Returns a member's address for HTTP, if announced.
fn http_address(member: &Member) -> Option<SocketAddr> {
    let port = Tags::of(member)?.get(HTTP_PORT)?.parse().ok()?;
    Some(SocketAddr::new(member.address.ip(), port))
}
