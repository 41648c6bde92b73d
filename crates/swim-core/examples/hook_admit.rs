//! Admits only members that the application accepts.
//!
//! ```sh
//! cargo run -p swim-core --example hook_admit
//! ```

use bytes::BytesMut;
use swim_core::wire::{self, Claim, Message, Update};
use swim_core::{
    Config, DropReason, Event, Hooks, Incarnation, Instant, MemberRef, Node, Output, Versions,
};

/// Members announce their zone in their metadata. This node admits members of one zone.
#[derive(Debug)]
struct OneZone(&'static [u8]);

impl Hooks for OneZone {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        member.meta == self.0
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::lan("a".parse()?, "10.0.0.1:7946".parse()?);
    let hooks = Box::new(OneZone(b"zone=north"));
    let mut node = Node::with_hooks(config, hooks, [7; 32], Instant::ORIGIN)?;

    // Gossip of a peer: two members that this node does not know.
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    for (name, address, meta) in
        [("b", "10.0.0.2:7946", "zone=north"), ("c", "10.0.0.3:7946", "zone=south")]
    {
        let address = address.parse()?;
        let claim = Claim::Alive { address, meta: meta.as_bytes(), versions: Versions::DEFAULT };
        let update = Update { name, incarnation: Incarnation(1), claim };
        Message::Update(update).encode(&mut packet);
    }
    node.handle_packet(Instant::ORIGIN, "10.0.0.2:7946".parse()?, &packet);

    while let Some(output) = node.poll_output() {
        match output {
            Output::Event(Event::Joined { member, .. }) => println!("{} joined", member.name),
            Output::Event(Event::BadInput { from, reason, .. }) => println!("{from}: {reason}"),
            _ => {}
        }
    }
    assert!(node.member("b").is_some() && node.member("c").is_none());
    assert_eq!(node.stats().drops[DropReason::NotAdmitted], 1);
    Ok(())
}
