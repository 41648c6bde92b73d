//! The node: its public methods, the dispatch of inputs to their owners, and the effects of what
//! owners return.

mod access;
mod check;
mod commands;
mod due;
mod getters;
mod inputs;
mod introducing;
#[cfg(feature = "encryption")]
mod keys;
mod leaving;
mod naming;
mod packets;
mod probing;
mod streams;

use alloc::boxed::Box;

use crate::channel::{Channel, Scratch};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::Gossip;
use crate::error::ConfigError;
use crate::exchange::Exchange;
use crate::hooks::{Hooks, NoHooks};
use crate::membership::Membership;
use crate::outputs::Outputs;
use crate::random::Random;
use crate::stats::Stats;
use crate::time::Instant;

/// One member of a cluster: the whole protocol, without sockets and without a clock.
///
/// The methods come in this order: constructor; commands (`join`, `leave`, `set_meta`, `broadcast`,
/// `send`, ...); inputs (`handle_*`); outputs (`poll_*`); getters. The crate's page has the loop
/// that drives a node.
///
/// **The one law:** after every command and every `handle_*` call, call
/// [`poll_output`](Node::poll_output) until it returns `None`. Then call
/// [`poll_timeout`](Node::poll_timeout) for the time of the next
/// [`handle_timeout`](Node::handle_timeout).
#[derive(Debug)]
pub struct Node {
    cx: Context,
    membership: Membership,
    gossip: Gossip,
    detector: Detector,
    exchange: Exchange,
    /// Memory in which datagrams are opened; lent out while one is handled.
    scratch: Option<Box<Scratch>>,
    /// When the caller last kept all deadlines; see [`Node::advance`].
    kept_deadlines_at: Instant,
}

/// Random streams that the sequence numbers of pings come from.
const SEQUENCE_STREAMS: u64 = 1 << 32;

impl Node {
    /// Starts a node that knows no peer yet.
    ///
    /// `seed` is the node's only randomness: the same seed and the same calls give the same
    /// outputs. Take it from the operating system, or fix it to repeat a run.
    ///
    /// # Errors
    ///
    /// As for [`Config::validate`].
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Result<Node, ConfigError> {
        Node::with_hooks(config, Box::new(NoHooks), seed, now)
    }

    /// Starts a node that asks `hooks` for decisions that the application makes at once.
    ///
    /// # Errors
    ///
    /// As for [`Config::validate`].
    pub fn with_hooks(
        config: Config,
        hooks: Box<dyn Hooks>,
        seed: [u8; 32],
        now: Instant,
    ) -> Result<Node, ConfigError> {
        config.validate()?;
        // Random numbers are drawn in the same order in all versions, so that seeds keep their
        // course.
        let mut random = Random::new(seed);
        let membership = Membership::new(now, &config, &mut random);
        let gossip_phase = random.delay(config.gossip_interval);
        let sequences = SEQUENCE_STREAMS | u64::from(random.next_u32());
        let detector = Detector::new(&config, Random::beside(seed, sequences));
        let gossip = Gossip::new(gossip_phase, random.next_u32());
        let exchange = Exchange::new(now, &config);
        let channel = Channel::new(&config, seed);
        let mut node = Node {
            cx: Context {
                config,
                clock: Clock::new(now),
                random,
                stats: Stats::default(),
                outputs: Outputs::default(),
                channel,
                hooks,
            },
            membership,
            gossip,
            detector,
            exchange,
            scratch: Some(Box::default()),
            kept_deadlines_at: now,
        };
        node.start_periods();
        Ok(node)
    }
}
