//! Sending a little data with every answer to a probe: here, how busy this node is.
//!
//! ```sh
//! cargo run -p swim-core --example hook_ack_payload
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Message, Ping};
use swim_core::{Config, Hooks, Instant, Node, Output};

/// Shared with the part of the application that does the work.
#[derive(Debug)]
struct Load(Arc<AtomicU32>);

impl Hooks for Load {
    fn ack_payload(&mut self) -> Option<Bytes> {
        let load = self.0.load(Ordering::Relaxed);
        Some(Bytes::copy_from_slice(&load.to_be_bytes()))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let load = Arc::new(AtomicU32::new(0));
    let config = Config::lan("a".parse()?, "10.0.0.1:7946".parse()?);
    let hooks = Box::new(Load(Arc::clone(&load)));
    let mut node = Node::with_hooks(config, hooks, [7; 32], Instant::ORIGIN)?;

    for busy in [3, 8] {
        load.store(busy, Ordering::Relaxed);
        // Somebody probes this node. It receives the payload as `Event::AckPayload`.
        let mut packet = BytesMut::new();
        wire::begin_packet(b"", &mut packet);
        Message::Ping(Ping { sequence: busy, target: "a", source: "b", reply_to: None })
            .encode(&mut packet);
        node.handle_packet(Instant::ORIGIN, "10.0.0.2:7946".parse()?, &packet);
        while let Some(output) = node.poll_output() {
            let Output::Packet { to, payload, .. } = output else { continue };
            for message in wire::open_packet(&payload, b"").map_err(|reason| reason.to_string())? {
                if let Message::Ack(ack) = message.map_err(|reason| reason.to_string())? {
                    println!("to {to}: ack with {:?}", ack.payload);
                    assert_eq!(ack.payload, busy.to_be_bytes());
                }
            }
        }
    }
    Ok(())
}
