//! The joins that are under way: names being resolved, addresses being tried.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use swim_core::{CommandError, Failure};

use crate::action::{Action, ResolveId};
use crate::command::{Joined, Reply};
use crate::error::Error;
use crate::seed::Seed;

/// How many names are resolved at the same time. The system's resolver takes a thread for each,
/// for many seconds when no name server answers.
pub const RESOLVES_MAX: usize = 8;

/// How many names wait for their turn to be resolved.
const NAMES_WAITING_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JoinId(u64);

#[derive(Debug, Default)]
pub(crate) struct Joins {
    table: BTreeMap<JoinId, Join>,
    /// Given out to be resolved.
    resolving: BTreeMap<ResolveId, Lookup>,
    waiting: VecDeque<Lookup>,
    last_join: u64,
    last_resolve: u64,
}

/// For whom a join is made.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// For a caller, who is answered at the first success.
    Caller(Option<Reply<Joined>>),
    /// To ask one seed.
    Seed(Seed),
}

#[derive(Debug)]
struct Join {
    purpose: Purpose,
    /// Names that are not resolved yet.
    names_open: usize,
    /// Requests to the core that are not answered yet.
    requests_open: usize,
    /// The node has left since: no further address is tried.
    stopped: bool,
    outcome: Outcome,
}

/// How it went so far.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) joined: Option<Joined>,
    refused: Option<CommandError>,
    failure: Option<Failure>,
    attempts: Vec<(SocketAddr, Failure)>,
    unresolved: Vec<(String, String)>,
}

#[derive(Debug)]
struct Lookup {
    join: JoinId,
    host: Box<str>,
    port: u16,
}

/// What became of a part of a join.
#[derive(Debug)]
pub(crate) enum Part {
    Joined(Joined),
    Refused(CommandError),
    Failed(Failure),
    /// An address that the core was not asked to join.
    NotTried(SocketAddr, Failure),
}

impl Joins {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn start(&mut self, purpose: Purpose) -> JoinId {
        self.last_join += 1;
        let id = JoinId(self.last_join);
        let outcome = Outcome::default();
        self.table
            .insert(id, Join { purpose, names_open: 0, requests_open: 0, stopped: false, outcome });
        id
    }

