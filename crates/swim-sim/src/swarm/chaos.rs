//! The faults, step by step.

use core::time::Duration;

use swim_core::{Incarnation, Status};

use super::fault::Fault;
use super::run::Run;
use crate::bandwidth::Bandwidth;
use crate::checkers::Sent;
use crate::latency::Latency;
use crate::loss::Loss;
use crate::stall::Stall;
use crate::time::secs;

/// The most nodes with a second name or a second address.
const NEWCOMERS_MAX: usize = 4;

impl Run {
    pub(super) fn chaos(&mut self) {
        for _ in 0..self.plan.steps {
            let pause = self.dice.time(self.plan.pause_max);
            self.pass(pause);
            // Without repairs in between, soon nothing would be left to break.
            if self.dice.one_in(4) {
                self.repair();
            } else {
                let fault = self.dice.pick(&self.plan.faults);
                self.perform(fault);
            }
        }
        self.outlast();
    }

    fn perform(&mut self, fault: Fault) {
        let one = self.dice.below(self.labels.len());
        let other = self.dice.below(self.labels.len());
        match fault {
            Fault::Crash | Fault::PowerOff => self.end_process(one, fault),
            Fault::Restart => self.restart(one, other),
            Fault::RestartBelow => self.restart_below(one, other),
            Fault::AddressReuse => self.reuse_address(one, other),
            Fault::Twin => self.start_twin(one, other),
            Fault::Pause => self.stall(one, Stall::Replay),
            Fault::TimersFirst => self.stall(one, Stall::TimersFirst),
            Fault::HeldIo => self.stall(one, Stall::HeldIo),
            Fault::Partition | Fault::CutOneWay | Fault::Isolation | Fault::Block | Fault::Clog => {
                self.break_links(fault, one, other)
            }
            Fault::Loss
            | Fault::LossOfOne
            | Fault::Bursts
            | Fault::Duplication
            | Fault::Reordering
            | Fault::Bandwidth
            | Fault::Latency => self.impair(fault, one),
            Fault::ClockJump | Fault::Drift => self.disturb_clock(fault, one),
            Fault::Leave
            | Fault::Join
            | Fault::Meta
            | Fault::Broadcasts
            | Fault::Messages
            | Fault::Forget => {
                self.command(fault, one, other);
                for _ in 0..self.dice.below(6) {
                    let another = self.dice.below(self.labels.len());
                    self.command(fault, another, other);
                }
            }
        }
    }

    fn repair(&mut self) {
        let one = self.dice.below(self.labels.len());
        let other = self.dice.below(self.labels.len());
        match self.dice.below(4) {
            0 => self.world.heal(),
            1 => self.end_impairments(),
            _ if !self.exists(one) => {
                self.world.restart(&self.labels[one]);
                self.seen.add("restarts", 1);
                self.join(one, other);
            }
            _ if self.world.hosts[one].stall.is_some() => self.world.resume(&self.labels[one]),
            // Rejoins one that left or is alone.
            _ => self.join(one, other),
        }
    }

    // Processes.

    fn end_process(&mut self, one: usize, fault: Fault) {
        if !self.exists(one) {
            return;
        }
        if fault == Fault::Crash {
            self.world.crash(&self.labels[one]);
            self.seen.add("crashes", 1);
        } else {
            self.world.power_off(&self.labels[one]);
            self.seen.add("power failures", 1);
        }
    }

    fn restart(&mut self, one: usize, other: usize) {
        self.world.restart(&self.labels[one]);
        self.seen.add("restarts", 1);
        self.join(one, other);
    }

    /// Restarts at an old incarnation, as after a clock was set back, or twice within a second.
    fn restart_below(&mut self, one: usize, other: usize) {
        let host = &self.world.hosts[one];
        let last = host.node().map_or(host.config.incarnation, |n| n.local().incarnation);
        let below = self.dice.pick(&[0, 0, 1, 3600, u32::MAX]);
        self.world.restart_with(&self.labels[one], |config| {
            config.incarnation = Incarnation(last.0.saturating_sub(below).max(1));
        });
        self.seen.add("restarts at an equal or lower incarnation", 1);
        self.join(one, other);
    }

