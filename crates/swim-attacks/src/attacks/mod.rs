//! The attacks, one file per scenario.

mod s74;
mod s84;
mod s85;
mod s86;
mod s87;
mod s88;
mod s89;
mod s90;
mod s91;
mod s92;
mod s93;
mod s94;
mod tables;

use std::pin::Pin;

use crate::finding::Finding;
use crate::stage::Size;

/// The findings of an attack, one per case, or the reason why it could not run.
type Outcome = Pin<Box<dyn Future<Output = Result<Vec<Finding>, String>>>>;

/// An attack.
pub(crate) struct Attack {
    /// The scenario.
    pub(crate) name: &'static str,
    /// The position of the attacker.
    pub(crate) by: &'static str,
    /// A description in one line.
    pub(crate) about: &'static str,
    /// Runs it.
    pub(crate) run: fn(Size) -> Outcome,
}

impl Attack {
    const fn new(
        name: &'static str,
        by: &'static str,
        about: &'static str,
        run: fn(Size) -> Outcome,
    ) -> Self {
        Attack { name, by, about, run }
    }
}

/// All attacks, in the order of the scenarios.
pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("S74", "stranger", "128 nearly silent connections", |size| {
        Box::pin(s74::run(size))
    }),
    Attack::new("S84", "stranger", "four connections that use up all buffer space", |size| {
        Box::pin(s84::run(size))
    }),
    Attack::new("S85", "insider", "forged moves that cause pings of a third party", |size| {
        Box::pin(s85::run(size))
    }),
    Attack::new("S86", "path", "recorded traffic is sent again", |size| Box::pin(s86::run(size))),
    Attack::new("S87", "insider", "forged broadcasts that silence a member", |size| {
        Box::pin(s87::run(size))
    }),
    Attack::new("S88", "stranger", "guessed acks that keep a killed member alive", |size| {
        Box::pin(s88::run(size))
    }),
    Attack::new("S89", "insider", "an accusation that leaves no room to refute", |size| {
        Box::pin(s89::run(size))
    }),
    Attack::new("S90", "insider", "a living name at another address", |size| {
        Box::pin(s90::run(size))
    }),
    Attack::new("S91", "both", "pings that send a third party more bytes than they cost", |size| {
        Box::pin(s91::run(size))
    }),
    Attack::new("S92", "insider", "outdated updates that suppress refutations", |size| {
        Box::pin(s92::run(size))
    }),
    Attack::new("S93", "insider", "forged members that displace a lost one", |size| {
        Box::pin(s93::run(size))
    }),
    Attack::new("S94", "stranger", "the most work per byte, and full tables", |size| {
        Box::pin(s94::run(size))
    }),
];
