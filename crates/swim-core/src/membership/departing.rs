//! How gone members leave the list and then the table, and how news settles when nobody is left.

use core::time::Duration;

use super::Membership;
use crate::config::Config;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::Gossip;
use crate::error::CommandError;
use crate::members::Slot;
use crate::output::Event;
use crate::sabotage::Sabotage;
use crate::time::Instant;

impl Membership {
    /// When the next gone member is due to leave the list or the table.
    #[inline]
    pub(crate) fn next_farewell(&self, config: &Config) -> Instant {
        if self.members.anybody_gone() { self.first_farewell(config) } else { Instant::NEVER }
    }

    fn first_farewell(&self, config: &Config) -> Instant {
        let lose = self.members.longest_gone().map(|(since, _)| since + lose_after(config));
        let forget = self.members.longest_lost().map(|(since, _)| since + forget_after(config));
        lose.into_iter().chain(forget).min().unwrap_or(Instant::NEVER)
    }

    /// Unlists members that failed or left long enough ago. Forgets those that have been lost for
    /// too long or are too many.
    pub(crate) fn bid_farewell(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        now: Instant,
    ) {
        while let Some((since, slot)) = self.members.longest_gone()
            && since + lose_after(&cx.config) <= now
        {
            gossip.drop_news_about(cx, slot);
            let shown = self.shown(slot).map(|member| member.to_member());
            self.hidden.take(slot);
            self.members.lose(slot);
            if let Some(member) = shown {
                cx.emit(Event::Unlisted { member });
            }
            self.settle_without_audience(cx, gossip);
        }
        while let Some((since, slot)) = self.members.longest_lost()
            && since + forget_after(&cx.config) <= now
        {
            self.forget_slot(gossip, detector, slot);
        }
        while self.members.lost_len() > cx.config.lost_members_max
            && let Some(slot) = self.least_missed(&cx.config)
        {
            self.forget_slot(gossip, detector, slot);
        }
    }

    /// The lost member that makes room for another.
    fn least_missed(&self, config: &Config) -> Option<Slot> {
        if config.breaks(Sabotage::MissesAllAlike) {
            return self.members.longest_lost().map(|(_, slot)| slot);
        }
        self.members.least_missed()
    }

    /// Forgets a gone member, with the evidence against it. A hidden live member is only unlisted.
    pub(crate) fn forget(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        name: &str,
    ) -> Result<(), CommandError> {
        let slot = self.members.find(name).ok_or(CommandError::UnknownMember)?;
        if slot == Slot::LOCAL {
            return Err(CommandError::OwnName);
        }
        let shown = self.shown(slot).map(|member| member.to_member());
        if !self.members.entry(slot).state().is_live() {
            gossip.drop_news_about(cx, slot);
            self.forget_slot(gossip, detector, slot);
            self.settle_without_audience(cx, gossip);
        } else if !self.hidden.unlist(slot) {
            return Err(CommandError::StillLive);
        }
        if let Some(member) = shown {
            cx.emit(Event::Unlisted { member });
        }
        Ok(())
    }

    /// Counts all queued news as spread, once no member is left to hear it.
    pub(super) fn settle_without_audience(&self, cx: &mut Context, gossip: &mut Gossip) {
        if !self.members.has_audience() {
            gossip.settle_all(cx);
        }
    }

    fn forget_slot(&mut self, gossip: &Gossip, detector: &mut Detector, slot: Slot) {
        debug_assert!(!gossip.waits(slot), "nobody gossips about the lost");
        detector.forget(slot);
        self.hidden.take(slot);
        self.members.forget(slot);
    }
}

fn lose_after(config: &Config) -> Duration {
    config.gossip_to_the_dead
}

fn forget_after(config: &Config) -> Duration {
    config.gossip_to_the_dead + config.lost_members_keep
}
