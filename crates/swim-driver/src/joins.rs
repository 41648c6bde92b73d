//! The joins under way: names being resolved, addresses being tried.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use swim_core::{CommandError, Failure, RequestId, StreamId};

use crate::action::{Action, ResolveId};
use crate::command::{Joined, Reply};
use crate::error::Error;
use crate::seed::Seed;

/// How many names are resolved at once.
///
/// The system's resolver takes a thread for each, for many seconds when no name server answers.
pub const RESOLVES_MAX: usize = 8;

/// How many names wait for their turn to be resolved.
const NAMES_WAITING_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JoinId(u64);

#[derive(Debug)]
pub(crate) struct Joins {
    table: BTreeMap<JoinId, Join>,
    /// Handed out to be resolved, even if their join has ended since.
    resolving: BTreeMap<ResolveId, Lookup>,
    waiting: VecDeque<Lookup>,
    /// How many addresses of one join are tried at once.
    parallel_max: usize,
    last_join: u64,
    last_resolve: u64,
}

/// The purpose of a join.
#[derive(Debug)]
pub(crate) enum JoinFor {
    /// For a caller, answered at the first success.
    Caller(Option<Reply<Joined>>),
    /// To ask one seed.
    Seed(Seed),
}

#[derive(Debug)]
struct Join {
    purpose: JoinFor,
    /// Names that are not resolved yet.
    names: BTreeSet<Seed>,
    /// Addresses that are not tried yet.
    waiting: VecDeque<Attempt>,
    /// Requests that the core has not answered yet.
    open: BTreeMap<RequestId, Open>,
    addresses_found: usize,
    /// The node has left since: no further address is tried.
    stopped: bool,
    outcome: Outcome,
}

/// An address that a join tries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) address: SocketAddr,
    /// The seed that led to it.
    seed: Seed,
    /// Its place among the addresses of the join.
    place: usize,
}

/// A request to the core: one for each address, so that a seed can be dropped separately.
#[derive(Debug)]
struct Open {
    address: SocketAddr,
    seed: Seed,
    place: usize,
    /// The stream of the join, if the core opened one.
    stream: Option<StreamId>,
}

/// The results so far.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) joined: Option<Joined>,
    refused: Option<CommandError>,
    /// The node left first.
    stopped: bool,
    /// A seed of the join was removed.
    seed_removed: bool,
    /// By place, so that errors list them in the order given.
    attempts: BTreeMap<usize, (SocketAddr, Failure)>,
    unresolved: Vec<(String, String)>,
}

#[derive(Debug)]
struct Lookup {
    join: JoinId,
    host: Box<str>,
    port: u16,
}

/// Work that was dropped with a removed seed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The streams of the core's joins.
    pub(crate) streams: Vec<StreamId>,
    /// The joins that go on without the seed.
    pub(crate) joins: Vec<JoinId>,
}

