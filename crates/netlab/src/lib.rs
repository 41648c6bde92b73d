//! Real sockets and processes on a modelled network.
//!
//! A [`Lab`] is a number of hosts. Each is a network [`Namespace`] with a TUN device. One thread
//! opens all devices and carries their packets through a [`Switch`], which loses, delays, cuts or
//! drops them. The [`Link`] between two hosts decides. The switch is a pure state machine with a
//! seed and without a clock, so its tests need no rights. A lab needs Linux, root, and the program
//! `ip`, but not `tc netem`, which some kernels lack.
//!
//! The program `netlab` runs cases with real `swim agent` processes, each with an oracle. It also
//! runs labs for a user's own programs: see `docs/how-to/netlab.md`.
//!
//! ```sh
//! cargo run -p netlab -- run --all
//! cargo run -p netlab -- lab --nodes 2 --loss 10% -- sh -c 'ping -c 3 {first}'
//! ```
#![forbid(unsafe_code)]

mod agent;
mod bounds;
mod broken;
#[cfg(target_os = "linux")]
mod carrier;
mod cases;
mod cli;
mod cluster;
mod error;
mod fault;
mod figures;
mod icmp;
mod lab;
mod link;
#[cfg(test)]
mod made;
mod namespace;
mod owner;
mod packet;
mod program;
mod runner;
mod setup;
mod stop;
mod swim;
mod switch;
mod tallies;
mod user_lab;
mod wires;

pub use error::Error;
pub use lab::{Host, Lab};
pub use link::{Link, Mtu};
pub use namespace::Namespace;
pub use packet::{Header, Protocol};
pub use program::run;
pub use switch::{Port, Switch};
pub use tallies::Tallies;
