//! Leaving: the leave message, whether a peer acknowledged it, and when the leave is over.

use core::time::Duration;

use super::Membership;
use crate::config::{Config, FAN_OUT_MAX};
use crate::context::Context;
use crate::dissemination::{Gossip, Tier, Waiter};
use crate::member::State;
use crate::members::Slot;
use crate::output::{Answer, Failure, RequestId};
use crate::sabotage::Sabotage;
use crate::status::Status;
use crate::time::Instant;
use crate::wire::{Claim, Update};

/// Gossip intervals in which the leave message goes in datagrams alone. If none is acknowledged by
/// then, something blocks datagrams, and streams are used as well.
const DATAGRAMS_ALONE: u32 = 3;

/// How many members are sent the leave message directly, in three ticks of [`FAN_OUT_MAX`]: all of
/// a small cluster. Gossip alone misses some, and a departed node cannot refute what those then
/// believe.
const GOODBYES_DIRECT_MAX: usize = DATAGRAMS_ALONE as usize * FAN_OUT_MAX;

/// Extra transmissions if that takes several ticks: some go with acks to members that ping
/// meanwhile.
const GOODBYES_ON_ACKS: usize = 8;

/// Minimum time for a stream to get through: a lost SYN is sent again after a second (RFC 6298).
const STREAM_TIME_MIN: Duration = Duration::from_millis(1500);

/// The leave in progress.
#[derive(Debug)]
pub(super) struct Leave {
    request: RequestId,
    /// There was a live peer when it began.
    has_peers: bool,
    /// A peer acknowledged the leave message.
    heard: bool,
    /// When the leave message goes over streams, unless acknowledged by then.
    streams_due: Option<Instant>,
    /// When the leave message has had time to spread.
    due: Instant,
    /// When the streams that carry it have had their time.
    streams_end: Instant,
}

impl Leave {
    fn new(
        now: Instant,
        config: &Config,
        request: RequestId,
        (live, peers): (usize, usize),
    ) -> Self {
        // Ends the leave even if the message never goes out often enough, for lack of peers.
        let sending = config.gossip_interval * (config.transmissions(live) + 1);
        Leave {
            request,
            has_peers: peers > 0,
            heard: false,
            streams_due: Some(now + config.gossip_interval * DATAGRAMS_ALONE),
            due: now + sending + config.dissemination_bound(live),
            streams_end: now,
        }
    }

    pub(super) fn request(&self) -> RequestId {
        self.request
    }

    /// When the leave needs attention next.
    #[inline]
    pub(super) fn due(&self) -> Instant {
        let end = self.due.max(self.streams_end);
        self.streams_due.map_or(end, |at| at.min(end))
    }
}

impl Membership {
    /// Begins to leave; `request` is the `leave` command.
    pub(crate) fn begin_leave(&mut self, cx: &Context, request: RequestId) {
        self.members.set_state(cx.now(), Slot::LOCAL, State::Left);
        let (live, peers) = (self.members.live(), self.members.peers());
        self.own.begin_leave(Leave::new(cx.now(), &cx.config, request, (live, peers)));
    }

    /// Queues the leave message for gossip.
    pub(crate) fn queue_goodbye(&self, cx: &mut Context, gossip: &mut Gossip) {
        let goodbye = self.own_departure();
        let direct = match self.members.peers() {
            all_at_once @ ..=FAN_OUT_MAX => all_at_once,
            peers => peers.min(GOODBYES_DIRECT_MAX) + GOODBYES_ON_ACKS,
        };
        let times_min = u32::try_from(direct).expect("a few");
        let (tier, waiter) = (Tier::Urgent, Waiter::Leave { times_min });
        gossip.queue_update(cx, &self.members, Slot::LOCAL, &goodbye, tier, waiter);
    }

    /// The leave message for any node that pings, once this node is leaving or has left. The asker
    /// has not heard it, or this node never heard of the asker. It holds this node's name, and is
    /// hardly longer than a ping.
    #[inline]
    pub(crate) fn goodbye(&self) -> Option<Update<'_>> {
        (self.status() != Status::Running).then(|| self.own_departure())
    }

    /// The leave message, while this node leaves and no peer has acknowledged it.
    #[inline]
    pub(crate) fn unheard_goodbye(&self) -> Option<Update<'_>> {
        let unheard = self.own.leave().is_some_and(|leave| !leave.heard);
        unheard.then(|| self.own_departure())
    }

    /// Notes that a peer acknowledged the leave message.
    pub(crate) fn note_goodbye_heard(&mut self) {
        if let Some(leave) = self.own.leave_mut() {
            (leave.heard, leave.streams_due) = (true, None);
        }
    }

    /// Whether to send the leave message over streams now, because no peer has acknowledged it.
    /// Returns true once.
    pub(crate) fn take_unheard(&mut self, cx: &Context) -> bool {
        let now = cx.now();
        let patience = cx.config.dissemination_bound(self.members.live()).max(STREAM_TIME_MIN);
        let leave =
            self.own.leave_mut().filter(|leave| leave.streams_due.is_some_and(|at| at <= now));
        let Some(leave) = leave else { return false };
        (leave.streams_due, leave.streams_end) = (None, now + patience);
        true
    }

    /// Notes that the leave message was sent its full number of times. Peers need a few rounds to
    /// spread it; this node stays that long, to answer their questions.
    pub(crate) fn let_goodbye_spread(&mut self, cx: &Context) {
        let spread = cx.config.dissemination_bound(self.members.live());
        if let Some(leave) = self.own.leave_mut() {
            leave.due = cx.now() + spread;
        }
    }

    /// Whether the leave in progress is over.
    pub(crate) fn leave_is_over(&self, now: Instant) -> bool {
        self.own.leave().is_some_and(|leave| leave.due.max(leave.streams_end) <= now)
    }

    /// Ends the leave and answers the command. The answer is an error if there were peers and none
    /// acknowledged: they will declare this node failed.
    pub(crate) fn finish_leave(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        let leave = self.own.end_leave();
        // News queued about this node counts as sent.
        gossip.drop_news_about(cx, Slot::LOCAL);
        if let Some(Leave { request, has_peers, heard, .. }) = leave {
            // If all peers have left meanwhile, nobody misses this node.
            let missed = self.members.has_audience() && (has_peers || self.members.peers() > 0);
            let unheard = missed && !heard && !cx.config.breaks(Sabotage::LeavesUnheard);
            cx.answer(request, if unheard { Err(Failure::NobodyHeard) } else { Ok(Answer::Left) });
        }
    }

    fn own_departure(&self) -> Update<'_> {
        let local = self.members.entry(Slot::LOCAL);
        Update { name: local.name(), incarnation: local.incarnation(), claim: Claim::Left }
    }
}
