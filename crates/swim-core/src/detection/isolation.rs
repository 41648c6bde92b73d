//! Isolation: this node hears nobody. Either its own network is gone, or everybody else is; in both
//! cases local health, which has it probe more and more rarely, helps nobody.

use core::mem;
use core::time::Duration;

use super::Detector;
use crate::config::Config;
use crate::context::Context;
use crate::members::Members;
use crate::output::Event;
use crate::sabotage::Sabotage;
use crate::time::Instant;

/// So many probes have failed since somebody was heard. Of two nodes that both probe slowly one may
/// hear nothing for long, until it asks.
const PROBES_FAILED_MIN: u8 = 2;

/// The most members that are pinged in a period besides the one that is probed: while nobody is
/// heard those that are not suspected yet, afterwards those that are since. All of 4,000 have been
/// pinged after the shortest suspicion.
const SILENT_MAX: u32 = 256;

/// When somebody was heard, and what follows from it.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    heard_at: Instant,
    /// How many probes failed since.
    probes_failed: u8,
    /// For too long.
    is_on: bool,
    /// When somebody was heard after the last time.
    ended: Option<Instant>,
    /// Somebody was heard in this period, after several probes had failed: since when nobody was.
    just_ended: Option<Instant>,
}

impl Isolation {
    /// The node begins to take part.
    pub(super) fn start(&mut self, now: Instant) {
        *self = Isolation { heard_at: now, ..Isolation::default() };
    }

    /// A probe was not answered.
    pub(super) fn note_failed_probe(&mut self) {
        self.probes_failed = self.probes_failed.saturating_add(1);
    }
}

impl Detector {
    /// Whether this node has heard nobody for longer than a suspicion lasts.
    #[inline]
    pub(crate) fn is_isolated(&self) -> bool {
        self.isolation.is_on
    }

    /// When this node heard somebody again after it was isolated, if it was and is no more.
    pub(crate) fn heard_again(&self) -> Option<Instant> {
        self.isolation.ended.filter(|_| !self.isolation.is_on)
    }

    /// If this node heard somebody again in the period that is over: since when it had not, and how
    /// many of those whom it suspects since then are asked in a period.
    #[inline]
    pub(crate) fn take_return(&mut self) -> Option<(Instant, u32)> {
        self.isolation.just_ended.take().map(|since| (since, SILENT_MAX))
    }

    /// This node heard from a member: an answer, a ping from where it is at home, a stream.
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

    /// A period is over: whether it is the one in which this node becomes isolated.
    #[inline]
    pub(crate) fn note_silence(&mut self, cx: &mut Context, members: &Members) -> bool {
        let is_alone = members.peers() == 0;
        let is_silent = self.isolation.probes_failed >= PROBES_FAILED_MIN || is_alone;
        is_silent && !self.isolation.is_on && self.begin_isolation(cx, members, is_alone)
    }

    /// Whether the silence has lasted for so long that this node is isolated.
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

    /// A time, stretched by local health unless nobody is heard anyway: then more patience changes
    /// nothing.
    pub(super) fn stretch(&self, time: Duration) -> Duration {
        if self.isolation.is_on { time } else { self.health.stretch(time) }
    }

    /// How many members are pinged in a period, so that all suspicions have begun after the
    /// shortest one.
    pub(crate) fn silent_share(&self, config: &Config, members: &Members) -> usize {
        let within = config.suspicion_timeouts(members.live()).min.as_millis().max(1);
        let share = members.peers() as u128 * config.probe_interval.as_millis() / within + 1;
        usize::try_from(share).unwrap_or(usize::MAX).min(SILENT_MAX as usize)
    }
}

/// Longer than a suspicion lasts that several members confirm, and half as long as one that nobody
/// does: in this time the others have found out about this node, if it is the one that is cut off,
/// and heed it no more; and what it suspects now fails within twice the longest suspicion.
fn is_long(config: &Config, members: &Members, silent_for: Duration) -> bool {
    let timeouts = config.suspicion_timeouts(members.live());
    silent_for > timeouts.min.max(timeouts.max / 2)
}
