//! Hosts: a machine with an address, a clock, and at most one process.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use swim_core::{Answer, Config, Failure, Instant, Node, Output, RequestId, Status, StreamId};
use swim_driver::Options;

use crate::alarm::Alarm;
use crate::application::Application;
use crate::connection::{ConnectionId, Side};
use crate::host_clock::HostClock;
use crate::polling::Polling;
use crate::process::Process;
use crate::socket_queue::SocketQueue;
use crate::stall::Stall;
use crate::trace::Record;

/// The condition of a host's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Running,
    /// Stopped as by SIGSTOP: it exists, and its operating system answers for it.
    Paused,
    /// It runs, but its output is held, and its input waits in the sockets.
    Held,
    /// There is no process. The operating system refuses input.
    Down,
    /// The host has no power: nothing answers.
    Off,
}

/// A machine.
#[derive(Debug)]
pub(crate) struct Host {
    /// The name in the test.
    pub(crate) label: String,
    pub(crate) address: SocketAddr,
    /// The configuration of its node at the last start.
    pub(crate) config: Config,
    /// The options of its driver at the last start, besides the configuration. `None` for a bare
    /// node.
    pub(crate) options: Option<Box<Options>>,
    /// Runs beside its driver, in each life of its process.
    pub(crate) application: Option<Application>,
    pub(crate) condition: Condition,
    /// Set exactly while the condition is running, paused or held.
    pub(crate) process: Option<Process>,
    /// How many processes it had before.
    pub(crate) life: u32,
    pub(crate) clock: HostClock,
    pub(crate) alarm: Alarm,
    /// The process's streams, by the process's own numbers.
    pub(crate) streams: BTreeMap<StreamId, (ConnectionId, Side)>,
    /// The streams from outside the world.
    pub(crate) outside: BTreeSet<StreamId>,
    /// Input that the process has not taken yet.
    pub(crate) waiting: SocketQueue,
    /// When its driver may run, if not always.
    pub(crate) polling: Option<Polling>,
    /// The kind of stall, while the condition is paused or held.
    pub(crate) stall: Option<Stall>,
    /// The held output of its process, in order.
    pub(crate) unsent: Vec<Output>,
    pub(crate) records: Vec<Record>,
    /// The addresses that its driver dialled, with times.
    pub(crate) dials: Vec<(Instant, SocketAddr)>,
    /// The names that its driver looked up, with times.
    pub(crate) lookups: Vec<(Instant, String)>,
    /// The commands given to its process, by its life and their number, with the answer.
    pub(crate) requests: BTreeMap<(u32, RequestId), Option<Answered>>,
}

/// When a command ended, and how.
pub(crate) type Answered = (Instant, Result<Answer, Failure>);

impl Host {
    pub(crate) fn new(
        label: &str,
        (number, address): (u32, SocketAddr),
        config: Config,
        driver: Option<(Box<Options>, Option<Application>)>,
    ) -> Self {
        let (options, application) = driver.map_or((None, None), |(it, beside)| (Some(it), beside));
        Host {
            label: label.to_owned(),
            address,
            config,
            condition: Condition::Down,
            options,
            application,
            process: None,
            life: 0,
            clock: HostClock::of_host(number),
            alarm: Alarm::default(),
            streams: BTreeMap::new(),
            outside: BTreeSet::new(),
            waiting: SocketQueue::default(),
            polling: None,
            stall: None,
            unsent: Vec::new(),
            records: Vec::new(),
            dials: Vec::new(),
            lookups: Vec::new(),
            requests: BTreeMap::new(),
        }
    }

    /// The answers so far, in order of arrival.
    pub(crate) fn answered(&self) -> Vec<(Instant, RequestId, &Result<Answer, Failure>)> {
        let answered = self.requests.iter().filter_map(|((_, id), answered)| {
            let (at, result) = answered.as_ref()?;
            Some((*at, *id, result))
        });
        let mut answered: Vec<_> = answered.collect();
        answered.sort_by_key(|(at, ..)| *at);
        answered
    }

    /// The name of its member; usually the same as its label.
    pub(crate) fn member(&self) -> &str {
        self.config.name.as_str()
    }

    /// The node of its process, if there is one: bare, or that of a driver.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.process.as_ref().map(Process::node)
    }

    /// The node of its process, for input. `None` for a driver, which takes input in its turns.
    pub(crate) fn bare_node(&mut self) -> Option<&mut Node> {
        match &mut self.process {
            Some(Process::Node(node)) => Some(node),
            _ => None,
        }
    }

    pub(crate) fn runs_driver(&self) -> bool {
        matches!(self.process, Some(Process::Driver(_)))
    }

    /// Its node, if it takes part in the cluster: its process runs and has not left.
    pub(crate) fn takes_part(&self) -> Option<&Node> {
        if self.condition != Condition::Running {
            return None;
        }
        self.node().filter(|node| node.status() == Status::Running)
    }
}

/// The address of the host with this number: 10.0.0.1:7946 for the first, and so on.
pub(crate) fn address_of(number: u32) -> SocketAddr {
    assert!(number < (1 << 24) - 2, "there are 2^24 addresses in 10.0.0.0/8");
    let ip = Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number + 1);
    SocketAddr::new(IpAddr::V4(ip), PORT)
}

/// The number for which [`address_of`] returns this address, if there is one.
pub(crate) fn number_of(address: SocketAddr) -> Option<u32> {
    let IpAddr::V4(ip) = address.ip() else {
        return None;
    };
    let offset = ip.to_bits().checked_sub(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + 1)?;
    (offset < (1 << 24) - 2 && address.port() == PORT).then_some(offset)
}

pub(crate) const PORT: u16 = 7946;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_belong_together() {
        for number in [0, 1, 254, 255, 256, 70_000] {
            assert_eq!(number_of(address_of(number)), Some(number));
        }
        assert_eq!(address_of(0).to_string(), "10.0.0.1:7946");
        assert_eq!(number_of("10.0.0.1:80".parse().unwrap()), None);
        assert_eq!(number_of("9.255.255.255:7946".parse().unwrap()), None);
        assert_eq!(number_of("[::1]:7946".parse().unwrap()), None);
    }
}
