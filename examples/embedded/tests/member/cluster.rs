//! Members of this build in one cluster.

use std::collections::HashMap;
use std::net::SocketAddr;

use embedded::{Member, Settings};
use swim_core::{DropReason, Instant, StreamId, StreamInput, StreamOp};

use crate::wishes::{Wish, Wishes};

/// Two members, and the streams between them, each with its stream at the other end.
struct Pair {
    members: [Member<Wishes>; 2],
    ends: [HashMap<StreamId, StreamId>; 2],
}

fn address(index: usize) -> SocketAddr {
    format!("10.0.0.{}:7946", index + 1).parse().unwrap()
}

fn settings(index: usize) -> Settings {
    Settings::new(format!("sensor-{index}").parse().unwrap(), address(index))
}

fn member(index: u8, settings: Settings) -> Member<Wishes> {
    Member::start(settings, [index; 32], Instant::ORIGIN, Wishes::default()).unwrap()
}

impl Pair {
    fn new(change: impl Fn(&mut Settings)) -> Self {
        let members = [0, 1].map(|index| {
            let mut settings = settings(index.into());
            change(&mut settings);
            member(index, settings)
        });
        Pair { members, ends: Default::default() }
    }

    /// Carries out all outputs of the members, without delay.
    fn settle(&mut self, now: Instant) {
        loop {
            let [a, b] = &mut self.members;
            let (from, wish) = match a.network().0.pop_front() {
                Some(wish) => (0, wish),
                None => match b.network().0.pop_front() {
                    Some(wish) => (1, wish),
                    None => return,
                },
            };
            match wish {
                Wish::Send { to, datagram } if to == address(1 - from) => {
                    self.members[1 - from].receive(now, address(from), &datagram);
                }
                Wish::Send { .. } => {}
                Wish::Stream { id, op } => self.carry_out(now, from, id, op),
            }
        }
    }

    fn carry_out(&mut self, now: Instant, from: usize, id: StreamId, op: StreamOp) {
        let [there, back] = [1 - from, from];
        if let StreamOp::Open { .. } = op {
            let end = self.members[there].accept(now, address(from)).unwrap();
            self.ends[back].insert(id, end);
            self.ends[there].insert(end, id);
            return self.members[back].receive_on(now, id, StreamInput::Opened);
        }
        let Some(&end) = self.ends[back].get(&id) else { return };
        match op {
            StreamOp::Send(bytes) => {
                self.members[there].receive_on(now, end, StreamInput::Data(&bytes));
            }
            StreamOp::Finish => self.members[there].receive_on(now, end, StreamInput::Finished),
            _ => {
                self.ends[back].remove(&id);
            }
        }
    }

    /// One joins the other, and both are probed for a minute.
    fn runs_for_a_minute(mut self) {
        let mut now = Instant::ORIGIN;
        self.members[0].join(now, address(1)).unwrap();
        self.settle(now);
        let end = now + std::time::Duration::from_secs(60);
        while now < end {
            assert_eq!([0, 1].map(|index| self.members[index].node().members_live()), [2, 2]);
            let due = self.members.iter_mut().filter_map(|member| member.tick(now)).min();
            self.settle(now);
            now = due.unwrap().max(now);
        }
        for member in &self.members {
            member.node().check_invariants();
            let drops = member.node().stats().drops;
            let harmless = [DropReason::Stale, DropReason::RepeatedBroadcast];
            for (reason, count) in drops.iter().filter(|(reason, _)| !harmless.contains(reason)) {
                assert_eq!(count, 0, "{reason}");
            }
        }
    }
}

#[test]
fn two_members_of_any_build_are_a_cluster() {
    Pair::new(|_| {}).runs_for_a_minute();
}

#[cfg(feature = "compression")]
#[test]
fn two_members_that_compress_are_a_cluster() {
    Pair::new(|settings| settings.compression = true).runs_for_a_minute();
}

#[cfg(feature = "encryption")]
#[test]
fn two_members_with_a_key_are_a_cluster() {
    Pair::new(|settings| settings.key = Some([7; 16])).runs_for_a_minute();
}

#[cfg(feature = "memberlist")]
#[test]
fn two_members_on_memberlists_wire_are_a_cluster() {
    Pair::new(|settings| settings.memberlist = true).runs_for_a_minute();
}

#[cfg(all(feature = "memberlist", feature = "encryption"))]
#[test]
fn two_members_with_a_key_on_memberlists_wire_are_a_cluster() {
    Pair::new(|settings| (settings.memberlist, settings.key) = (true, Some([7; 16])))
        .runs_for_a_minute();
}
