//! Gossip: the queues of updates and broadcasts, which of them go into a packet, and when.
//!
//! SWIM's infection-style dissemination with piggybacking (section 4), with the limits of HashiCorp
//! memberlist, and user broadcasts beside membership updates.

mod broadcasting;
mod check;
mod inbox;
mod introducing;
mod keyed;
mod messages;
#[cfg(all(feature = "encryption", feature = "memberlist"))]
#[cfg(test)]
mod order_in_go;
mod queue;
mod seen;
mod share;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use hashbrown::HashTable;

use crate::channel::Draft;
use crate::config::Config;
use crate::context::Context;
use crate::members::{Entry, Members, Slot};
use crate::output::{Answer, Failure, PacketKind};
use crate::outputs::Outputs;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind, Stats};
use crate::time::Instant;
use crate::wire::{Message, Update, Wire, memberlist};

pub(crate) use broadcasting::Taking;
use inbox::Inbox;
use introducing::Introductions;
use keyed::Keyed;
use queue::{Finished, Queue, Subject, Ticket};
pub(crate) use queue::{Tier, Waiter};
use seen::Seen;
use share::Share;

/// Minimum transmissions of each update in a flood.
const FLOOD_TRANSMISSIONS: usize = 2;

/// Room that an empty index keeps, in updates. The memory of a flood is given back.
const ROOM_KEPT: usize = 64;

/// A node's gossip.
#[derive(Debug)]
pub(crate) struct Gossip {
    updates: Queue,
    /// The place of the queued update about each member.
    places: HashTable<(Slot, u32)>,
    /// The place of the queued, unverified move of each member.
    moves: BTreeMap<Slot, u32>,
    broadcasts: Queue,
    share: Share,
    introductions: Introductions,
    seen: Seen,
    keyed: Keyed,
    /// Which messages in packets were taken, and how many were sent.
    inbox: Inbox,
    messages_sent: u32,
    /// Distinguishes broadcasts of this life of the node from earlier ones.
    life: u32,
    broadcasts_made: u32,
    /// The next gossip tick. Set when something is queued while there is an audience.
    due: Instant,
    /// This node has left, and gossips no longer.
    stopped: bool,
    /// Offset of the ticks, which keep their rhythm while there is no news.
    phase: Duration,
    /// The leave message was sent its full number of times, and [`Gossip::take_goodbye_sent`] has
    /// not reported it yet.
    goodbye_sent: bool,
    /// Memory for the messages that a packet finishes.
    finished: Vec<Finished>,
}

impl Gossip {
    /// Creates gossip with ticks at this phase of the interval, in this life of the node.
    pub(crate) fn new(phase: Duration, life: u32) -> Self {
        Gossip {
            updates: Queue::default(),
            places: HashTable::new(),
            moves: BTreeMap::new(),
            broadcasts: Queue::default(),
            share: Share::default(),
            introductions: Introductions::default(),
            seen: Seen::default(),
            keyed: Keyed::default(),
            inbox: Inbox::default(),
            messages_sent: 0,
            life,
            broadcasts_made: 0,
            due: Instant::NEVER,
            stopped: false,
            phase,
            goodbye_sent: false,
            finished: Vec::new(),
        }
    }

    // Queueing.

    /// Queues news about `subject`, in place of any that is queued already.
    pub(crate) fn queue_update(
        &mut self,
        cx: &mut Context,
        members: &Members,
        subject: Slot,
        update: &Update<'_>,
        tier: Tier,
        waiter: Waiter,
    ) {
        if let Some(place) = self.place_of(subject) {
            let replaced = self.updates.remove(place);
            self.settle(replaced, &cx.config, &mut cx.outputs);
        }
        if self.updates.len() >= cx.config.update_queue_max
            && !cx.config.breaks(Sabotage::OverfillsItsQueue)
            && let Some(place) = self.updates.least_urgent()
        {
            cx.drop_quietly(DropReason::QueueFull);
            let pushed_out = self.updates.remove(place);
            self.settle(pushed_out, &cx.config, &mut cx.outputs);
        }
        let message = Message::Update(*update);
        let ticket = Ticket { subject: Subject::Member(subject), kind: message.kind(), waiter };
        let place = self.updates.push(encoded(cx.config.wire, &message), tier, ticket);
        self.places.insert_unique(hash(subject), (subject, place), |&(slot, _)| hash(slot));
        self.arm(cx, members);
    }

