//! The environment of foca nodes: the network, the timers and the records.

use core::time::Duration;

use foca::{Notification, Runtime, Timer};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use swim_core::Instant;
use swim_sim::{Fate, Network, NetworkOptions};

use super::cluster::Volume;
use super::foca_identity::Peer;
use super::foca_queue::{Queue, Task};

/// A datagram under way.
#[derive(Debug, Default)]
pub(super) struct Packet {
    /// The destination host.
    pub(super) to: u32,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// A node learned that a member is down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Down {
    /// The time.
    pub(super) at: Instant,
    /// The host of the member.
    pub(super) subject: u32,
}

/// The environment of all nodes. A node's outputs are processed at once, without a queue.
#[derive(Debug)]
pub(super) struct Wire {
    /// The virtual time.
    pub(super) now: Instant,
    /// The host whose node has its turn.
    pub(super) host: u32,
    /// Whether a timer caused the turn.
    pub(super) timer: bool,
    /// Whether timers fire at a random time before they are due.
    ///
    /// Then the node looks as if it had been started some time ago.
    pub(super) staggered: bool,
    /// Decides the fate of datagrams.
    pub(super) network: Network,
    /// The pending tasks.
    pub(super) queue: Queue,
    /// The traffic sent.
    pub(super) volume: Volume,
    /// How often a node declared another one down.
    pub(super) declared: u64,
    /// The recorded failures, if they are recorded.
    pub(super) downs: Option<Vec<Down>>,
    stagger: SmallRng,
    packets: Vec<Packet>,
    free: Vec<u32>,
}

impl Wire {
    /// Creates a network without faults.
    #[must_use]
    pub(super) fn new(seed: u64, records: bool) -> Self {
        Wire {
            now: Instant::ORIGIN,
            host: 0,
            timer: false,
            staggered: false,
            network: Network::new(seed, NetworkOptions::default()),
            queue: Queue::default(),
            volume: Volume::default(),
            declared: 0,
            downs: records.then(Vec::new),
            stagger: SmallRng::seed_from_u64(!seed),
            packets: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Takes a datagram that arrives. Return it with [`give_back`](Wire::give_back).
    pub(super) fn take(&mut self, place: u32) -> Packet {
        core::mem::take(&mut self.packets[place as usize])
    }

    /// Returns the buffer of a taken packet, for reuse.
    pub(super) fn give_back(&mut self, place: u32, packet: Packet) {
        self.packets[place as usize] = packet;
        self.free.push(place);
    }

    fn keep(&mut self, to: u32, data: &[u8]) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.packets.push(Packet::default());
            u32::try_from(self.packets.len() - 1).expect("fewer than 2^32 datagrams at once")
        });
        let packet = &mut self.packets[place as usize];
        packet.to = to;
        packet.bytes.clear();
        packet.bytes.extend_from_slice(data);
        place
    }
}

impl Runtime<Peer> for Wire {
    fn notify(&mut self, notification: Notification<'_, Peer>) {
        if let Notification::MemberDown(peer) = notification {
            self.declared += u64::from(self.timer);
            if let Some(downs) = &mut self.downs {
                downs.push(Down { at: self.now, subject: peer.host() });
            }
        }
    }

    fn send_to(&mut self, to: Peer, data: &[u8]) {
        self.volume.packets += 1;
        self.volume.packet_bytes += data.len() as u64;
        match self.network.datagram(self.now, self.host, to.host(), data.len()) {
            Fate::Arrives(at) => {
                let place = self.keep(to.host(), data);
                self.queue.push(at, Task::Packet(place));
            }
            Fate::Lost => {}
            Fate::Twice(..) | Fate::Cut | Fate::Overflowed => {
                unreachable!("loss is the only fault")
            }
        }
    }

    fn submit_after(&mut self, timer: Timer<Peer>, after: Duration) {
        let after = if self.staggered { after.mul_f64(self.stagger.random()) } else { after };
        self.queue.push(self.now + after, Task::Timer(self.host, timer));
    }
}
