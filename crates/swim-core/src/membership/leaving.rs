//! Leaving: the goodbye, whether anybody heard it, and when the leave is over.

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

/// So many gossip intervals the goodbye is sent in datagrams alone. If none is acknowledged by
/// then, something keeps datagrams away, and it goes over streams as well.
const DATAGRAMS_ALONE: u32 = 3;

/// So many members are told directly, three ticks of [`FAN_OUT_MAX`]: of a small cluster all.
/// Gossip alone leaves some out, and nobody is there any more to refute what they then believe.
const GOODBYES_DIRECT_MAX: usize = DATAGRAMS_ALONE as usize * FAN_OUT_MAX;

/// If that takes several ticks, some go along with acks meanwhile, to members that ping.
const GOODBYES_ON_ACKS: usize = 8;

/// The time for a stream that gets through at all: a SYN that is lost is sent again after a second
/// (RFC 6298).
const STREAM_TIME_MIN: Duration = Duration::from_millis(1500);

/// The leave that is under way.
#[derive(Debug)]
pub(super) struct Leave {
    request: RequestId,
    /// There was a live peer to tell when it began.
    has_peers: bool,
    /// A peer acknowledged the goodbye.
    heard: bool,
    /// When the goodbye goes over streams, if nobody has heard it by then.
    streams_due: Option<Instant>,
    /// When the goodbye has had time to spread.
    due: Instant,
    /// When the streams that say it have had their time.
    streams_end: Instant,
}

impl Leave {
    fn new(
        now: Instant,
        config: &Config,
        request: RequestId,
        (live, peers): (usize, usize),
    ) -> Self {
        // Should the goodbye never be sent often enough, for want of somebody to tell.
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

    /// When there is something to do for it.
    #[inline]
    pub(super) fn due(&self) -> Instant {
        let end = self.due.max(self.streams_end);
        self.streams_due.map_or(end, |at| at.min(end))
    }
}

impl Membership {
    /// This node is leaving; its `leave` is this request.
    pub(crate) fn begin_leave(&mut self, cx: &Context, request: RequestId) {
        self.members.set_state(cx.now(), Slot::LOCAL, State::Left);
        let (live, peers) = (self.members.live(), self.members.peers());
        self.own.begin_leave(Leave::new(cx.now(), &cx.config, request, (live, peers)));
    }

    /// Queues the goodbye for gossip.
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

    /// The goodbye for whoever asks: this node said it, but the asker has not heard, also where
    /// this node has never heard of the asker. With this node's name in it, it is hardly longer
    /// than a ping.
    #[inline]
    pub(crate) fn goodbye(&self) -> Option<Update<'_>> {
        (self.status() != Status::Running).then(|| self.own_departure())
    }

    /// The goodbye, while this node leaves and nobody has acknowledged it.
    #[inline]
    pub(crate) fn unheard_goodbye(&self) -> Option<Update<'_>> {
        let unheard = self.own.leave().is_some_and(|leave| !leave.heard);
        unheard.then(|| self.own_departure())
    }

    /// A peer acknowledged the goodbye.
    pub(crate) fn note_goodbye_heard(&mut self) {
        if let Some(leave) = self.own.leave_mut() {
            (leave.heard, leave.streams_due) = (true, None);
        }
    }

    /// Whether the goodbye is to be said over streams now, which is asked for once: nobody heard
    /// it so far.
    pub(crate) fn take_unheard(&mut self, cx: &Context) -> bool {
        let now = cx.now();
        let patience = cx.config.dissemination_bound(self.members.live()).max(STREAM_TIME_MIN);
        let leave =
            self.own.leave_mut().filter(|leave| leave.streams_due.is_some_and(|at| at <= now));
        let Some(leave) = leave else { return false };
        (leave.streams_due, leave.streams_end) = (None, now + patience);
        true
    }

    /// The goodbye was sent as often as it should. The others need a few rounds to tell each other;
    /// this node stays that long, so that it can still be asked.
    pub(crate) fn let_goodbye_spread(&mut self, cx: &Context) {
        let spread = cx.config.dissemination_bound(self.members.live());
        if let Some(leave) = self.own.leave_mut() {
            leave.due = cx.now() + spread;
        }
    }

    /// Whether the leave that is under way is over.
    pub(crate) fn leave_is_over(&self, now: Instant) -> bool {
        self.own.leave().is_some_and(|leave| leave.due.max(leave.streams_end) <= now)
    }

    /// This node has left; the `leave` is answered. Peers that were there, of whom none
    /// acknowledged the goodbye, will take this node for failed: the caller has to know.
    pub(crate) fn finish_leave(&mut self, cx: &mut Context, gossip: &mut Gossip) {
        let leave = self.own.end_leave();
        // What is queued about this node counts as sent.
        gossip.drop_news_about(cx, Slot::LOCAL);
        if let Some(Leave { request, has_peers, heard, .. }) = leave {
            // If all others have left meanwhile, nobody is there who would miss this node.
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
