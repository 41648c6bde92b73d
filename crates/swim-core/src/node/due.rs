//! All deadlines in one table: their kinds, their times, and their work.

use super::Node;
use crate::config::FAN_OUT_MAX;
use crate::detection::Unanswered;
use crate::dissemination::may_hear;
use crate::members::Slot;
use crate::status::Status;
use crate::time::Instant;

/// Kinds of deadlines, in the order of work that is due at once: first timeouts, then new work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A ping outside a probe was not answered.
    Ping,
    /// A stream has taken too long.
    Stream,
    /// The direct ping of the probe was not answered in time: ask peers for help.
    Help,
    /// The protocol period is over: judge the running probe, start the next.
    Probe,
    /// Decide on a candidate for a name.
    Candidate,
    /// A suspect did not refute in time.
    Suspicion,
    /// Make a last call to a suspect.
    LastCall,
    /// Send gossip.
    Gossip,
    /// Start a push/pull with a random member.
    PushPull,
    /// The leave message has had time to spread, or is to go over streams.
    Leave,
    /// Take a gone member out of the list or the table.
    Farewell,
}

impl Due {
    const ALL: [Due; 11] = [
        Due::Ping,
        Due::Stream,
        Due::Help,
        Due::Probe,
        Due::Candidate,
        Due::Suspicion,
        Due::LastCall,
        Due::Gossip,
        Due::PushPull,
        Due::Leave,
        Due::Farewell,
    ];
}

impl Node {
    /// The first deadline, if any.
    #[inline]
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        // This runs after every packet, so it does not loop over all kinds.
        let next = self.due_at(Due::Ping);
        let next = next.min(self.due_at(Due::Stream));
        let next = next.min(self.due_at(Due::Help));
        let next = next.min(self.due_at(Due::Probe));
        let next = next.min(self.due_at(Due::Candidate));
        let next = next.min(self.due_at(Due::Suspicion));
        let next = next.min(self.due_at(Due::LastCall));
        let next = next.min(self.due_at(Due::Gossip));
        let next = next.min(self.due_at(Due::PushPull));
        let next = next.min(self.due_at(Due::Leave));
        let next = next.min(self.due_at(Due::Farewell));
        (next < Instant::NEVER).then_some(next)
    }

    /// Does what is due. Work that this makes due at an earlier place in the order waits for the
    /// next call.
    pub(super) fn keep_deadlines(&mut self) {
        let now = self.cx.now();
        for due in Due::ALL {
            let at = self.due_at(due);
            if at <= now && at < Instant::NEVER {
                self.keep(due, now);
            }
        }
    }

    /// The first deadline of this kind, [`Instant::NEVER`] if there is none.
    #[inline(always)]
    fn due_at(&self, due: Due) -> Instant {
        match due {
            Due::Ping => self.detector.next_ping_deadline(),
            Due::Stream => self.exchange.next_stream_deadline(),
            Due::Help => self.detector.help_due(),
            Due::Probe => self.detector.period_ends(),
            Due::Candidate => self.membership.next_candidacy(),
            Due::Suspicion => self.membership.next_suspicion(),
            Due::LastCall => self.membership.next_last_call(),
            Due::Gossip => self.gossip.due(),
            Due::PushPull => self.exchange.push_pull_due(),
            Due::Leave => self.membership.leave_due(),
            Due::Farewell => self.membership.next_farewell(&self.cx.config),
        }
    }

    fn keep(&mut self, due: Due, now: Instant) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        match due {
            Due::Ping => self.end_pings(now),
            Due::Stream => exchange.end_overdue(cx, now),
            Due::Help => self.ask_for_help(),
            Due::Probe => self.end_probe_period(),
            Due::Candidate => membership.end_candidacies(cx, gossip, detector, now),
            Due::Suspicion => {
                membership.end_suspicions(cx, gossip, detector.heard_again(), now);
            }
            Due::LastCall => self.make_last_calls(now),
            Due::Gossip => {
                gossip.tick_is_over();
                self.tick_gossip();
            }
            Due::PushPull => self.start_push_pull(),
            Due::Leave => self.keep_leaving(),
            Due::Farewell => membership.bid_farewell(cx, gossip, detector, now),
        }
    }

    fn end_pings(&mut self, now: Instant) {
        let Node { cx, membership, gossip, detector, exchange, .. } = self;
        let mut asks = false;
        while let Some(unanswered) = detector.take_unanswered(cx, now) {
            match unanswered {
                Unanswered::Check(member) => membership.check_unanswered(cx, detector, member),
                Unanswered::LastCall(suspect) => {
                    if membership.may_call_again(cx, suspect) {
                        exchange.last_call(cx, membership.members(), suspect);
                    }
                }
                Unanswered::Holder => {
                    membership.end_question(cx, gossip);
                    asks |= membership.waits_for_name();
                }
                Unanswered::Silent(accusation) => {
                    if detector.is_isolated() {
                        membership.accuse(cx, gossip, detector, accusation);
                    }
                }
                Unanswered::OwnAddress => {
                    detector.ask_about_own_address(cx, membership.members());
                }
            }
        }
        if asks {
            self.ask_again_for_name();
        }
    }

    fn make_last_calls(&mut self, now: Instant) {
        let Node { cx, membership, gossip, detector, .. } = self;
        while let Some(suspect) = membership.take_last_call(cx, now) {
            let own = cx.config.name.clone();
            let accusation = membership.accusation(&own, suspect);
            detector.last_call(cx, membership.members(), suspect, accusation);
            membership.repeat_lone_suspicion(cx, gossip, suspect);
        }
    }

    /// Sends queued gossip to the next few members.
    pub(super) fn tick_gossip(&mut self) {
        let Node { cx, membership, detector, .. } = self;
        if membership.status() != Status::Left {
            // A leave message is urgent, and this node's last one.
            let leaves = membership.status() == Status::Leaving;
            let count = if leaves { FAN_OUT_MAX } else { cx.config.gossip_nodes };
            let targets = membership.next_for_gossip(count, |_, member| {
                may_hear(&cx.config, member) || detector.may_ask(cx, member.address())
            });
            for &target in targets.slots() {
                self.tell_or_ask(target);
            }
            self.introduce_itself();
            self.gossip.arm(&self.cx, self.membership.members());
            self.note_goodbye();
        }
    }

    /// Sends queued gossip to a member. A member known from hearsay is first asked whether it is
    /// there, and told when it answers. While this node leaves and no peer has acknowledged that,
    /// the member is sent the leave message with a ping.
    fn tell_or_ask(&mut self, member: Slot) {
        let Node { cx, membership, gossip, detector, .. } = self;
        let members = membership.members();
        if let Some(goodbye) = membership.unheard_goodbye() {
            detector.say_goodbye(cx, gossip, members, member, goodbye);
        } else if may_hear(&cx.config, members.entry(member)) {
            gossip.tell(cx, members, member);
        } else if !gossip.is_idle() {
            detector.ask(cx, members, member);
        }
    }

    fn start_push_pull(&mut self) {
        if self.status() == Status::Running {
            self.exchange.start_push_pull(&mut self.cx, self.membership.members());
        } else {
            self.exchange.stop_push_pulls();
        }
    }
}
