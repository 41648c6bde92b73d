//! Joining: for a caller, or to ask a seed.

use std::net::SocketAddr;

use swim_core::{CommandError, Failure, Instant as CoreInstant};

use super::{Driver, answer};
use crate::advertise::canonical;
use crate::command::{Joined, Reply};
use crate::joins::{JoinId, Part, Purpose};
use crate::replies::Pending;
use crate::seed::Seed;

/// How many addresses of one name are tried: behind a name with hundreds, a few random ones do.
const ADDRESSES_PER_NAME_MAX: usize = 16;

impl Driver {
    pub(super) fn handle_join(&mut self, now: CoreInstant, seeds: Vec<Seed>, reply: Reply<Joined>) {
        let limit = self.node.config().requests_max;
        if self.joins.len() >= limit {
            let busy = CommandError::Busy { limit: "requests_max" };
            return answer(reply, Err(busy));
        }
        for seed in &seeds {
            if !self.seeds.remember(now, seed.clone()) {
                tracing::debug!(target: "swim", %seed, "too many seeds to remember this one");
            }
        }
        self.start_join(now, seeds, Purpose::Caller(Some(reply)));
    }

    pub(super) fn start_join(&mut self, now: CoreInstant, seeds: Vec<Seed>, purpose: Purpose) {
        let id = self.joins.start(purpose);
        let mut addresses = Vec::new();
        for seed in seeds {
            match seed {
                Seed::Address(address) => addresses.push(address),
                Seed::Name { host, port } => {
                    self.joins.resolve(id, host, port, &mut self.actions);
                }
            }
        }
        let addresses = addresses.into_iter().map(canonical);
        let (reachable, others): (Vec<_>, Vec<_>) =
            addresses.partition(|address| self.reaches(*address));
        for address in others {
            self.joins.note(id, Part::NotTried(address, Failure::Unreachable));
        }
        self.try_join(now, id, reachable);
        self.finish_join(now, id);
    }

    /// Has the core join those of these addresses that are worth it.
    pub(super) fn try_join(&mut self, now: CoreInstant, id: JoinId, addresses: Vec<SocketAddr>) {
        let (own, mut addresses): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| self.is_own(*address));
        for address in own {
            self.joins.note(id, Part::NotTried(address, Failure::OwnAddress));
        }
        if let Some(Purpose::Seed(_)) = self.joins.purpose(id) {
            // Among live peers a seed is asked only if it is not one of them.
            for peer in self.node.members().filter(|member| member.state.is_live()) {
                addresses.retain(|address| *address != peer.address);
            }
        }
        if addresses.is_empty() {
            return;
        }
        if self.joins.is_stopped(id) {
            return self.joins.note(id, Part::Failed(Failure::Stopped));
        }
        match self.node.join(now, &addresses) {
            Ok(request) => {
                self.joins.requested(id);
                self.replies.wait(request, Pending::Join(id));
            }
            Err(error) => self.joins.note(id, Part::Refused(error)),
        }
    }

    pub(super) fn finish_join(&mut self, now: CoreInstant, id: JoinId) {
        let Some((Purpose::Seed(seed), outcome)) = self.joins.finish(id) else {
            return;
        };
        let members_live = self.node.members_live();
        let node = self.publisher.name();
        match outcome.joined {
            Some(Joined { contact, members }) => {
                tracing::info!(target: "swim", %node, %seed, %contact, members, "joined by a seed");
            }
            None if members_live <= 1 && !outcome.is_own_address() => {
                tracing::info!(
                    target: "swim", %node, %seed, reason = %outcome.error(),
                    "a seed could not be joined; it is tried again"
                );
            }
            None => {}
        }
        self.seeds.attempt_ended(now, &seed, members_live);
    }

    pub(super) fn usable(&mut self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let addresses = addresses.into_iter().map(canonical);
        let usable: Vec<_> = addresses.filter(|address| self.reaches(*address)).collect();
        self.seeds.pick(usable, ADDRESSES_PER_NAME_MAX)
    }

    /// Whether datagrams of the bound socket can go there: to the same family, or to either from
    /// an unspecified IPv6 address.
    fn reaches(&self, address: SocketAddr) -> bool {
        let bound = canonical(self.bound);
        bound.is_ipv4() == address.is_ipv4() || (bound.is_ipv6() && bound.ip().is_unspecified())
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let by_loopback = self.bound.ip().is_unspecified()
            && address.ip().is_loopback()
            && address.port() == self.bound.port();
        by_loopback || address == canonical(self.bound) || address == self.node.local().address
    }
}