    /// Queues unverified news, which newer news does not replace, if there is room.
    pub(crate) fn pass_on(&mut self, cx: &Context, members: &Members, update: &Update<'_>) {
        self.push_unverified(cx, members, Subject::Nothing, update);
    }

    /// Queues an unverified move of a member, if there is room, in place of any that is queued
    /// already.
    pub(crate) fn pass_on_move(
        &mut self,
        cx: &mut Context,
        members: &Members,
        member: Slot,
        update: &Update<'_>,
    ) {
        if cx.config.breaks(Sabotage::ChecksEveryMove) {
            return self.pass_on(cx, members, update);
        }
        if let Some(&place) = self.moves.get(&member) {
            let replaced = self.updates.remove(place);
            self.settle(replaced, &cx.config, &mut cx.outputs);
        }
        if let Some(place) = self.push_unverified(cx, members, Subject::Move(member), update) {
            self.moves.insert(member, place);
        }
    }

    fn push_unverified(
        &mut self,
        cx: &Context,
        members: &Members,
        subject: Subject,
        update: &Update<'_>,
    ) -> Option<u32> {
        if !self.has_room(&cx.config) {
            return None;
        }
        let message = Message::Update(*update);
        let ticket = Ticket { subject, kind: message.kind(), waiter: Waiter::Nobody };
        let place = self.updates.push(encoded(cx.config.wire, &message), Tier::Normal, ticket);
        self.arm(cx, members);
        Some(place)
    }

    /// Whether an update can be queued without pushing out another one.
    pub(crate) fn has_room(&self, config: &Config) -> bool {
        self.updates.len() < config.update_queue_max
    }

    /// Whether news about a member is queued.
    pub(crate) fn waits(&self, subject: Slot) -> bool {
        self.place_of(subject).is_some()
    }

    /// Drops all news about a member; it counts as sent.
    pub(crate) fn drop_news_about(&mut self, cx: &mut Context, subject: Slot) {
        let moved = self.moves.get(&subject).copied();
        for place in [self.place_of(subject), moved].into_iter().flatten() {
            let given_up = self.updates.remove(place);
            self.settle(given_up, &cx.config, &mut cx.outputs);
        }
        self.introductions.forget(subject);
    }

    /// Counts everything queued as spread, because no member is left to hear it. Later members
    /// learn it when they join.
    pub(crate) fn settle_all(&mut self, cx: &mut Context) {
        self.keyed = Keyed::default();
        self.introductions = Introductions::default();
        for queue in [core::mem::take(&mut self.updates), core::mem::take(&mut self.broadcasts)] {
            for finished in queue.drain() {
                self.settle(finished, &cx.config, &mut cx.outputs);
            }
        }
    }

    /// Drops everything queued, and answers the commands that wait for it, because this node has
    /// left.
    pub(crate) fn stop(&mut self, cx: &mut Context) {
        (self.due, self.stopped) = (Instant::NEVER, true);
        self.keyed = Keyed::default();
        self.introductions = Introductions::default();
        self.places = HashTable::new();
        self.moves.clear();
        for queue in [core::mem::take(&mut self.updates), core::mem::take(&mut self.broadcasts)] {
            for Finished { ticket, .. } in queue.drain() {
                if let Waiter::Command(request) = ticket.waiter {
                    cx.answer(request, Err(Failure::Stopped));
                }
            }
        }
    }

    // Sending.

    /// Sends a member what is queued.
    pub(crate) fn tell(&mut self, cx: &mut Context, members: &Members, to: Slot) {
        if !self.is_idle() {
            self.tell_after(cx, members, to, None);
        }
    }

