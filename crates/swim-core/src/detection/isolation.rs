//! Isolation: this node hears no member. Either its own network is gone, or all peers are. In both
//! cases local health is of no use, since it makes the node probe more and more rarely.

use core::mem;
use core::time::Duration;

use super::Detector;
use crate::config::Config;
use crate::context::Context;
use crate::members::Members;
use crate::output::Event;
use crate::sabotage::Sabotage;
use crate::time::Instant;

/// How many probes must fail, since a member was heard, before this node is isolated. Of two nodes
/// that both probe slowly, one may hear nothing for long, until it asks.
const PROBES_FAILED_MIN: u8 = 2;

/// Limit on members pinged in a period besides the one probed. During isolation they are members
/// not suspected yet; afterwards, those suspected since. Nearly 4,000 are pinged within the
/// shortest suspicion.
const SILENT_MAX: u32 = 256;

/// When a member was last heard, and what follows.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    heard_at: Instant,
    /// How many probes have failed since.
    probes_failed: u8,
    /// Whether that is too long ago, so that this node is isolated.
    is_on: bool,
    /// When a member was heard after the last isolation.
    ended: Option<Instant>,
    /// Since when no member was heard, if one was in this period, after several failed probes.
    just_ended: Option<Instant>,
}

impl Isolation {
    /// Starts anew, when the node begins to take part.
    pub(super) fn start(&mut self, now: Instant) {
        *self = Isolation { heard_at: now, ..Isolation::default() };
    }

    /// Notes that a probe was not answered.
    pub(super) fn note_failed_probe(&mut self) {
        self.probes_failed = self.probes_failed.saturating_add(1);
    }
}

impl Detector {
    /// Whether this node has heard no member for longer than a suspicion lasts.
    #[inline]
    pub(crate) fn is_isolated(&self) -> bool {
        self.isolation.is_on
    }

    /// When the last isolation ended, unless there is one now.
    pub(crate) fn heard_again(&self) -> Option<Instant> {
        self.isolation.ended.filter(|_| !self.isolation.is_on)
    }

    /// If this node heard a member again in the period that is over: since when it had not, and how
    /// many of the members suspected since then to ask per period.
    #[inline]
    pub(crate) fn take_return(&mut self) -> Option<(Instant, u32)> {
        self.isolation.just_ended.take().map(|since| (since, SILENT_MAX))
    }

    /// Notes that this node heard a member: an answer, a ping from its own address, or a stream.
    #[inline]
    pub(crate) fn note_heard(&mut self, cx: &mut Context) {
        if self.isolation.probes_failed != 0 || self.isolation.is_on {
            self.end_silence(cx);
        }
        self.isolation.heard_at = cx.now();
    }

    #[cold]
    fn end_silence(&mut self, cx: &mut Context) {
        if self.isolation.probes_failed >= PROBES_FAILED_MIN {
            self.isolation.just_ended.get_or_insert(self.isolation.heard_at);
        }
        self.isolation.probes_failed = 0;
        if mem::take(&mut self.isolation.is_on) {
            self.isolation.ended = Some(cx.now());
            let silent_for = cx.now() - self.isolation.heard_at;
            cx.emit(Event::HeardAgain { silent_for });
        }
    }

    /// Ends a period; returns whether this node becomes isolated in it.
    #[inline]
    pub(crate) fn note_silence(&mut self, cx: &mut Context, members: &Members) -> bool {
        let is_alone = members.peers() == 0;
        let is_silent = self.isolation.probes_failed >= PROBES_FAILED_MIN || is_alone;
        is_silent && !self.isolation.is_on && self.begin_isolation(cx, members, is_alone)
    }

    /// Whether the silence has lasted so long that this node is isolated.
    #[cold]
    fn begin_isolation(&mut self, cx: &mut Context, members: &Members, is_alone: bool) -> bool {
        if cx.config.breaks(Sabotage::KeepsItsPaceAlone) {
            return false;
        }
        let heard_at = self.isolation.heard_at;
        let silent_for = cx.now() - heard_at;
        let knows_somebody = !is_alone || members.misses(true) || members.misses(false);
        self.isolation.is_on = knows_somebody && is_long(&cx.config, members, silent_for);
        if self.isolation.is_on {
            cx.emit(Event::Isolated { silent_for });
        }
        self.isolation.is_on
    }

    /// A time, stretched by local health except during isolation, when more patience changes
    /// nothing.
    pub(super) fn stretch(&self, time: Duration) -> Duration {
        if self.isolation.is_on { time } else { self.health.stretch(time) }
    }

    /// How many members are pinged per period, so that all suspicions have begun after the shortest
    /// one.
    pub(crate) fn silent_share(&self, config: &Config, members: &Members) -> usize {
        let within = config.suspicion_timeouts(members.live()).min.as_millis().max(1);
        let share = members.peers() as u128 * config.probe_interval.as_millis() / within + 1;
        usize::try_from(share).unwrap_or(usize::MAX).min(SILENT_MAX as usize)
    }
}

/// Whether the silence is longer than a suspicion that several members confirm, and than half of
/// one that none confirms. By then, if this node is the one cut off, its peers have found out and
/// ignore it. Members that it suspects now fail within twice the longest suspicion.
fn is_long(config: &Config, members: &Members, silent_for: Duration) -> bool {
    let timeouts = config.suspicion_timeouts(members.live());
    silent_for > timeouts.min.max(timeouts.max / 2)
}
