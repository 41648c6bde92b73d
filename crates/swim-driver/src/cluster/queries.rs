//! Queries about members, answered from the copy that the node publishes.

use std::net::SocketAddr;

use swim_core::{Member, State};

use super::Cluster;
use crate::events::Events;
use crate::tags::Tags;
use crate::watch::Watch;

impl Cluster {
    /// The members now, by name, including this node and members that recently failed or left.
    ///
    /// After a [`leave`](Cluster::leave) this view is frozen until the node joins again: it misses
    /// later joins, changes, failures and leaves.
    #[must_use]
    pub fn members(&self) -> Vec<Member> {
        self.view.members()
    }

    /// The live peers now, by name: members that are alive or suspect, without this node.
    ///
    /// A suspect counts as live: it did not answer one probe, and most suspects answer the next. To
    /// follow the live peers, use [`watch`](Cluster::watch).
    #[must_use]
    pub fn peers(&self) -> Vec<Member> {
        self.view.peers_where(|_| true)
    }

    /// The live [`peers`](Cluster::peers) that have this [tag](Tags).
    ///
    /// ```
    /// # use swim_driver::Cluster;
    /// fn caches(cluster: &Cluster) -> Vec<std::net::SocketAddr> {
    ///     cluster.peers_tagged("role", "cache").iter().map(|member| member.address).collect()
    /// }
    /// ```
    #[must_use]
    pub fn peers_tagged(&self, key: &str, value: &str) -> Vec<Member> {
        self.view.peers_where(|peer| Tags::of(peer).is_some_and(|it| it.get(key) == Some(value)))
    }

    /// The number of live [`peers`](Cluster::peers). 0 means that this node is alone or cut off.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.view.peer_count()
    }

    /// The number of live members (alive or suspect), including this node unless it left.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.view.live_count()
    }

    /// Returns the live peers as a stream of changes: joined, changed, replaced, gone.
    ///
    /// Each [`Watch`] begins with the peers that are live now. It misses nothing, however slowly it
    /// is read.
    ///
    /// ```
    /// # use swim_driver::{Change, Cluster};
    /// async fn keep_connected(cluster: &Cluster) {
    ///     let mut watch = cluster.watch();
    ///     while let Some(change) = watch.next().await {
    ///         println!("{change}; {} live peers", cluster.peer_count());
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.view.watch()
    }

    /// The member of this name, if it is listed.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Member> {
        self.view.member(name)
    }

    /// The member that announces this address; if several do, a live one.
    #[must_use]
    pub fn member_at(&self, address: SocketAddr) -> Option<Member> {
        self.view.member_at(address)
    }

    /// The state of a member. `None` if the name is not listed.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<State> {
        self.view.state(name)
    }

    /// Whether a member of this name is live: alive or suspect.
    #[must_use]
    pub fn is_live(&self, name: &str) -> bool {
        self.state(name).is_some_and(State::is_live)
    }

    /// This node as it announces itself.
    #[must_use]
    pub fn local(&self) -> Member {
        self.view.local()
    }

    /// The address that this node listens on. It announces `local().address`.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.view.local_address()
    }

    /// The members now, and every event after this moment, without a gap.
    ///
    /// The events are all of [`Event`](crate::Event), except the answers to commands: those go to
    /// the callers.
    #[must_use]
    pub fn subscribe(&self) -> (Vec<Member>, Events) {
        self.view.subscribe()
    }

    /// Local health: 0 is healthy; a higher value means that this node itself seems slower.
    #[must_use]
    pub fn health(&self) -> u8 {
        self.view.health()
    }

    /// Whether this node's view of the cluster has settled, so that it may be relied on.
    ///
    /// All of these hold:
    ///
    /// - The node has run for a probe interval, and no call of [`join`](Cluster::join) waits.
    /// - It has exchanged its whole view with another node, or has no seeds, or its seeds are its
    ///   own address alone.
    /// - It is not cut off, and has not left.
    /// - The last peers that it probed had the same view: three peers, or all of fewer. On
    ///   memberlist's wire, which does not carry that, no member has joined, changed, failed or
    ///   left for [`Config::dissemination_bound`](crate::Config::dissemination_bound).
    ///
    /// It turns false again while news spreads. To start work once, wait for the first time:
    ///
    /// ```
    /// use std::time::Duration;
    /// # use swim_driver::Cluster;
    /// async fn until_settled(cluster: &Cluster) {
    ///     while !cluster.settled() {
    ///         cluster.runtime().sleep(Duration::from_millis(100)).await;
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn settled(&self) -> bool {
        self.view.settled()
    }
}
