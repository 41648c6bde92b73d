//! Links that this node dialled, to which packets go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use swim_core::{ConnectionError, Deadlines, Instant, PacketKind, StreamId};

use super::hello::Hello;
use super::queue::Queue;
use super::{IDLE_TIMEOUT, Pace};
use crate::action::{Action, DialPurpose, StreamNews};

/// The core counts its streams from 1 up and never reaches these ids.
const FIRST_ID: u64 = 1 << 63;

/// The links to peers, one for each address. A new link replaces the least recently used.
#[derive(Debug)]
pub(super) struct Outgoing {
    pace: Pace,
    /// The hello of a first link, and of one that replaces a broken link.
    hellos: [Vec<u8>; 2],
    links: BTreeMap<SocketAddr, Link>,
    ids: BTreeMap<StreamId, SocketAddr>,
    /// The least recently used first.
    recency: BTreeSet<(u64, SocketAddr)>,
    uses: u64,
    /// When to look after each link.
    due: Deadlines<SocketAddr>,
    /// Connections with a closed sending side, and until when the peer may close its own.
    closing: Deadlines<StreamId>,
    dials: u64,
    packets_dropped: u64,
}

#[derive(Debug)]
struct Link {
    state: State,
    queue: Queue,
    used: u64,
    used_at: Instant,
    /// How many dials or connections in a row failed.
    failures: u32,
    /// An earlier connection was given up as broken.
    renewed: bool,
    /// The time of the first ping since which nothing came from this address.
    unheard_since: Option<Instant>,
    due: Instant,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Not dialled before `until`.
    Waiting {
        until: Instant,
    },
    Dialling {
        id: StreamId,
    },
    /// Nothing is being written.
    Ready {
        id: StreamId,
        opened_at: Instant,
    },
    Writing {
        id: StreamId,
        opened_at: Instant,
        since: Instant,
    },
}

impl State {
    fn id(self) -> Option<StreamId> {
        match self {
            State::Waiting { .. } => None,
            State::Dialling { id } | State::Ready { id, .. } | State::Writing { id, .. } => {
                Some(id)
            }
        }
    }

    fn opened_at(self) -> Option<Instant> {
        match self {
            State::Waiting { .. } | State::Dialling { .. } => None,
            State::Ready { opened_at, .. } | State::Writing { opened_at, .. } => Some(opened_at),
        }
    }
}

impl Outgoing {
    pub(super) fn new(pace: Pace, hello: &Hello) -> Self {
        Outgoing {
            pace,
            hellos: [hello.encode(false), hello.encode(true)],
            links: BTreeMap::new(),
            ids: BTreeMap::new(),
            recency: BTreeSet::new(),
            uses: 0,
            due: Deadlines::default(),
            closing: Deadlines::default(),
            dials: 0,
            packets_dropped: 0,
        }
    }

