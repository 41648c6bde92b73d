//! The cases, and the oracle of each.

mod bare;
mod firewall;
mod leftovers;
mod link_local;
mod loss;
mod mtu;
mod nat;
mod one_way;
mod partition;
mod sixteen;
mod udp;

use crate::broken::Broken;
use crate::figures::Figures;
use crate::setup::Setup;

/// A network fault, and the condition that must hold under it.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The network and its fault.
    pub(crate) about: &'static str,
    /// The condition that must hold.
    pub(crate) oracle: &'static str,
    pub(crate) run: fn(&Setup) -> Result<Figures, Broken>,
}

/// All cases, the longest ones first.
pub(crate) const CASES: &[Case] = &[
    udp::DROPPED,
    loss::THIRTY,
    partition::HEALED,
    loss::TEN,
    one_way::DEAF,
    one_way::PAIR,
    firewall::REJECTS,
    nat::FORWARDED,
    mtu::SILENT,
    mtu::TOLD,
    loss::V6,
    udp::DROPPED_ON_STREAMS,
    sixteen::ON_DATAGRAMS,
    sixteen::ON_STREAMS,
    link_local::SEED,
    bare::LAB,
    leftovers::REMOVED,
];
