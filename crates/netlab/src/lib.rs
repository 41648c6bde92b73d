//! Real sockets and processes on a modelled network.
#![forbid(unsafe_code)]

mod icmp;
mod link;
#[cfg(test)]
mod made;
mod packet;
mod switch;
mod tallies;

pub use link::{Link, Mtu};
pub use packet::{Header, Protocol};
pub use switch::{Port, Switch};
pub use tallies::Tallies;