    pub(super) fn owns(&self, id: StreamId) -> bool {
        self.ids.contains_key(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    pub(super) fn dials(&self) -> u64 {
        self.dials
    }

    pub(super) fn packets_dropped(&self) -> u64 {
        self.packets_dropped
    }

    /// Sends a packet, or queues it.
    pub(super) fn send(
        &mut self,
        now: Instant,
        to: SocketAddr,
        (kind, packet): (PacketKind, Bytes),
        is_member: impl Fn(IpAddr) -> bool,
        actions: &mut VecDeque<Action>,
    ) {
        if !self.links.contains_key(&to) && !self.add(now, to, is_member, actions) {
            self.packets_dropped += 1;
            return;
        }
        let patience = self.pace.stale_after * 2;
        let Some(link) = self.links.get_mut(&to) else { return };
        self.uses += 1;
        self.recency.remove(&(link.used, to));
        (link.used, link.used_at) = (self.uses, now);
        self.recency.insert((link.used, to));
        self.packets_dropped += link.queue.push(now, kind, packet);
        if kind == PacketKind::Probe {
            let since = *link.unheard_since.get_or_insert(now);
            // The system may retransmit for minutes, less and less often.
            if since + patience < now && link.state.opened_at().is_some() {
                link.renewed = true;
                self.give_up(now, to, Duration::ZERO, actions);
            }
        }
        self.advance(now, to, actions);
    }

    /// A packet came from the node that announces this address.
    pub(super) fn heard(&mut self, from: SocketAddr) {
        if let Some(link) = self.links.get_mut(&from) {
            link.unheard_since = None;
        }
    }

    /// The node at `peer` gave up its link to this one: replaces ours with the next packet.
    pub(super) fn renew(&mut self, now: Instant, peer: SocketAddr, actions: &mut VecDeque<Action>) {
        if self.links.get(&peer).is_some_and(|link| link.state.opened_at().is_some()) {
            self.give_up(now, peer, Duration::ZERO, actions);
            self.advance(now, peer, actions);
        }
    }

    /// Handles news about one of the connections.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        id: StreamId,
        news: StreamNews<'_>,
        actions: &mut VecDeque<Action>,
    ) {
        let Some(&to) = self.ids.get(&id) else { return };
        let Some(link) = self.links.get_mut(&to) else { return };
        match (news, link.state) {
            (StreamNews::Opened, State::Dialling { .. }) => {
                link.state = State::Ready { id, opened_at: now };
                self.write(now, to, true, actions);
            }
            (StreamNews::Written, State::Writing { opened_at, .. }) => {
                link.state = State::Ready { id, opened_at };
                self.advance(now, to, actions);
            }
            (StreamNews::Failed(error), _) => {
                link.renewed |= error != ConnectionError::Refused;
                self.broke(now, to, actions);
            }
            // No data comes back on a link: the peer closed it, or does not treat it as a link.
            (StreamNews::Finished | StreamNews::Data(_), _) => {
                actions.push_back(Action::Abort { id });
                self.broke(now, to, actions);
            }
            (StreamNews::Opened | StreamNews::Written | StreamNews::Certified(_), _) => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.due.next(), self.closing.next()].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, actions: &mut VecDeque<Action>) {
        while let Some((_, id)) = self.closing.take_due(now) {
            actions.push_back(Action::Abort { id });
        }
        while let Some((_, to)) = self.due.take_due(now) {
            self.look_after(now, to, actions);
        }
    }

    /// Handles a link whose deadline has passed.
    fn look_after(&mut self, now: Instant, to: SocketAddr, actions: &mut VecDeque<Action>) {
        let Some(link) = self.links.get_mut(&to) else { return };
        // The caller took its deadline out; every link needs one.
        self.due.insert(link.due, to);
        match link.state {
            State::Waiting { until } if until <= now => {
                self.packets_dropped += link.queue.drop_stale(now, self.pace.stale_after);
                if link.queue.is_empty() {
                    return self.remove(to);
                }
                self.dial(to, actions);
            }
            // The link took nothing for the time that a ping may take.
            State::Writing { since, .. } if since + self.pace.stale_after <= now => {
                link.failures += 1;
                link.renewed = true;
                let wait = self.pace.backoff(link.failures);
                self.give_up(now, to, wait, actions);
            }
            State::Ready { id, .. } if link.used_at + IDLE_TIMEOUT <= now => {
                self.close(now, id, actions);
                return self.remove(to);
            }
            _ => {}
        }
        self.set_deadline(now, to);
    }

    /// Does what is possible for the waiting packets.
    fn advance(&mut self, now: Instant, to: SocketAddr, actions: &mut VecDeque<Action>) {
        let Some(link) = self.links.get(&to) else { return };
        match link.state {
            State::Waiting { until } if until <= now && !link.queue.is_empty() => {
                self.dial(to, actions);
            }
            State::Ready { id, opened_at } if opened_at + self.pace.age_max <= now => {
                // Replaced at this packet, so that none is lost: all written bytes are on their
                // way.
                self.close(now, id, actions);
                self.ids.remove(&id);
                self.dial(to, actions);
            }
            State::Ready { .. } => self.write(now, to, false, actions),
            _ => {}
        }
        self.set_deadline(now, to);
    }

    fn dial(&mut self, to: SocketAddr, actions: &mut VecDeque<Action>) {
        let Some(link) = self.links.get_mut(&to) else { return };
        let id = StreamId(FIRST_ID + self.dials);
        self.dials += 1;
        link.state = State::Dialling { id };
        self.ids.insert(id, to);
        let purpose = DialPurpose::Link { give_up_after: self.pace.stale_after };
        actions.push_back(Action::Dial { id, to, timeout: self.pace.dial_timeout, purpose });
    }

    /// Writes waiting packets, after the hello on a `new` connection.
    fn write(&mut self, now: Instant, to: SocketAddr, new: bool, actions: &mut VecDeque<Action>) {
        let Some(link) = self.links.get_mut(&to) else { return };
        if let State::Ready { id, opened_at } = link.state {
            self.packets_dropped += link.queue.drop_stale(now, self.pace.stale_after);
            let mut bytes =
                if new { self.hellos[usize::from(link.renewed)].clone() } else { Vec::new() };
            link.queue.take_frames(&mut bytes);
            if opened_at + self.pace.stale_after <= now {
                (link.failures, link.renewed) = (0, false);
            }
            if !bytes.is_empty() {
                link.state = State::Writing { id, opened_at, since: now };
                actions.push_back(Action::Write { id, bytes: bytes.into() });
            }
        }
        self.set_deadline(now, to);
    }

    /// Ends an open connection. Another may be dialled after `wait`.
    fn give_up(
        &mut self,
        now: Instant,
        to: SocketAddr,
        wait: Duration,
        actions: &mut VecDeque<Action>,
    ) {
        let Some(link) = self.links.get_mut(&to) else { return };
        if let Some(id) = link.state.id() {
            self.ids.remove(&id);
            actions.push_back(Action::Abort { id });
        }
        link.unheard_since = None;
        link.state = State::Waiting { until: now + wait };
        self.set_deadline(now, to);
    }

    /// A connection could not be made, or ended by itself.
    fn broke(&mut self, now: Instant, to: SocketAddr, actions: &mut VecDeque<Action>) {
        let Some(link) = self.links.get_mut(&to) else { return };
        if let Some(id) = link.state.id() {
            self.ids.remove(&id);
        }
        // A link that lasted was good: the peer made room, or restarted.
        let lasted = link.state.opened_at().is_some_and(|at| at + self.pace.stale_after <= now);
        link.failures = if lasted { 0 } else { link.failures + 1 };
        let wait = if lasted { Duration::ZERO } else { self.pace.backoff(link.failures) };
        link.unheard_since = None;
        link.state = State::Waiting { until: now + wait };
        self.advance(now, to, actions);
    }

    /// Makes a place for a link. A stranger may have made up its address, so it takes no place from
    /// a member. False if there is no place.
    fn add(
        &mut self,
        now: Instant,
        to: SocketAddr,
        is_member: impl Fn(IpAddr) -> bool,
        actions: &mut VecDeque<Action>,
    ) -> bool {
        if self.links.len() >= self.pace.links_max {
            let mut by_age = self.recency.iter().map(|&(_, to)| to);
            let stranger = by_age.clone().find(|to| !is_member(to.ip()));
            let victim = stranger.or_else(|| by_age.next().filter(|_| is_member(to.ip())));
            let Some(victim) = victim else { return false };
            self.evict(now, victim, actions);
        }
        let link = Link {
            state: State::Waiting { until: now },
            queue: Queue::default(),
            used: self.uses,
            used_at: now,
            failures: 0,
            renewed: false,
            unheard_since: None,
            due: now,
        };
        self.recency.insert((link.used, to));
        self.due.insert(link.due, to);
        self.links.insert(to, link);
        true
    }

    fn evict(&mut self, now: Instant, to: SocketAddr, actions: &mut VecDeque<Action>) {
        let Some(link) = self.links.get(&to) else { return };
        self.packets_dropped += link.queue.len();
        match link.state {
            State::Ready { id, .. } => self.close(now, id, actions),
            state => actions.extend(state.id().map(|id| Action::Abort { id })),
        }
        self.remove(to);
    }

    /// Closes a connection with everything written, so that all of it arrives.
    fn close(&mut self, now: Instant, id: StreamId, actions: &mut VecDeque<Action>) {
        actions.push_back(Action::Finish { id });
        self.closing.insert(now + self.pace.dial_timeout, id);
    }

    fn set_deadline(&mut self, now: Instant, to: SocketAddr) {
        let Some(link) = self.links.get_mut(&to) else { return };
        let due = match link.state {
            State::Waiting { until } => until,
            // A dial has its own timeout, and reports its end.
            State::Dialling { .. } => now + IDLE_TIMEOUT,
            State::Ready { .. } => link.used_at + IDLE_TIMEOUT,
            State::Writing { since, .. } => since + self.pace.stale_after,
        };
        self.due.move_to(link.due, due, to);
        link.due = due;
    }

    fn remove(&mut self, to: SocketAddr) {
        let Some(link) = self.links.remove(&to) else { return };
        if let Some(id) = link.state.id() {
            self.ids.remove(&id);
        }
        self.recency.remove(&(link.used, to));
        self.due.remove(link.due, to);
    }
}