impl Joins {
    pub(crate) fn new(parallel_max: usize) -> Self {
        Joins {
            table: BTreeMap::new(),
            resolving: BTreeMap::new(),
            waiting: VecDeque::new(),
            parallel_max: parallel_max.max(1),
            last_join: 0,
            last_resolve: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether a caller waits for the first answer. Joins that ask further seeds may take longer.
    pub(crate) fn has_waiting_caller(&self) -> bool {
        self.table.values().any(|join| matches!(join.purpose, JoinFor::Caller(Some(_))))
    }

    pub(crate) fn start(&mut self, purpose: JoinFor) -> JoinId {
        self.last_join += 1;
        let id = JoinId(self.last_join);
        let join = Join {
            purpose,
            names: BTreeSet::new(),
            waiting: VecDeque::new(),
            open: BTreeMap::new(),
            addresses_found: 0,
            stopped: false,
            outcome: Outcome::default(),
        };
        self.table.insert(id, join);
        id
    }

    /// Has a name resolved for a join, as soon as there is room.
    pub(crate) fn resolve(
        &mut self,
        join: JoinId,
        host: Box<str>,
        port: u16,
        actions: &mut VecDeque<Action>,
    ) {
        let Some(entry) = self.table.get_mut(&join) else {
            return;
        };
        if self.waiting.len() >= NAMES_WAITING_MAX {
            let name = format!("{host}:{port}");
            entry.outcome.unresolved.push((name, "too many names are being resolved".into()));
            return;
        }
        entry.names.insert(Seed::Name { host: host.clone(), port });
        self.waiting.push_back(Lookup { join, host, port });
        self.advance(actions);
    }

    /// Takes a resolver's answer. Returns the join, the seed and its addresses, or `None` if the
    /// join no longer needs them.
    pub(crate) fn resolved(
        &mut self,
        id: ResolveId,
        result: Result<Vec<SocketAddr>, String>,
        actions: &mut VecDeque<Action>,
    ) -> Option<(JoinId, Seed, Vec<SocketAddr>)> {
        let Lookup { join: id, host, port } = self.resolving.remove(&id)?;
        self.advance(actions);
        let join = self.table.get_mut(&id)?;
        let seed = join.names.take(&Seed::Name { host, port })?;
        let addresses = result.and_then(|addresses| match addresses.is_empty() {
            true => Err("it has no address that this node can reach".to_owned()),
            false => Ok(addresses),
        });
        let addresses = addresses.unwrap_or_else(|reason| {
            let name = seed.to_string();
            tracing::debug!(target: "swim", name, reason, "cannot resolve");
            join.outcome.unresolved.push((name, reason));
            Vec::new()
        });
        Some((id, seed, addresses))
    }

    /// Adds an address to a join, or records why it is not usable.
    pub(crate) fn found(
        &mut self,
        id: JoinId,
        seed: &Seed,
        address: SocketAddr,
        usable: Result<(), Failure>,
    ) {
        let Some(join) = self.table.get_mut(&id) else {
            return;
        };
        let place = join.addresses_found;
        join.addresses_found += 1;
        match usable {
            Err(why) => drop(join.outcome.attempts.insert(place, (address, why))),
            Ok(()) if join.stopped => join.outcome.stopped = true,
            Ok(()) => {
                let seed = seed.clone();
                join.waiting.push_back(Attempt { address, seed, place });
            }
        }
    }

    /// The next address to try, unless the limit of this join is reached.
    pub(crate) fn next_attempt(&mut self, id: JoinId) -> Option<Attempt> {
        let join = self.table.get_mut(&id)?;
        if join.open.len() >= self.parallel_max {
            return None;
        }
        join.waiting.pop_front()
    }

    /// The core took a request for this join.
    pub(crate) fn requested(
        &mut self,
        id: JoinId,
        attempt: Attempt,
        request: RequestId,
        stream: Option<StreamId>,
    ) {
        if let Some(join) = self.table.get_mut(&id) {
            let Attempt { address, seed, place } = attempt;
            join.open.insert(request, Open { address, seed, place, stream });
        }
    }

    /// The core refused a request for this join.
    pub(crate) fn refused(&mut self, id: JoinId, error: CommandError) {
        if let Some(join) = self.table.get_mut(&id) {
            join.outcome.refused = Some(error);
        }
    }

    /// Whether a request for this join is open. Its answer makes room for another.
    pub(crate) fn is_trying(&self, id: JoinId) -> bool {
        self.table.get(&id).is_some_and(|join| !join.open.is_empty())
    }

    /// The core has no room for this address now: it is tried next.
    pub(crate) fn postpone(&mut self, id: JoinId, attempt: Attempt) {
        if let Some(join) = self.table.get_mut(&id) {
            join.waiting.push_front(attempt);
        }
    }

    /// The core answered a request for this join. Ignored if its seed was removed.
    pub(crate) fn answered(
        &mut self,
        id: JoinId,
        request: RequestId,
        result: Result<Joined, Failure>,
    ) {
        let Some(join) = self.table.get_mut(&id) else {
            return;
        };
        let Some(Open { address, place, .. }) = join.open.remove(&request) else {
            return;
        };
        match result {
            Ok(joined) => join.joined(joined),
            Err(Failure::Stopped) => join.outcome.stopped = true,
            Err(why) => drop(join.outcome.attempts.insert(place, (address, why))),
        }
    }

    /// The node leaves: earlier joins must not bring it back.
    pub(crate) fn stop(&mut self) {
        for join in self.table.values_mut() {
            join.stopped = true;
            join.outcome.stopped |= !join.waiting.is_empty();
            join.waiting.clear();
        }
    }

    /// Drops everything under way for a seed. A join that only asks the seed ends; joins of callers
    /// go on with their other seeds.
    pub(crate) fn remove_seed(&mut self, seed: &Seed) -> Dropped {
        let mut dropped = Dropped::default();
        self.waiting.retain(|lookup| !lookup.is_of(seed));
        self.table.retain(|id, join| {
            let had_it = join.remove_seed(seed, &mut dropped.streams);
            let asks_it = matches!(&join.purpose, JoinFor::Seed(asked) if asked == seed);
            if had_it && !asks_it {
                dropped.joins.push(*id);
            }
            !asks_it
        });
        dropped
    }

    /// The purpose of a join that is under way.
    pub(crate) fn purpose(&self, id: JoinId) -> Option<&JoinFor> {
        self.table.get(&id).map(|join| &join.purpose)
    }

    /// Removes a join with nothing open, and answers its caller if it failed.
    pub(crate) fn finish(&mut self, id: JoinId) -> Option<(JoinFor, Outcome)> {
        if self.table.get(&id)?.parts_open() > 0 {
            return None;
        }
        let Join { mut purpose, outcome, .. } = self.table.remove(&id)?;
        if let JoinFor::Caller(reply) = &mut purpose
            && let Some(reply) = reply.take()
        {
            drop(reply.send(Err(outcome.error())));
        }
        Some((purpose, outcome))
    }

    fn advance(&mut self, actions: &mut VecDeque<Action>) {
        while self.resolving.len() < RESOLVES_MAX
            && let Some(lookup) = self.waiting.pop_front()
        {
            self.last_resolve += 1;
            let id = ResolveId(self.last_resolve);
            let host = lookup.host.to_string();
            actions.push_back(Action::Resolve { id, host, port: lookup.port });
            self.resolving.insert(id, lookup);
        }
    }
}

impl Join {
    fn parts_open(&self) -> usize {
        self.names.len() + self.waiting.len() + self.open.len()
    }

    fn joined(&mut self, joined: Joined) {
        if let JoinFor::Caller(reply) = &mut self.purpose
            && let Some(reply) = reply.take()
        {
            // The caller may have stopped waiting.
            drop(reply.send(Ok(joined)));
        }
        self.outcome.joined.get_or_insert(joined);
    }

    /// Drops everything open for a seed, and adds its streams to `streams`. False if nothing was
    /// open.
    fn remove_seed(&mut self, seed: &Seed, streams: &mut Vec<StreamId>) -> bool {
        let before = self.parts_open();
        self.names.remove(seed);
        self.waiting.retain(|attempt| attempt.seed != *seed);
        self.open.retain(|_, open| {
            let other = open.seed != *seed;
            if !other {
                streams.extend(open.stream);
            }
            other
        });
        let had_it = self.parts_open() < before;
        self.outcome.seed_removed |= had_it;
        had_it
    }
}

impl Lookup {
    fn is_of(&self, seed: &Seed) -> bool {
        matches!(seed, Seed::Name { host, port } if *host == self.host && *port == self.port)
    }
}

impl Outcome {
    /// Every address found is this node's own. This is common: nodes often share one list of seeds.
    pub(crate) fn is_own_address(&self) -> bool {
        self.unresolved.is_empty()
            && !self.attempts.is_empty()
            && self.attempts.values().all(|(_, why)| *why == Failure::OwnAddress)
    }

    /// Why the join failed: the most telling reason.
    pub(crate) fn error(&self) -> Error {
        let attempts: Vec<_> = self.attempts.values().cloned().collect();
        if self.stopped {
            Error::Failure(Failure::Stopped)
        } else if !self.unresolved.is_empty() {
            Error::NotResolved { names: self.unresolved.clone(), attempts }
        } else if !attempts.is_empty() {
            Error::NoneJoined { attempts }
        } else if let Some(error) = self.refused {
            Error::Command(error)
        } else if self.seed_removed {
            Error::SeedRemoved
        } else {
            Error::NoAddresses
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_channel::oneshot;

    use super::*;

    type JoinResult = oneshot::Receiver<Result<Joined, Error>>;

    /// Tries two addresses of a join at a time.
    fn joins() -> Joins {
        Joins::new(2)
    }

    fn start(joins: &mut Joins) -> (JoinId, JoinResult) {
        let (reply, answer) = oneshot::channel();
        (joins.start(JoinFor::Caller(Some(reply))), answer)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn seed(text: &str) -> Seed {
        text.parse().unwrap()
    }

    fn resolves(actions: &mut VecDeque<Action>) -> Vec<ResolveId> {
        let id = |action| match action {
            Action::Resolve { id, .. } => id,
            other => panic!("{other:?}"),
        };
        actions.drain(..).map(id).collect()
    }

    /// Has a join try an address, in a request with this number.
    fn request(joins: &mut Joins, join: JoinId, text: &str, number: u64) {
        joins.found(join, &seed(text), address(text), Ok(()));
        let attempt = joins.next_attempt(join).unwrap();
        assert_eq!(attempt.address, address(text));
        joins.requested(join, attempt, RequestId(number), Some(StreamId(number)));
    }

    #[test]
    fn names_are_resolved_a_few_at_a_time() {
        let (mut joins, mut actions) = (joins(), VecDeque::new());
        let (join, _answer) = start(&mut joins);
        for port in 1..=20 {
            joins.resolve(join, "host".into(), port, &mut actions);
        }
        let first = resolves(&mut actions);
        assert_eq!(first.len(), RESOLVES_MAX);
        let found = joins.resolved(first[0], Ok(vec![address("10.0.0.1:1")]), &mut actions);
        assert_eq!(found, Some((join, seed("host:1"), vec![address("10.0.0.1:1")])));
        assert_eq!(resolves(&mut actions).len(), 1);
        assert_eq!(joins.resolved(first[0], Ok(vec![]), &mut actions), None, "only once");
    }

    #[test]
    fn names_beyond_the_limit_are_not_kept() {
        let (mut joins, mut actions) = (joins(), VecDeque::new());
        let (join, _answer) = start(&mut joins);
        for port in 0..2000 {
            joins.resolve(join, "host".into(), port, &mut actions);
        }
        assert_eq!(joins.waiting.len(), NAMES_WAITING_MAX);
    }

    #[test]
    fn addresses_are_tried_a_few_at_a_time_in_their_order() {
        let mut joins = joins();
        let (join, _answer) = start(&mut joins);
        for text in ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"] {
            joins.found(join, &seed(text), address(text), Ok(()));
        }
        for (number, text) in [(1, "10.0.0.1:1"), (2, "10.0.0.2:1")] {
            let attempt = joins.next_attempt(join).unwrap();
            assert_eq!(attempt.address, address(text));
            joins.requested(join, attempt, RequestId(number), None);
        }
        assert_eq!(joins.next_attempt(join), None);
        joins.answered(join, RequestId(1), Err(Failure::Timeout));
        assert_eq!(joins.next_attempt(join).unwrap().address, address("10.0.0.3:1"));
    }

    #[test]
    fn the_first_success_answers_and_the_rest_is_awaited() {
        let mut joins = joins();
        let (join, mut answer) = start(&mut joins);
        request(&mut joins, join, "10.0.0.1:1", 1);
        request(&mut joins, join, "10.0.0.2:1", 2);
        let joined = Joined { contact: address("10.0.0.1:1"), members: 2 };
        joins.answered(join, RequestId(1), Ok(joined));
        assert_eq!(answer.try_recv(), Ok(Some(Ok(joined))));
        assert!(joins.finish(join).is_none());
        joins.answered(join, RequestId(2), Err(Failure::Timeout));
        assert_eq!(joins.finish(join).unwrap().1.joined, Some(joined));
        assert_eq!(joins.len(), 0);
    }

    #[test]
    fn a_join_that_failed_tells_what_was_tried_in_the_order_given() {
        let (mut joins, mut actions) = (joins(), VecDeque::new());
        let (join, mut answer) = start(&mut joins);
        joins.resolve(join, "nowhere".into(), 7, &mut actions);
        request(&mut joins, join, "10.0.0.1:1", 1);
        request(&mut joins, join, "10.0.0.2:1", 2);
        joins.answered(join, RequestId(2), Err(Failure::Timeout));
        joins.answered(join, RequestId(1), Err(Failure::Timeout));
        assert!(joins.finish(join).is_none(), "a name is still open");
        let id = resolves(&mut actions)[0];
        assert_eq!(
            joins.resolved(id, Err("no such host".into()), &mut actions),
            Some((join, seed("nowhere:7"), vec![]))
        );
        assert!(joins.finish(join).unwrap().1.joined.is_none());
        let error = answer.try_recv().unwrap().unwrap().unwrap_err().to_string();
        assert!(error.contains("nowhere:7"), "{error}");
        assert!(error.contains("no such host"), "{error}");
        let attempts = "10.0.0.1:1: no answer in time; 10.0.0.2:1: no answer in time";
        assert!(error.contains(attempts), "{error}");
    }

    #[test]
    fn nothing_to_join_is_an_error() {
        let mut joins = joins();
        let (join, mut answer) = start(&mut joins);
        assert!(joins.finish(join).is_some());
        assert_eq!(answer.try_recv(), Ok(Some(Err(Error::NoAddresses))));

        let (join, mut answer) = start(&mut joins);
        let own = (address("10.0.0.1:1"), Failure::OwnAddress);
        joins.found(join, &seed("10.0.0.1:1"), own.0, Err(own.1.clone()));
        assert!(joins.finish(join).unwrap().1.is_own_address());
        let error = Error::NoneJoined { attempts: vec![own] };
        assert_eq!(answer.try_recv(), Ok(Some(Err(error))));
    }

    #[test]
    fn an_address_that_is_not_tried_before_the_node_leaves_is_not_tried_any_more() {
        for found_after in [false, true] {
            let mut joins = joins();
            let (join, mut answer) = start(&mut joins);
            if found_after {
                joins.stop();
            }
            joins.found(join, &seed("10.0.0.1:1"), address("10.0.0.1:1"), Ok(()));
            joins.stop();
            assert_eq!(joins.next_attempt(join), None);
            assert!(joins.finish(join).is_some());
            assert_eq!(answer.try_recv(), Ok(Some(Err(Error::Failure(Failure::Stopped)))));
        }
    }

    #[test]
    fn what_is_open_for_a_removed_seed_is_dropped() {
        let (mut joins, mut actions) = (joins(), VecDeque::new());
        let (join, mut answer) = start(&mut joins);
        // The resolver has all lookups but one, which waits for its turn.
        for port in 1..=u16::try_from(RESOLVES_MAX).unwrap() {
            joins.resolve(join, "host".into(), port, &mut actions);
        }
        joins.resolve(join, "late".into(), 1, &mut actions);
        let given_out = resolves(&mut actions)[0];
        request(&mut joins, join, "10.0.0.1:1", 1);
        joins.found(join, &seed("10.0.0.2:1"), address("10.0.0.2:1"), Ok(()));

        let dropped = joins.remove_seed(&seed("10.0.0.1:1"));
        assert_eq!(dropped, Dropped { streams: vec![StreamId(1)], joins: vec![join] });
        for text in ["10.0.0.2:1", "late:1", "host:1"] {
            let dropped = joins.remove_seed(&seed(text));
            assert_eq!(dropped, Dropped { streams: vec![], joins: vec![join] }, "{text}");
        }
        assert_eq!(joins.remove_seed(&seed("host:1")), Dropped::default(), "only once");
        assert_eq!(joins.next_attempt(join), None);
        let late = joins.resolved(given_out, Ok(vec![address("10.0.0.3:1")]), &mut actions);
        assert_eq!(late, None);
        assert_eq!(resolves(&mut actions), [], "the name that waited is not resolved");

        assert!(joins.finish(join).is_none(), "the other names are open");
        for port in 2..=RESOLVES_MAX {
            joins.remove_seed(&seed(&format!("host:{port}")));
        }
        assert!(joins.finish(join).is_some());
        assert_eq!(answer.try_recv(), Ok(Some(Err(Error::SeedRemoved))));
    }

    #[test]
    fn what_only_asks_a_removed_seed_is_over() {
        let mut joins = joins();
        let join = joins.start(JoinFor::Seed(seed("10.0.0.1:1")));
        request(&mut joins, join, "10.0.0.1:1", 1);
        let dropped = joins.remove_seed(&seed("10.0.0.1:1"));
        assert_eq!(dropped, Dropped { streams: vec![StreamId(1)], joins: vec![] });
        assert_eq!(joins.len(), 0);
    }
}