    /// Sends a member a message, if there is one, and what is queued after it.
    #[inline]
    fn tell_after(
        &mut self,
        cx: &mut Context,
        members: &Members,
        to: Slot,
        first: Option<&Message<'_>>,
    ) {
        let mut draft = cx.channel.datagram();
        if let Some(message) = first {
            cx.stats.sent[message.kind()] += u64::from(draft.append_if_it_fits(message));
        }
        self.fill(&mut draft, (members, to), &cx.config, &mut cx.stats, &mut cx.outputs);
        let entry = members.entry(to);
        let payload = draft.into_datagram(entry.speaks(memberlist::CHECKSUM_VERSION));
        cx.send(entry.address(), payload, PacketKind::News);
    }

    /// Fills a datagram to a member with queued messages, if the member may be told news.
    #[inline]
    pub(crate) fn fill(
        &mut self,
        draft: &mut Draft<'_>,
        (members, to): (&Members, Slot),
        config: &Config,
        stats: &mut Stats,
        outputs: &mut Outputs,
    ) {
        if !self.is_idle() && may_hear(config, members.entry(to)) {
            self.fill_in(draft, members.live(), config, stats, outputs);
        }
    }

    /// Fills a datagram with queued messages, in a cluster of `live` members.
    fn fill_in(
        &mut self,
        draft: &mut Draft<'_>,
        live: usize,
        config: &Config,
        stats: &mut Stats,
        outputs: &mut Outputs,
    ) {
        let limit = config.transmissions(live);
        // Anti-entropy repairs updates that gossip misses; nothing repairs a broadcast.
        let broadcast_limit = limit + config.retransmit_mult;
        let excess = if config.breaks(Sabotage::OverfillsPackets) { 400 } else { 0 };
        let room = draft.room() + excess;
        let mut finished = core::mem::take(&mut self.finished);
        let sent = &mut stats.sent;

        // Besides their share, broadcasts may take the room that membership news will leave.
        let news = self.updates.bytes() + self.updates.len() * draft.cost(0);
        let left_over = room.saturating_sub(news);
        let size_max = config.packet_size_max + excess;
        let allotted = self.share.allot(&self.broadcasts, room, size_max).max(left_over);
        let mut used = self.broadcasts.fill(draft, allotted, broadcast_limit, sent, &mut finished);
        self.share.spend(used);
        let had_share = used > 0;
        used += self.updates.fill(draft, room - used, limit, sent, &mut finished);
        if !had_share {
            used = self.broadcasts.fill(draft, room - used, broadcast_limit, sent, &mut finished);
            self.share.spend(used);
        }

        for done in finished.drain(..) {
            self.settle(done, config, outputs);
        }
        self.finished = finished;
    }

    /// The next tick, [`Instant::NEVER`] if there is none.
    #[inline]
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// Notes that the tick is being handled.
    pub(crate) fn tick_is_over(&mut self) {
        self.due = Instant::NEVER;
    }

    /// Resumes gossip after a leave.
    pub(crate) fn restart(&mut self) {
        self.stopped = false;
    }

    /// Sets the next tick if there is something to gossip and a member to gossip to. Ticks keep
    /// their rhythm while nothing is queued, so a node without news does nothing at all.
    ///
    /// Also called at the end of each turn: news may have been queued while there was no audience.
    #[inline]
    pub(crate) fn arm(&mut self, cx: &Context, members: &Members) {
        if self.due < Instant::NEVER || self.stopped {
            return;
        }
        let has_news = !self.is_idle() || self.introductions.are_due();
        if has_news && members.has_audience() {
            self.due = self.next_tick(cx.now(), cx.config.gossip_interval);
        }
    }

    fn next_tick(&self, now: Instant, interval: Duration) -> Instant {
        // The phase is below the interval. Counted from one interval before the phase, ticks are at
        // the multiples of the interval.
        let counted = (now + (interval - self.phase)).since_origin();
        let since_tick = Duration::from_nanos(
            u64::try_from(counted.as_nanos() % interval.as_nanos()).expect("less than an hour"),
        );
        now + (interval - since_tick)
    }

