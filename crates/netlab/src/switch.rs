//! The modelled network: each packet comes out later or never.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::icmp;
use crate::link::Link;
use crate::packet::{Header, Protocol};
use crate::tallies::Tallies;

/// The routers' addresses, the source of ICMP answers. No host has them.
const ROUTER: (Ipv4Addr, Ipv6Addr) =
    (Ipv4Addr::new(10, 77, 255, 254), Ipv6Addr::new(0xfd4e, 0x77, 0, 0, 0, 0, 0xffff, 0xfffe));

/// A host's connection to the switch: its number, from 0.
pub type Port = usize;

/// A switch between hosts, with a [`Link`] for each direction between two of them.
///
/// It is a pure state machine: time is an argument, counted from any fixed moment.
///
/// Each direction has its own random numbers from the seed. So the first packet from one host to
/// another has the same fate in each run with that seed. The hosts decide which packet comes first,
/// so runs with real processes do not repeat to the bit.
///
/// ```
/// use std::time::Duration;
/// # use netlab::Switch;
/// let mut switch = Switch::new(1);
/// let a = switch.add_host(&["10.77.0.1".parse()?]);
/// let b = switch.add_host(&["10.77.0.2".parse()?]);
/// switch.change(a, b, |link| link.delay = Duration::from_millis(20));
/// assert_eq!(switch.poll_timeout(), None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Switch {
    seed: u64,
    routes: BTreeMap<IpAddr, Port>,
    /// `directions[from][to]`.
    directions: Vec<Vec<Direction>>,
    queue: BinaryHeap<Reverse<Waiting>>,
    queued_bytes: usize,
    numbered: u64,
    tallies: Tallies,
}

#[derive(Debug)]
struct Direction {
    link: Link,
    chance: ChaCha8Rng,
    /// The time until which the link is busy with earlier packets, if it has a rate.
    busy_until: Duration,
}

/// A packet under way. Ordered by arrival, then by number.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: Duration,
    number: u64,
    to: Port,
    packet: Vec<u8>,
}

impl Switch {
    /// The largest number of bytes under way, so that a flood does not take all memory.
    pub const QUEUE_BYTES_MAX: usize = 64 << 20;
    /// The longest wait of a packet on a link with a rate. Bad home routers buffer as much.
    pub const BACKLOG_MAX: Duration = Duration::from_secs(1);

    /// Creates a switch without hosts.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Switch {
            seed,
            routes: BTreeMap::new(),
            directions: Vec::new(),
            queue: BinaryHeap::new(),
            queued_bytes: 0,
            numbered: 0,
            tallies: Tallies::default(),
        }
    }

    /// Connects a host with these addresses, with perfect links to all other hosts.
    pub fn add_host(&mut self, addresses: &[IpAddr]) -> Port {
        let port = self.directions.len();
        self.routes.extend(addresses.iter().map(|&address| (address, port)));
        let seed = self.seed;
        for (from, to) in self.directions.iter_mut().enumerate() {
            to.push(Direction::new(seed, from, port));
        }
        self.directions.push((0..=port).map(|to| Direction::new(seed, port, to)).collect());
        port
    }

    /// Changes the link from one host to another, in this direction only.
    ///
    /// Packets under way still arrive.
    ///
    /// # Panics
    ///
    /// If there is no such host.
    pub fn change(&mut self, from: Port, to: Port, change: impl FnOnce(&mut Link)) {
        change(&mut self.directions[from][to].link);
    }

    /// Changes the links between all hosts, in both directions.
    pub fn change_all(&mut self, change: impl Fn(&mut Link)) {
        let directions = self.directions.iter_mut().flatten();
        directions.for_each(|direction| change(&mut direction.link));
    }

    /// Returns the link from one host to another.
    ///
    /// # Panics
    ///
    /// If there is no such host.
    #[must_use]
    pub fn link(&self, from: Port, to: Port) -> Link {
        self.directions[from][to].link
    }

    /// Returns the packet counts so far.
    #[must_use]
    pub fn tallies(&self) -> Tallies {
        self.tallies
    }

    /// Takes a packet that a host has sent.
    ///
    /// # Panics
    ///
    /// If there is no such host.
    pub fn handle_packet(&mut self, now: Duration, from: Port, packet: &[u8]) {
        let Some(header) = Header::parse(packet) else {
            self.tallies.astray += 1;
            return;
        };
        let Some(&to) = self.routes.get(&header.destination()) else {
            self.tallies.astray += 1;
            return;
        };
        let length = packet.len();
        let direction = &mut self.directions[from][to];
        let link = direction.link;
        if link.cut {
            self.tallies.cut += 1;
        } else if link.udp_dropped && header.protocol() == Protocol::Udp {
            self.tallies.udp_dropped += 1;
        } else if let Some(mtu) = link.mtu.filter(|mtu| length > usize::from(mtu.size())) {
            self.tallies.too_big += 1;
            let answer = icmp::too_big(packet, ROUTER, mtu.size());
            if let Some(answer) = answer.filter(|_| mtu.is_told() && !header.may_fragment()) {
                self.tallies.told_too_big += 1;
                self.enqueue(now, from, answer);
            }
        } else if direction.loses() {
            self.tallies.lost += 1;
        } else if let Some(due) = direction.arrival(now, length) {
            self.enqueue(due, to, packet.to_vec());
        } else {
            self.tallies.overflowed += 1;
        }
    }

    /// Returns the next packet that has arrived by `now`, and its host.
    ///
    /// Call it until there is none.
    pub fn poll_packet(&mut self, now: Duration) -> Option<(Port, Vec<u8>)> {
        if self.queue.peek()?.0.due > now {
            return None;
        }
        let Waiting { to, packet, .. } = self.queue.pop()?.0;
        self.queued_bytes -= packet.len();
        Some((to, packet))
    }

    /// Returns the arrival time of the next packet, if one is under way.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.queue.peek().map(|waiting| waiting.0.due)
    }

    fn enqueue(&mut self, due: Duration, to: Port, packet: Vec<u8>) {
        if self.queued_bytes + packet.len() > Self::QUEUE_BYTES_MAX {
            self.tallies.overflowed += 1;
            return;
        }
        self.tallies.passed += 1;
        self.queued_bytes += packet.len();
        self.numbered += 1;
        self.queue.push(Reverse(Waiting { due, number: self.numbered, to, packet }));
    }
}

impl Direction {
    fn new(seed: u64, from: Port, to: Port) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        chance.set_stream(((from as u64) << 32) | to as u64);
        Direction { link: Link::default(), chance, busy_until: Duration::ZERO }
    }

    fn loses(&mut self) -> bool {
        // Drawn even if nothing is lost, so that a change of the loss shifts no later draw.
        let draw = self.share();
        draw < self.link.loss
    }

    /// Returns the arrival of a packet that leaves now; `None` if the backlog is too long.
    fn arrival(&mut self, now: Duration, length: usize) -> Option<Duration> {
        let jitter = self.link.jitter.mul_f64(self.share());
        let mut leaves = now;
        if let Some(rate) = self.link.rate {
            let start = now.max(self.busy_until);
            if start - now > Switch::BACKLOG_MAX {
                return None;
            }
            leaves = start + Duration::from_secs_f64(length as f64 / rate.get() as f64);
            self.busy_until = leaves;
        }
        Some(leaves + self.link.delay + jitter)
    }

    /// Returns a number from 0 up to 1, exclusive.
    fn share(&mut self) -> f64 {
        f64::from(self.chance.next_u32()) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests;
