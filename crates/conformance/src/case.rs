//! A case of the suite.

use swim_driver::Carrier;

use crate::adapter::{LocalFuture, Threads};
use crate::loopback::has_ipv6;
use crate::scene::Scene;
use crate::setting::Setting;

/// A behaviour that every setting must show.
pub(crate) struct Case {
    /// The behaviour, as a function name.
    pub(crate) name: &'static str,
    pub(crate) run: for<'a> fn(&'a Scene) -> LocalFuture<'a, ()>,
    pub(crate) threads: Threads,
    pub(crate) needs: &'static [Need],
    /// Runs in its own process: it counts what is open in the process, or keeps the executor busy,
    /// of which some runtimes have only one.
    pub(crate) alone: bool,
}

/// A requirement of a case. The case is left out where it is not met.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Addresses of this machine, with their meaning for its sockets.
    MachineAddresses,
    /// IPv6 between sockets of this machine. Other networks have all addresses.
    Ipv6,
    /// A list of what the process has open.
    Proc,
    /// Packets that travel as datagrams.
    Datagrams,
    /// Packets that travel over streams.
    Links,
}

impl Case {
    pub(crate) const fn on(self, threads: Threads) -> Self {
        Case { threads, ..self }
    }

    pub(crate) const fn needing(self, needs: &'static [Need]) -> Self {
        Case { needs, ..self }
    }

    pub(crate) const fn alone(self) -> Self {
        Case { alone: true, ..self }
    }

    /// Why it does not fit this setting, if so.
    pub(crate) fn unfit(&self, setting: &dyn Setting) -> Option<&'static str> {
        self.needs.iter().find_map(|need| match need {
            Need::MachineAddresses if !setting.is_of_the_machine() => {
                Some("it needs addresses of the machine")
            }
            Need::Ipv6 if setting.is_of_the_machine() && !has_ipv6() => {
                Some("this machine has no ::1: enable IPv6 on loopback")
            }
            Need::Datagrams if setting.carrier() != Carrier::Datagrams => {
                Some("it sends datagrams, and nodes take none here")
            }
            Need::Links if setting.carrier() != Carrier::Streams => {
                Some("it sends packets over a stream, and nodes take datagrams here")
            }
            Need::Proc if !cfg!(target_os = "linux") => Some("it needs /proc"),
            _ => None,
        })
    }
}

/// Makes a case of an `async fn(&Scene)`.
macro_rules! case {
    ($function:ident) => {
        $crate::case::Case {
            name: stringify!($function),
            run: |scene| Box::pin($function(scene)),
            threads: $crate::adapter::Threads::One,
            needs: &[],
            alone: false,
        }
    };
}

pub(crate) use case;