    /// Whether the leave message was sent its full number of times since the last call.
    #[inline]
    pub(crate) fn take_goodbye_sent(&mut self) -> bool {
        core::mem::take(&mut self.goodbye_sent)
    }

    // Floods.

    /// Whether gossip may still bring peers to this node's view. In a flood the first few
    /// transmissions reach nearly all members. Chance needs all further ones for the rest, while
    /// one exchange does the same in one round trip.
    pub(crate) fn is_under_way(&self, config: &Config) -> bool {
        let first_few = |sent| sent < FLOOD_TRANSMISSIONS;
        self.updates.sent_least().is_some_and(|sent| first_few(sent) || !self.is_flooded(config))
    }

    /// Drops the remaining transmissions of a flood, because a probed member has this node's view:
    /// members that lack it find out by their next probe.
    pub(crate) fn end_flood(&mut self, cx: &mut Context) {
        if self.is_flooded(&cx.config) {
            for finished in self.updates.take_alive(FLOOD_TRANSMISSIONS) {
                self.settle(finished, &cx.config, &mut cx.outputs);
            }
        }
    }

    /// Whether more news waits than a gossip tick sends, as after many joins at once.
    fn is_flooded(&self, config: &Config) -> bool {
        self.updates.bytes() > config.packet_size_max * config.gossip_nodes
    }

    // Getters.

    /// How many updates are queued.
    pub(crate) fn updates_len(&self) -> usize {
        self.updates.len()
    }

    /// How many broadcasts are queued.
    pub(crate) fn broadcasts_len(&self) -> usize {
        self.broadcasts.len()
    }

    /// Whether nothing is queued.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.updates.is_empty() && self.broadcasts.is_empty()
    }

    fn place_of(&self, subject: Slot) -> Option<u32> {
        let found = self.places.find(hash(subject), |&(slot, _)| slot == subject);
        found.map(|&(_, place)| place)
    }

    /// Notes that a queued message will not be sent again, and answers its waiter.
    fn settle(&mut self, finished: Finished, config: &Config, outputs: &mut Outputs) {
        let Ticket { subject, waiter, kind } = finished.ticket;
        match subject {
            Subject::Member(member) => self.forget_place(member),
            Subject::Move(member) => _ = self.moves.remove(&member),
            Subject::Nothing => {}
        }
        if kind == MessageKind::Broadcast {
            self.keyed.remove(finished.place);
        }
        match waiter {
            Waiter::Leave { .. } => self.goodbye_sent = true,
            Waiter::Command(request) => outputs.answer(config, request, Ok(Answer::Spread)),
            Waiter::Nobody => {}
        }
    }

    fn forget_place(&mut self, subject: Slot) {
        if let Ok(found) = self.places.find_entry(hash(subject), |&(slot, _)| slot == subject) {
            found.remove();
        }
        if self.places.is_empty() && self.places.capacity() > 2 * ROOM_KEPT {
            self.places = HashTable::new();
        }
    }
}

/// Whether a member may be told news: only if this node heard from it, so that an attacker cannot
/// have gossip sent to any address.
#[inline]
pub(crate) fn may_hear(config: &Config, member: &Entry) -> bool {
    member.has_answered() || config.breaks(Sabotage::GossipsToStrangers)
}

/// Slots are small numbers, each in use once. Spread over the whole width, they collide as rarely
/// as random numbers.
fn hash(slot: Slot) -> u64 {
    // The golden ratio in 64 bits, as in Fibonacci hashing (Knuth, volume 3, section 6.4).
    u64::from(slot.number()).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A message as it is appended to packets.
fn encoded(wire: Wire, message: &Message<'_>) -> Bytes {
    let mut bytes = BytesMut::with_capacity(wire.encoded_len(message));
    wire.encode(message, &mut bytes);
    bytes.freeze()
}
