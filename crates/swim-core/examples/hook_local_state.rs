//! Sends application state along with push/pull exchanges: all of it in a join, the latest changes
//! in the periodic exchange.
//!
//! ```sh
//! cargo run -p swim-core --example hook_local_state
//! ```

use bytes::Bytes;
use swim_core::wire::{self, Frame};
use swim_core::{Config, Hooks, Instant, Node, Output, StreamOp};

/// The application state of this node.
#[derive(Debug)]
struct Shards {
    all: Vec<u8>,
    changed_lately: Vec<u8>,
}

impl Hooks for Shards {
    fn local_state(&mut self, join: bool) -> Option<Bytes> {
        let shards = if join { &self.all } else { &self.changed_lately };
        Some(Bytes::copy_from_slice(shards))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Instant::ORIGIN;
    let config = Config::lan("a".parse()?, "10.0.0.1:7946".parse()?);
    let hooks = Box::new(Shards { all: vec![1, 2, 3, 4], changed_lately: vec![2] });
    let mut node = Node::with_hooks(config, hooks, [7; 32], now)?;

    // A join sends the state on its stream. The other side gets it as `Event::UserState`.
    node.join(now, "10.0.0.2:7946".parse()?)?;
    let mut sent = Vec::new();
    while let Some(output) = node.poll_output() {
        if let Output::Stream { op: StreamOp::Send(bytes), .. } = output {
            sent.extend_from_slice(&bytes);
        }
    }
    let frame = &sent[wire::header_len(b"") + wire::FRAME_HEADER_LEN..];
    let Frame::PushPull(part) = wire::decode_frame(frame).map_err(|reason| reason.to_string())?
    else {
        return Err("a join begins with a push/pull".into());
    };
    println!("join {}: state {:?}", part.join, part.user_state);
    assert_eq!(part.user_state, [1, 2, 3, 4]);
    Ok(())
}
