//! Attacks with forged datagrams, against nodes that keep the rule that bounds the attack.
//!
//! With the feature `sabotage` they also run against nodes that break the rule, to show that the
//! attack is real. `cargo test -p swim-sim-tests --features sabotage --test attacks` runs both.

#![allow(clippy::unwrap_used, reason = "a missing thing fails the test")]

mod aiming;
mod silencing;

use core::cell::RefCell;
use core::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use swim_core::Config;
use swim_core::channel::{Channel, Scratch};
use swim_core::wire::Message;
use swim_sim::WorldOptions;
use swim_sim::checkers::{Checker, Sight, Verdict};

/// Whether nodes keep the rule against an attack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Kept,
    #[cfg(feature = "sabotage")]
    Broken(swim_core::Sabotage),
}

impl Rule {
    #[cfg(feature = "sabotage")]
    fn apply(self, config: &mut Config) {
        config.sabotage = match self {
            Rule::Kept => None,
            Rule::Broken(rule) => Some(rule),
        };
    }

    #[cfg(not(feature = "sabotage"))]
    fn apply(self, _: &mut Config) {
        match self {
            Rule::Kept => {}
        }
    }
}

/// Options for a world whose nodes keep or break a rule, and the datagrams overheard in it.
pub(crate) fn options(
    seed: u64,
    rule: Rule,
    configure: impl Fn(&mut Config) + 'static,
) -> (WorldOptions, Overheard) {
    let overheard = Overheard::default();
    let options = WorldOptions::new(seed).check(overheard.clone()).configure(move |_, config| {
        configure(config);
        rule.apply(config);
    });
    (options, overheard)
}

/// A datagram that a node sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) to: SocketAddr,
    payload: Bytes,
    config: Config,
}

impl Sent {
    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.payload.len()
    }

    /// Whether any of its messages matches.
    pub(crate) fn has(&self, mut such: impl FnMut(&Message<'_>) -> bool) -> bool {
        let (channel, mut found) = (Channel::new(&self.config, [0; 32]), false);
        let mut scratch = Scratch::default();
        let opened = channel.open(&self.payload, &mut scratch).unwrap();
        opened.read(|message| found |= such(&message.unwrap()));
        found
    }
}

/// All datagrams that nodes sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overheard(Rc<RefCell<Vec<Sent>>>);

impl Overheard {
    /// The datagrams sent since the last call.
    pub(crate) fn take(&self) -> Vec<Sent> {
        self.0.take()
    }
}

impl Checker for Overheard {
    fn name(&self) -> &'static str {
        "overheard"
    }

    fn packet(&mut self, by: &Sight<'_>, to: SocketAddr, payload: &[u8]) -> Verdict {
        self.0.borrow_mut().push(Sent {
            to,
            payload: Bytes::copy_from_slice(payload),
            config: by.node.config().clone(),
        });
        Ok(())
    }
}

/// A datagram written like that of a node with this configuration.
pub(crate) fn datagram(config: &Config, messages: &[Message<'_>]) -> Bytes {
    let mut channel = Channel::new(config, [0; 32]);
    let mut draft = channel.datagram();
    for message in messages {
        assert!(draft.append_if_it_fits(message));
    }
    draft.into_datagram(false).unwrap()
}

/// An address that no node has.
pub(crate) fn outside(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}
