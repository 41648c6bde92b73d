//! A cluster whose only fault is a hostile host.

use swim_core::Event;

use super::run::Run;
use crate::checkers::Sent;
use crate::contents::requires_seals;
use crate::dice::Dice;
use crate::random::Draws;
use crate::world::World;

/// The number of probe intervals without other faults.
const INTERVALS: usize = 12;

impl Run {
    /// Lets the hostile host act alone for a while, against nodes that have just found each other.
    ///
    /// Their announcements meanwhile are drawn independently of all faults. With keys, no member is
    /// declared failed or departed, no made-up member appears, and all nodes agree.
    pub(super) fn siege(&mut self) {
        if self.plan.hostile.is_none() || !self.formed {
            return;
        }
        let before: Vec<usize> = self.world.hosts.iter().map(|host| host.records.len()).collect();
        let mut dice = Dice::new(self.world.seed(), Draws::Siege);
        for number in 0..INTERVALS {
            self.say_something(&mut dice, number);
            self.world.run(self.plan.config.probe_interval);
        }
        self.seen.add("sieges", 1);
        if !requires_seals(&self.plan.config) {
            return;
        }
        let bound = self.bound();
        if !self.world.run_until(bound, World::converged) {
            self.world.expect_converged();
        }
        for (host, before) in self.world.hosts.iter().zip(before) {
            let hurt = |event: &Event| matches!(event, Event::Failed { .. } | Event::Left { .. });
            let mut since = host.records[before..].iter().map(|record| &record.event);
            if let Some(event) = since.find(|event| hurt(event)) {
                let what = format!("a hostile host without a key brought about {event:?}");
                self.world.fail(&what, Some(&host.label));
            }
        }
    }

    /// Lets an application send something, or its node announce something.
    fn say_something(&mut self, dice: &mut Dice, number: usize) {
        let (one, other) = (dice.below(self.plan.nodes), dice.below(self.plan.nodes));
        let label = self.labels[one].as_str();
        let name = self.world.hosts[other].config.name.clone();
        let text = format!("{number} {}", dice.bits());
        let (to, payload) = (name.as_str(), text.as_bytes());
        let kind = dice.below(8);
        let sent = match kind {
            0 => Some(Sent::State { state: payload }),
            1 | 2 => Some(Sent::Broadcast { payload }),
            3 => Some(Sent::Reliable { to, payload }),
            4 | 5 => Some(Sent::Message { to, payload }),
            _ => None,
        };
        if let Some(sent) = sent {
            self.world.tell_sent(label, sent);
        }
        let contact = self.world.hosts[other].address;
        // It may refuse: too many requests, or the other node is itself.
        let _ = self.world.request(label, |node, now| match kind {
            0 => {
                let _ = node.set_user_state(now, text.clone().into());
                node.ping(now, to)
            }
            1 => node.broadcast(now, payload),
            2 => node.broadcast_keyed(now, b"key", payload),
            3 => node.send_reliable(now, to, payload),
            4 | 5 => {
                let _ = node.send(now, to, payload);
                node.ping(now, to)
            }
            6 => {
                let _ = node.set_ack_payload(now, text.clone().into());
                node.ping(now, to)
            }
            _ => node.join(now, contact),
        });
    }
}
