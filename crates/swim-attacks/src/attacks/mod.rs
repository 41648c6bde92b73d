//! The attacks, a file for each scenario.

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

/// The findings of an attack, one for each case, or why it could not be carried out.
type Outcome = Pin<Box<dyn Future<Output = Result<Vec<Finding>, String>>>>;

/// An attack.
pub(crate) struct Attack {
    /// The scenario.
    pub(crate) name: &'static str,
    /// Who can do it.
    pub(crate) by: &'static str,
    /// What it is.
    pub(crate) about: &'static str,
    /// Carries it out.
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

/// All of them, in the order of the scenarios.
pub(crate) const ATTACKS: &[Attack] = &[
    Attack::new("S74", "stranger", "128 connections that say next to nothing", |size| {
        Box::pin(s74::run(size))
    }),
    Attack::new("S84", "stranger", "four connections that hold all the bytes there are", |size| {
        Box::pin(s84::run(size))
    }),
    Attack::new("S85", "insider", "forged moves that turn into pings of a third party", |size| {
        Box::pin(s85::run(size))
    }),
    Attack::new("S86", "path", "what was recorded is sent again", |size| Box::pin(s86::run(size))),
    Attack::new("S87", "insider", "forged broadcasts that silence others", |size| {
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
    Attack::new("S91", "both", "pings that draw more to a third party than they cost", |size| {
        Box::pin(s91::run(size))
    }),
    Attack::new("S92", "insider", "old news that mutes refutations", |size| {
        Box::pin(s92::run(size))
    }),
    Attack::new("S93", "insider", "made-up members that push out a lost one", |size| {
        Box::pin(s93::run(size))
    }),
    Attack::new("S94", "stranger", "the most work per byte, and full tables", |size| {
        Box::pin(s94::run(size))
    }),
];