    fn reuse_address(&mut self, one: usize, other: usize) {
        if self.newcomers == NEWCOMERS_MAX {
            return;
        }
        self.newcomers += 1;
        let name = format!("stranger{}", self.newcomers);
        self.world.restart_with(&self.labels[one], |config| {
            config.name = name.parse().expect("a short name is valid");
        });
        self.seen.add("strangers at an address", 1);
        self.join(one, other);
    }

    fn start_twin(&mut self, one: usize, other: usize) {
        if self.newcomers == NEWCOMERS_MAX {
            return;
        }
        self.newcomers += 1;
        let label = format!("twin{}", self.newcomers);
        let name = self.world.hosts[one].config.name.clone();
        self.world.start_with(&label, |config| config.name = name);
        self.labels.push(label);
        self.seen.add("twins", 1);
        self.join(self.labels.len() - 1, other);
    }

    fn stall(&mut self, one: usize, stall: Stall) {
        if self.takes_commands(one) {
            self.world.stall(&self.labels[one], stall);
            self.seen.add("stalls", 1);
        }
    }

    // The network.

    fn break_links(&mut self, fault: Fault, one: usize, other: usize) {
        let (from, to) = (&self.labels[one], &self.labels[other]);
        let bits = self.dice.bits();
        match fault {
            Fault::Partition => {
                let side = |bit: u64| -> Vec<&str> {
                    let numbered = self.labels.iter().zip(0_u32..);
                    let of_side = numbered.filter(|(_, number)| bits >> (number % 64) & 1 == bit);
                    of_side.map(|(label, _)| label.as_str()).collect()
                };
                self.world.cut(&side(0), &side(1));
                self.seen.add("partitions", 1);
            }
            Fault::Isolation => {
                self.world.isolate(from);
                self.seen.add("partitions", 1);
            }
            Fault::CutOneWay if one != other => self.world.cut_one_way(from, to),
            Fault::Block if bits & 1 == 0 => self.world.block_datagrams_to(from),
            Fault::Block if one != other => self.world.block_datagrams(from, to),
            Fault::Clog if bits & 1 == 0 => self.world.clog_host(from),
            Fault::Clog if one != other => self.world.clog(from, to),
            _ => {}
        }
    }

    fn impair(&mut self, fault: Fault, one: usize) {
        let (world, dice) = (&mut self.world, &mut self.dice);
        match fault {
            Fault::Loss => world.set_loss(dice.share(0.4)),
            Fault::LossOfOne => world.set_loss_of(&self.labels[one], dice.share(0.8)),
            Fault::Bursts => {
                world.set_loss(Loss::bursts(0.01 + dice.share(0.4), dice.time(secs(3))));
            }
            Fault::Duplication => world.set_duplication(dice.share(1.0)),
            Fault::Reordering => world.set_reordering(dice.share(1.0), dice.time(secs(3))),
            Fault::Bandwidth => {
                let bytes_per_second = dice.pick(&[100, 1000, 10_000]);
                let queue_bytes = dice.pick(&[300, 3000]);
                let bandwidth = Bandwidth { bytes_per_second, queue_bytes };
                if dice.one_in(2) {
                    world.set_bandwidth(Some(bandwidth));
                } else {
                    world.set_bandwidth_of(&self.labels[one], Some(bandwidth));
                }
            }
            _ => {
                let slow = dice.time(self.plan.config.probe_interval * 2);
                world.set_latency(Latency::Uniform(slow / 10, slow));
            }
        }
    }

