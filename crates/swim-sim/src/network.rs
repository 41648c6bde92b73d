//! The network between hosts: latency, loss, and cut links.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use swim_core::Instant;

use crate::bandwidth::{Bandwidth, Uplinks};
use crate::chance::{Chance, halves};
use crate::fate::{Fate, Passage};
use crate::latency::{Latency, Picker};
use crate::links::{Between, Blocks, HostSet, Links};
use crate::loss::{Loss, Losses};
use crate::network_options::{NetworkOptions, Reordering};
use crate::random::{Draws, generator};
use crate::time::{millis, nanos};

/// Stands for hosts outside the world, which no fault affects.
pub(crate) const OUTSIDE: u32 = u32::MAX;

/// How long until a lost piece of a stream is sent again. Each further wait is twice as long.
const RETRANSMIT_AFTER: Duration = millis(200);
/// The same for a lost connection request.
const REQUEST_AGAIN_AFTER: Duration = millis(1000);
/// The most retransmissions of one piece, so that a loss of 100% ends.
const RETRANSMITS_MAX: u32 = 8;

/// Models a network: decides the fate of each datagram.
///
/// [`World`] uses it. A harness for nodes of another kind can, too; it keeps the datagrams and the
/// time itself.
///
/// All results are a pure function of the seed, the options, and the calls. Hosts are numbers, from
/// 0 without gaps; [`Network::OUTSIDE`] stands for all others.
///
/// The latency and the loss of a datagram are drawn whether or not anything can be lost, and each
/// further class of faults has its own generator. A fault that is switched off changes no other
/// draw, so two runs that differ in one fault stay comparable.
///
/// ```
/// use swim_core::Instant;
/// use swim_sim::{Fate, Network, NetworkOptions, Passage};
///
/// let options = NetworkOptions { loss: 0.1.into(), ..NetworkOptions::default() };
/// let mut network = Network::new(42, options);
/// let now = Instant::ORIGIN;
/// match network.datagram(now, 0, 1, 200) {
///     // Put it into a queue, and ask again when its time has come.
///     Fate::Arrives(at) => assert!(at > now && network.passage(0, 1) == Passage::Open),
///     Fate::Twice(_, _) => unreachable!("nothing is duplicated here"),
///     Fate::Lost | Fate::Cut | Fate::Overflowed => {}
/// }
/// ```
///
/// [`World`]: crate::World
#[derive(Debug)]
pub struct Network {
    /// Only latency and independent loss: the case that has to be fast.
    plain: bool,
    rng: ChaCha8Rng,
    latency: Picker,
    losses: Losses,
    /// Loss from and to single hosts, on top of the general loss; empty if there is none.
    host_losses: Vec<HostLoss>,
    links: Links,
    duplication: Chance,
    duplication_rng: ChaCha8Rng,
    reordering: Chance,
    /// In nanoseconds.
    reordering_delay_max: u64,
    reordering_rng: ChaCha8Rng,
    reordered: u64,
    uplinks: Uplinks,
}

/// The loss of datagrams from a host, and of those to it.
#[derive(Clone, Copy, Debug, Default)]
struct HostLoss {
    from: Chance,
    to: Chance,
}

impl Network {
    /// Stands for every host without a number: it has no faults and no limit of its own.
    pub const OUTSIDE: u32 = OUTSIDE;

    /// Makes a network between any number of hosts.
    ///
    /// # Panics
    /// If an option is out of range. Methods that change one panic likewise.
    #[must_use]
    #[track_caller]
    pub fn new(seed: u64, options: NetworkOptions) -> Self {
        let mut network = Network {
            plain: true,
            rng: generator(seed, Draws::Network),
            latency: Picker::new(options.latency),
            losses: Losses::new(seed, options.loss),
            host_losses: Vec::new(),
            links: Links::default(),
            duplication: Chance::NEVER,
            duplication_rng: generator(seed, Draws::Duplication),
            reordering: Chance::NEVER,
            reordering_delay_max: 0,
            reordering_rng: generator(seed, Draws::Reordering),
            reordered: 0,
            uplinks: Uplinks::default(),
        };
        network.set_duplication(options.duplication);
        network.set_reordering(options.reordering);
        network.set_bandwidth(options.bandwidth);
        network
    }

    /// Decides the fate of a datagram of `bytes` bytes that is sent now.
    ///
    /// Call it in the order of sending: `now` must not go back.
    pub fn datagram(&mut self, now: Instant, from: u32, to: u32, bytes: usize) -> Fate {
        let (latency, loss) = self.draw();
        if !self.plain {
            return self.impaired(now, (from, to), bytes, latency, loss);
        }
        if self.losses.mean().happens(loss) { Fate::Lost } else { Fate::Arrives(at(now, latency)) }
    }

