//! Joins, for callers and to ask seeds.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use swim_core::{
    CommandError, ConnectionError, Failure, Instant as CoreInstant, RequestId, StreamId,
    StreamInput,
};

use super::{Driver, answer};
use crate::advertise::{self, canonical};
use crate::command::{Joined, Reply};
use crate::error::Error;
use crate::joins::{JoinFor, JoinId};
use crate::replies::Pending;
use crate::seed::Seed;
use crate::seeds::{Added, SEEDS_MAX};

/// How many addresses of one name are tried. Of hundreds, a few random ones are enough.
const ADDRESSES_PER_NAME_MAX: usize = 16;

/// How many seeds one join takes. A handful is normal; a longer list is a mistake.
const JOIN_SEEDS_MAX: usize = 4096;

impl Driver {
    pub(super) fn handle_join(
        &mut self,
        now: CoreInstant,
        mut seeds: Vec<Seed>,
        reply: Reply<Joined>,
    ) {
        if self.joins.len() >= self.node.config().requests_max {
            return answer(reply, Err(CommandError::Busy { limit: "requests_max" }));
        }
        if seeds.len() > JOIN_SEEDS_MAX {
            return answer(reply, Err(Error::TooManyAddresses { max: JOIN_SEEDS_MAX }));
        }
        let mut given = BTreeSet::new();
        seeds.retain(|seed| given.insert(seed.clone()));
        for seed in &seeds {
            if !self.seeds.remember(now, seed.clone()) {
                tracing::debug!(target: "swim", %seed, "the list of seeds is full: not remembered");
            }
        }
        self.start_join(now, seeds, JoinFor::Caller(Some(reply)));
    }

    pub(super) fn handle_add_seed(&mut self, now: CoreInstant, seed: Seed, reply: Reply<bool>) {
        let node = self.publisher.name();
        let added = match self.seeds.add(now, seed.clone()) {
            Added::New => {
                tracing::info!(target: "swim", %node, %seed, "seed added");
                Ok(true)
            }
            Added::Known => Ok(false),
            Added::Full => Err(Error::TooManySeeds { max: SEEDS_MAX }),
        };
        answer(reply, added);
    }

    /// Removes a seed, and drops its attempts under way.
    pub(super) fn handle_remove_seed(&mut self, now: CoreInstant, seed: &Seed, reply: Reply<bool>) {
        let known = self.seeds.remove(seed);
        let dropped = self.joins.remove_seed(seed);
        for stream in dropped.streams {
            self.streams.abort(stream, &mut self.actions);
            // The core then answers the request, but no caller waits for it.
            self.node.handle_stream(now, stream, StreamInput::Failed(ConnectionError::Local));
        }
        let removed = known || !dropped.joins.is_empty();
        if removed {
            tracing::info!(target: "swim", node = %self.publisher.name(), %seed, "seed removed");
        }
        answer(reply, Ok::<_, Error>(removed));
        for join in dropped.joins {
            self.advance_join(now, join);
        }
    }

    pub(super) fn start_join(&mut self, now: CoreInstant, seeds: Vec<Seed>, purpose: JoinFor) {
        let id = self.joins.start(purpose);
        for seed in seeds {
            match seed {
                Seed::Address(address) => self.add_addresses(id, &seed, vec![canonical(address)]),
                Seed::Name { host, port } => {
                    self.joins.resolve(id, host, port, &mut self.actions);
                }
            }
        }
        self.advance_join(now, id);
    }

    /// Adds the addresses of a seed that are worth a try.
    pub(super) fn add_addresses(&mut self, id: JoinId, seed: &Seed, addresses: Vec<SocketAddr>) {
        let asks_a_seed = matches!(self.joins.purpose(id), Some(JoinFor::Seed(_)));
        for address in addresses {
            let usable = if !self.reaches(address) {
                Err(Failure::Connection(ConnectionError::Unreachable))
            } else if self.is_own(address) {
                Err(Failure::OwnAddress)
            } else if asks_a_seed && self.is_live_peer(address) {
                // A seed that is already a live peer is not asked.
                continue;
            } else {
                Ok(())
            };
            self.joins.found(id, seed, address, usable);
        }
    }

    /// Has the core join the next addresses, a bounded number at a time. Ends the join when nothing
    /// of it is open.
    pub(super) fn advance_join(&mut self, now: CoreInstant, id: JoinId) {
        while let Some(attempt) = self.joins.next_attempt(id) {
            match self.request_join(now, attempt.address) {
                Ok((request, stream)) => {
                    self.replies.wait(request, Pending::Join(id));
                    self.joins.requested(id, attempt, request, stream);
                }
                Err(CommandError::Busy { .. }) if self.joins.is_trying(id) => {
                    return self.joins.postpone(id, attempt);
                }
                Err(error) => self.joins.refused(id, error),
            }
        }
        self.finish_join(now, id);
    }

    /// Has the core join one address. Returns the request, and the stream opened for it.
    fn request_join(
        &mut self,
        now: CoreInstant,
        address: SocketAddr,
    ) -> Result<(RequestId, Option<StreamId>), CommandError> {
        let request = self.node.join(now, address)?;
        Ok((request, self.collect(now, Some(address))))
    }

    fn finish_join(&mut self, now: CoreInstant, id: JoinId) {
        let Some((purpose, outcome)) = self.joins.finish(id) else {
            return;
        };
        self.settling.note_join(&outcome);
        let JoinFor::Seed(seed) = purpose else {
            return;
        };
        let members_live = self.node.members_live();
        let node = self.publisher.name();
        match outcome.joined {
            Some(Joined { contact, members }) => {
                tracing::info!(target: "swim", %node, %seed, %contact, members, "seed joined");
            }
            None if members_live <= 1 && !outcome.is_own_address() => {
                // Logged at growing intervals, at each attempt.
                tracing::warn!(
                    target: "swim", %node, %seed, reason = %outcome.error(),
                    "cannot join a seed; trying again"
                );
            }
            None => {}
        }
        self.seeds.attempt_ended(now, &seed, members_live);
    }

    pub(super) fn usable(&mut self, addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        let addresses = addresses.into_iter().map(canonical);
        let mut found = BTreeSet::new();
        let usable = addresses.filter(|it| self.reaches(*it) && found.insert(*it)).collect();
        self.seeds.pick(usable, ADDRESSES_PER_NAME_MAX)
    }

    fn reaches(&self, address: SocketAddr) -> bool {
        advertise::reaches(self.bound, address)
    }

    fn is_live_peer(&self, address: SocketAddr) -> bool {
        self.node.members().any(|member| member.state.is_live() && member.address == address)
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let by_loopback = self.bound.ip().is_unspecified()
            && address.ip().is_loopback()
            && address.port() == self.bound.port();
        by_loopback || address == canonical(self.bound) || address == self.node.local().address
    }
}