    /// Has a name resolved for a join, as soon as there is room for it.
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
        entry.names_open += 1;
        self.waiting.push_back(Lookup { join, host, port });
        self.advance(actions);
    }

    /// A name was resolved: for which join, and its addresses if there are any.
    pub(crate) fn resolved(
        &mut self,
        id: ResolveId,
        result: Result<Vec<SocketAddr>, String>,
        actions: &mut VecDeque<Action>,
    ) -> Option<(JoinId, Vec<SocketAddr>)> {
        let lookup = self.resolving.remove(&id)?;
        self.advance(actions);
        let join = self.table.get_mut(&lookup.join)?;
        join.names_open -= 1;
        let addresses = result.and_then(|addresses| match addresses.is_empty() {
            true => Err("it has no address that this node can reach".to_owned()),
            false => Ok(addresses),
        });
        let addresses = addresses.unwrap_or_else(|reason| {
            let name = format!("{}:{}", lookup.host, lookup.port);
            tracing::debug!(target: "swim", name, reason, "cannot resolve");
            join.outcome.unresolved.push((name, reason));
            Vec::new()
        });
        Some((lookup.join, addresses))
    }

    /// The core has taken a request for this join.
    pub(crate) fn requested(&mut self, id: JoinId) {
        if let Some(join) = self.table.get_mut(&id) {
            join.requests_open += 1;
        }
    }

    /// The core has answered a request for this join.
    pub(crate) fn answered(&mut self, id: JoinId, part: Part) {
        if let Some(join) = self.table.get_mut(&id) {
            join.requests_open -= 1;
        }
        self.note(id, part);
    }

    pub(crate) fn note(&mut self, id: JoinId, part: Part) {
        let Some(Join { purpose, outcome, .. }) = self.table.get_mut(&id) else {
            return;
        };
        match part {
            Part::Joined(joined) => {
                if let Purpose::Caller(reply) = purpose
                    && let Some(reply) = reply.take()
                {
                    // The caller may have stopped waiting.
                    drop(reply.send(Ok(joined)));
                }
                outcome.joined.get_or_insert(joined);
            }
            Part::Refused(error) => outcome.refused = Some(error),
            Part::Failed(Failure::NoneJoined { attempts }) => outcome.attempts.extend(attempts),
            Part::Failed(failure) => outcome.failure = Some(failure),
            Part::NotTried(address, why) => outcome.attempts.push((address, why)),
        }
    }

    /// The node leaves: joins that began before must not bring it back.
    pub(crate) fn stop(&mut self) {
        self.table.values_mut().for_each(|join| join.stopped = true);
    }

    pub(crate) fn is_stopped(&self, id: JoinId) -> bool {
        self.table.get(&id).is_some_and(|join| join.stopped)
    }

    /// For whom a join is made, while it is under way.
    pub(crate) fn purpose(&self, id: JoinId) -> Option<&Purpose> {
        self.table.get(&id).map(|join| &join.purpose)
    }

    /// Removes a join of which nothing is open any more, and tells its caller if it failed.
    pub(crate) fn finish(&mut self, id: JoinId) -> Option<(Purpose, Outcome)> {
        let done = |join: &Join| join.names_open == 0 && join.requests_open == 0;
        if !self.table.get(&id).is_some_and(done) {
            return None;
        }
        let Join { mut purpose, outcome, .. } = self.table.remove(&id)?;
        if let Purpose::Caller(reply) = &mut purpose
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

impl Outcome {
    /// All that was found is this node itself, which is common: a list of seeds is often the same
    /// on all nodes.
    pub(crate) fn is_own_address(&self) -> bool {
        self.unresolved.is_empty()
            && !self.attempts.is_empty()
            && self.attempts.iter().all(|(_, why)| *why == Failure::OwnAddress)
    }

    /// Why nobody was joined: the most telling of what went wrong.
    pub(crate) fn error(&self) -> Error {
        let attempts = self.attempts.clone();
        if !self.unresolved.is_empty() {
            Error::NotResolved { names: self.unresolved.clone(), attempts }
        } else if !attempts.is_empty() {
            Error::Failure(Failure::NoneJoined { attempts })
        } else if let Some(failure) = &self.failure {
            Error::Failure(failure.clone())
        } else if let Some(error) = self.refused {
            Error::Command(error)
        } else {
            Error::Command(CommandError::NoAddresses)
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_channel::oneshot;

    use super::*;

    type Answer = oneshot::Receiver<Result<Joined, Error>>;

    fn start(joins: &mut Joins) -> (JoinId, Answer) {
        let (reply, answer) = oneshot::channel();
        (joins.start(Purpose::Caller(Some(reply))), answer)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn resolves(actions: &mut VecDeque<Action>) -> Vec<ResolveId> {
        let id = |action| match action {
            Action::Resolve { id, .. } => id,
            other => panic!("{other:?}"),
        };
        actions.drain(..).map(id).collect()
    }

    #[test]
    fn names_are_resolved_a_few_at_a_time() {
        let (mut joins, mut actions) = (Joins::default(), VecDeque::new());
        let (join, _answer) = start(&mut joins);
        for port in 1..=20 {
            joins.resolve(join, "host".into(), port, &mut actions);
        }
        let first = resolves(&mut actions);
        assert_eq!(first.len(), RESOLVES_MAX);
        let found = joins.resolved(first[0], Ok(vec![address("10.0.0.1:1")]), &mut actions);
        assert_eq!(found, Some((join, vec![address("10.0.0.1:1")])));
        assert_eq!(resolves(&mut actions).len(), 1);
        assert_eq!(joins.resolved(first[0], Ok(vec![]), &mut actions), None, "only once");
    }

    #[test]
    fn names_beyond_the_limit_are_not_kept() {
        let (mut joins, mut actions) = (Joins::default(), VecDeque::new());
        let (join, _answer) = start(&mut joins);
        for port in 0..2000 {
            joins.resolve(join, "host".into(), port, &mut actions);
        }
        assert_eq!(joins.waiting.len(), NAMES_WAITING_MAX);
    }

    #[test]
    fn the_first_success_answers_and_the_rest_is_awaited() {
        let mut joins = Joins::default();
        let (join, mut answer) = start(&mut joins);
        joins.requested(join);
        joins.requested(join);
        let joined = Joined { contact: address("10.0.0.1:1"), members: 2 };
        joins.answered(join, Part::Joined(joined));
        assert_eq!(answer.try_recv(), Ok(Some(Ok(joined))));
        assert!(joins.finish(join).is_none());
        joins.answered(join, Part::Failed(Failure::Timeout));
        assert_eq!(joins.finish(join).unwrap().1.joined, Some(joined));
        assert_eq!(joins.len(), 0);
    }

    #[test]
    fn a_join_that_failed_tells_what_was_tried() {
        let (mut joins, mut actions) = (Joins::default(), VecDeque::new());
        let (join, mut answer) = start(&mut joins);
        joins.resolve(join, "nowhere".into(), 7, &mut actions);
        joins.requested(join);
        let attempts = vec![(address("10.0.0.1:1"), Failure::Timeout)];
        joins.answered(join, Part::Failed(Failure::NoneJoined { attempts }));
        assert!(joins.finish(join).is_none(), "a name is still open");
        let id = resolves(&mut actions)[0];
        assert_eq!(
            joins.resolved(id, Err("no such host".into()), &mut actions),
            Some((join, vec![]))
        );
        assert!(joins.finish(join).unwrap().1.joined.is_none());
        let error = answer.try_recv().unwrap().unwrap().unwrap_err().to_string();
        assert!(error.contains("nowhere:7"), "{error}");
        assert!(error.contains("no such host"), "{error}");
        assert!(error.contains("10.0.0.1:1: no answer in time"), "{error}");
    }

    #[test]
    fn nothing_to_join_is_an_error() {
        let mut joins = Joins::default();
        let (join, mut answer) = start(&mut joins);
        assert!(joins.finish(join).is_some());
        assert_eq!(answer.try_recv(), Ok(Some(Err(Error::Command(CommandError::NoAddresses)))));

        let (join, mut answer) = start(&mut joins);
        let own = (address("10.0.0.1:1"), Failure::OwnAddress);
        joins.note(join, Part::NotTried(own.0, own.1.clone()));
        assert!(joins.finish(join).unwrap().1.is_own_address());
        let failure = Failure::NoneJoined { attempts: vec![own] };
        assert_eq!(answer.try_recv(), Ok(Some(Err(Error::Failure(failure)))));
    }
}