    /// Returns whether a datagram from one host to another may be delivered.
    ///
    /// Ask when it arrives: the link may have changed since it was sent.
    #[must_use]
    pub fn passage(&self, from: u32, to: u32) -> Passage {
        if self.plain {
            Passage::Open
        } else if self.links.stop_datagram(from, to) {
            Passage::Cut
        } else if self.links.hold(from, to) {
            Passage::Clogged
        } else {
            Passage::Open
        }
    }

    /// Sets the latency from now on.
    #[track_caller]
    pub fn set_latency(&mut self, latency: Latency) {
        self.latency = Picker::new(latency);
    }

    /// Sets which datagrams are lost.
    #[track_caller]
    pub fn set_loss(&mut self, loss: impl Into<Loss>) {
        self.losses.set(loss.into());
        self.look_whether_plain();
    }

    /// Sets the loss, 0.0 to 1.0, of datagrams from this host, on top of the general loss.
    #[track_caller]
    pub fn set_loss_from(&mut self, host: u32, probability: f64) {
        self.host_loss_mut(host).from = Chance::new(probability);
        self.look_whether_plain();
    }

    /// Sets the loss, 0.0 to 1.0, of datagrams to this host, on top of the general loss.
    #[track_caller]
    pub fn set_loss_to(&mut self, host: u32, probability: f64) {
        self.host_loss_mut(host).to = Chance::new(probability);
        self.look_whether_plain();
    }

    /// Sets the probability, 0.0 to 1.0, that a datagram arrives twice.
    #[track_caller]
    pub fn set_duplication(&mut self, probability: f64) {
        self.duplication = Chance::new(probability);
        self.look_whether_plain();
    }

    /// Sets which datagrams are delayed so that others overtake them.
    #[track_caller]
    pub fn set_reordering(&mut self, reordering: Reordering) {
        self.reordering = Chance::new(reordering.probability);
        self.reordering_delay_max = nanos(reordering.delay_max);
        self.look_whether_plain();
    }

    /// Sets how fast hosts send; unlimited if `None`. A host with its own bandwidth keeps that.
    #[track_caller]
    pub fn set_bandwidth(&mut self, bandwidth: Option<Bandwidth>) {
        self.uplinks.set(bandwidth);
        self.look_whether_plain();
    }

    /// Sets how fast this host sends, in place of the general bandwidth.
    #[track_caller]
    pub fn set_bandwidth_of(&mut self, host: u32, bandwidth: Option<Bandwidth>) {
        self.uplinks.set_of(host, bandwidth);
        self.look_whether_plain();
    }

    /// Cuts the links from some hosts to others, but not the way back.
    pub fn cut(&mut self, from: &[u32], to: &[u32]) {
        let set = |hosts: &[u32]| hosts.iter().copied().collect();
        self.break_links(set(from), set(to), Blocks::Everything);
    }

    /// Clogs the link from one host to another, but not the way back.
    ///
    /// Keep datagrams until it is unclogged: see [`passage`](Network::passage).
    pub fn clog(&mut self, from: u32, to: u32) {
        self.links.clog(from, to);
        self.look_whether_plain();
    }

    /// Ends a [`clog`](Network::clog).
    pub fn unclog(&mut self, from: u32, to: u32) {
        self.links.unclog(from, to);
        self.look_whether_plain();
    }

    /// Clogs every link of a host, in both directions.
    pub fn clog_host(&mut self, host: u32) {
        self.links.clog_host(host);
        self.look_whether_plain();
    }

    /// Ends a [`clog_host`](Network::clog_host).
    pub fn unclog_host(&mut self, host: u32) {
        self.links.unclog_host(host);
        self.look_whether_plain();
    }

    /// Ends every cut and every clog.
    pub fn heal(&mut self) {
        self.links.heal();
        self.look_whether_plain();
    }

    /// Returns how many datagrams were delayed by [`Reordering`] so far.
    #[must_use]
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    // For the world.

    pub(crate) fn break_links(&mut self, from: HostSet, to: HostSet, blocks: Blocks) {
        self.links.break_links(from, to, blocks);
        self.look_whether_plain();
    }

    pub(crate) fn break_for_long(&mut self, between: Between) {
        self.links.break_for_long(between);
        self.look_whether_plain();
    }

    pub(crate) fn mend(&mut self, between: Between) {
        self.links.mend(between);
        self.look_whether_plain();
    }

    /// Whether a broken link stops a piece of a stream.
    pub(crate) fn stops_stream(&self, from: u32, to: u32) -> bool {
        !self.plain && self.links.stop_stream(from, to)
    }

    /// Whether a clogged link holds input.
    pub(crate) fn holds(&self, from: u32, to: u32) -> bool {
        !self.plain && self.links.hold(from, to)
    }

    /// When a piece of a stream sent now arrives, retransmissions included.
    pub(crate) fn piece(&mut self, now: Instant, from: u32, to: u32, bytes: usize) -> Instant {
        let late = self.retransmitted(now, from, to, RETRANSMIT_AFTER);
        let sent = if self.plain { now } else { self.uplinks.stream(now, from, bytes) };
        sent + late
    }