    /// Ends all faults of single datagrams.
    pub(super) fn end_impairments(&mut self) {
        let world = &mut self.world;
        let there_is = |fault: Fault| self.plan.faults.contains(&fault);
        world.set_loss(0.0);
        world.set_duplication(0.0);
        world.set_reordering(0.0, Duration::ZERO);
        world.set_latency(self.plan.latency);
        for label in self.labels.iter().filter(|_| there_is(Fault::LossOfOne)) {
            world.set_loss_of(label, 0.0);
        }
        if there_is(Fault::Bandwidth) {
            world.set_bandwidth(None);
        }
        for label in self.labels.iter().filter(|_| there_is(Fault::Bandwidth)) {
            world.set_bandwidth_of(label, None);
        }
    }

    fn disturb_clock(&mut self, fault: Fault, one: usize) {
        let label = &self.labels[one];
        let by = self.dice.time(secs(4000));
        match (fault, self.dice.below(2)) {
            (Fault::ClockJump, 0) => self.world.clock_forward(label, by),
            (Fault::ClockJump, _) => self.world.clock_back(label, by),
            _ => {
                let drifts = [-200_000, -10_000, -100, 0, 100, 10_000, 300_000];
                self.world.set_drift(label, self.dice.pick(&drifts));
                return self.seen.add("clocks adrift", 1);
            }
        }
        self.seen.add("clock jumps", 1);
    }

    // The application.

    /// Gives a node a command. It may refuse: the member is unknown, or it has left.
    fn command(&mut self, fault: Fault, one: usize, other: usize) {
        if !self.takes_commands(one) {
            return;
        }
        let (kind, bits) = (self.dice.below(4), self.dice.bits());
        let label = self.labels[one].as_str();
        let name = self.world.hosts[other].config.name.clone();
        let contact = self.world.address(&self.labels[other]);
        self.world.note(format_args!("{fault:?} {label} {name} {bits}"));
        let text = bits.to_string();
        let long = vec![7; usize::try_from(bits & 0xffff).unwrap_or(0) * 3];
        if fault == Fault::Forget {
            // The node refuses if the member is live or unknown.
            return self.world.command(label, |node, now| {
                let _ = node.forget(now, name.as_str());
            });
        }
        let (to, payload) = (name.as_str(), text.as_bytes());
        match (fault, kind) {
            (Fault::Broadcasts, 1) => {
                let payload = &long[..long.len() % 700];
                self.world.tell_sent(label, Sent::Broadcast { payload });
            }
            (Fault::Broadcasts, _) => self.world.tell_sent(label, Sent::Broadcast { payload }),
            (Fault::Messages, 0) => {
                self.world.tell_sent(label, Sent::Reliable { to, payload: &long });
            }
            (Fault::Messages, 1 | 2) => {
                self.world.tell_sent(label, Sent::Message { to, payload });
            }
            _ => {}
        }
        let result = self.world.request(label, |node, now| match (fault, kind) {
            (Fault::Leave, _) if node.status() == Status::Running => node.leave(now),
            (Fault::Leave | Fault::Join, _) => node.join(now, contact),
            (Fault::Meta, _) => node.set_meta(now, text.into()),
            (Fault::Broadcasts, 0) => node.broadcast_keyed(now, b"key", text.as_bytes()),
            (Fault::Broadcasts, 1) => node.broadcast(now, &long[..long.len() % 700]),
            (Fault::Broadcasts, _) => node.broadcast(now, text.as_bytes()),
            (_, 0) => node.send_reliable(now, name.as_str(), &long),
            (_, 1 | 2) => {
                // A message has no answer, so a ping goes along.
                let _ = node.send(now, name.as_str(), text.as_bytes());
                node.ping(now, name.as_str())
            }
            _ => node.ping(now, name.as_str()),
        });
        match (fault, result) {
            (Fault::Meta, Ok(_)) => self.seen.add("metadata changes", 1),
            (Fault::Join, Ok(join)) => self.joins.push(join),
            _ => {}
        }
    }
}
