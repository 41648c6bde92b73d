//! Refuses to merge with another cluster, such as one at an address that is in use again.
//!
//! Prefer cluster labels: they do this without code, for datagrams too. This hook is for clusters
//! without a label. The node calls it on joins and periodic exchanges; gossip in datagrams goes
//! through `Hooks::admit`, so both are needed.
//!
//! ```sh
//! cargo run -p swim-core --example hook_merge
//! ```

use bytes::BytesMut;
use swim_core::wire::{self, Scope};
use swim_core::{
    Config, DropReason, Event, Hooks, Incarnation, Instant, MemberRef, Merge, Node, Output, State,
    StreamInput, Versions,
};

/// Members announce their cluster in their metadata.
#[derive(Debug)]
struct OneCluster(&'static [u8]);

impl Hooks for OneCluster {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        member.meta == self.0
    }

    fn accept_merge(&mut self, merge: &Merge<'_>) -> bool {
        merge.members().all(|member| member.meta == self.0)
    }
}

/// The bytes that a node with this metadata sends in an exchange.
fn exchange(scope: Scope, meta: &[u8]) -> Result<BytesMut, Box<dyn std::error::Error>> {
    let member = MemberRef {
        name: "b",
        address: "10.0.0.2:7946".parse()?,
        state: State::Alive,
        incarnation: Incarnation(1),
        meta,
        versions: Versions::DEFAULT,
    };
    let mut bytes = BytesMut::new();
    wire::begin_packet(b"", &mut bytes);
    wire::encode_push_pull(scope, 0, [member].into_iter(), &[], &mut bytes);
    Ok(bytes)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Instant::ORIGIN;
    let mut config = Config::lan("a".parse()?, "10.0.0.1:7946".parse()?);
    config.meta = "cluster=shop".into();
    let mut node = Node::with_hooks(config, Box::new(OneCluster(b"cluster=shop")), [7; 32], now)?;

    // A join, a periodic exchange, and one of the right cluster.
    for (scope, meta) in [
        (Scope::Join, "cluster=bank"),
        (Scope::Full, "cluster=bank"),
        (Scope::Join, "cluster=shop"),
    ] {
        let stream = node.handle_accept(now, "10.0.0.2:40000".parse()?)?;
        let bytes = exchange(scope, meta.as_bytes())?;
        node.handle_stream(now, stream, StreamInput::Data(&bytes));
        println!("{meta}, {scope:?}: {} members", node.members_live());
    }
    while let Some(output) = node.poll_output() {
        if let Output::Event(Event::BadInput { from, reason, .. }) = output {
            println!("{from}: {reason}");
        }
    }
    assert_eq!(node.stats().drops[DropReason::MergeRefused], 2);
    assert!(node.member("b").is_some());
    Ok(())
}