    /// When a connection request sent now arrives, repetitions included.
    pub(crate) fn request(&mut self, now: Instant, from: u32, to: u32) -> Instant {
        now + self.retransmitted(now, from, to, REQUEST_AGAIN_AFTER)
    }

    /// How long to wait after a broken link stopped a piece `stops` times in a row.
    pub(crate) fn piece_again(stops: u32) -> Duration {
        RETRANSMIT_AFTER * (1 << stops.min(5))
    }

    /// The same for a connection request.
    pub(crate) fn request_again(stops: u32) -> Duration {
        REQUEST_AGAIN_AFTER * (1 << stops.min(5))
    }

    /// The latency of a draw made elsewhere.
    pub(crate) fn latency_by(&self, draw: u32) -> Duration {
        Duration::from_nanos(self.latency.pick(draw))
    }

    // Private.

    fn impaired(
        &mut self,
        now: Instant,
        (from, to): (u32, u32),
        bytes: usize,
        latency: u64,
        loss: u32,
    ) -> Fate {
        // Every draw comes before every decision.
        let chance = self.losses.of_sender(now, from).or(self.loss_of_hosts(from, to));
        let copy = self.draw_copy();
        let delay = self.draw_delay();
        let Some(sent) = self.uplinks.datagram(now, from, bytes) else {
            return Fate::Overflowed;
        };
        if chance.happens(loss) {
            return Fate::Lost;
        }
        if self.links.stop_datagram(from, to) {
            return Fate::Cut;
        }
        self.reordered += u64::from(delay.is_some());
        let arrives = at(at(sent, latency), delay.unwrap_or(0));
        match copy {
            Some(latency) => Fate::Twice(arrives, at(sent, latency)),
            None => Fate::Arrives(arrives),
        }
    }

    /// The latency of a second copy, if there is one.
    fn draw_copy(&mut self) -> Option<u64> {
        if self.duplication == Chance::NEVER {
            return None;
        }
        let (latency, chance) = halves(self.duplication_rng.next_u64());
        self.duplication.happens(chance).then(|| self.latency.pick(latency))
    }

    /// The additional delay of a datagram, if there is one.
    fn draw_delay(&mut self) -> Option<u64> {
        if self.reordering == Chance::NEVER {
            return None;
        }
        let (delay, chance) = halves(self.reordering_rng.next_u64());
        let delay = (u128::from(self.reordering_delay_max) * u128::from(delay)) >> 32;
        // Below the maximum, so it fits.
        self.reordering.happens(chance).then(|| u64::try_from(delay).unwrap_or(0))
    }

    /// The latency with retransmissions: the first attempt meets the loss of this instant, further
    /// ones, at other times, the average loss.
    fn retransmitted(
        &mut self,
        now: Instant,
        from: u32,
        to: u32,
        first_wait: Duration,
    ) -> Duration {
        let (latency, draw) = self.draw();
        let of_hosts = self.loss_of_hosts(from, to);
        let mut all_lost = self.losses.of_sender(now, from).or(of_hosts);
        let another = self.losses.mean().or(of_hosts);
        let mut waits = 0;
        while waits < RETRANSMITS_MAX && all_lost.happens(draw) {
            all_lost = all_lost.and(another);
            waits += 1;
        }
        Duration::from_nanos(latency) + first_wait * ((1 << waits) - 1)
    }

    /// A latency in nanoseconds, and 32 bits that decide the loss.
    fn draw(&mut self) -> (u64, u32) {
        let (latency, loss) = halves(self.rng.next_u64());
        (self.latency.pick(latency), loss)
    }

    fn loss_of_hosts(&self, from: u32, to: u32) -> Chance {
        if self.host_losses.is_empty() {
            return Chance::NEVER;
        }
        let of = |host: u32| self.host_losses.get(host as usize).copied().unwrap_or_default();
        of(from).from.or(of(to).to)
    }

    fn host_loss_mut(&mut self, host: u32) -> &mut HostLoss {
        let host = host as usize;
        if self.host_losses.len() <= host {
            self.host_losses.resize(host + 1, HostLoss::default());
        }
        &mut self.host_losses[host]
    }

    fn look_whether_plain(&mut self) {
        self.plain = self.losses.is_independent()
            && self.host_losses.iter().all(|host| host.from.or(host.to) == Chance::NEVER)
            && self.links.are_whole()
            && self.duplication == Chance::NEVER
            && self.reordering == Chance::NEVER
            && self.uplinks.are_unlimited();
    }
}

/// Adds nanoseconds to an instant.
fn at(instant: Instant, nanos: u64) -> Instant {
    Instant::from_nanos(instant.as_nanos().saturating_add(nanos))
}

#[cfg(test)]
mod tests;
