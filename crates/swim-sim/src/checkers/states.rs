//! Delivered application states are current.

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use swim_core::wire::Wire;
use swim_core::{Event, Instant, StreamId, StreamInput, StreamOp};

use super::{Checker, Sent, Sight, Verdict, expect, of_host};
use crate::contents::requires_seals;

/// Checks that no delivered application state is a recording of an earlier one.
///
/// With required keys on the native wire, a state comes from a node, and is one that some node had
/// while the stream was open. The checker knows the states that applications announce: see
/// [`World::tell_sent`](crate::World::tell_sent).
#[derive(Debug, Default)]
pub struct States {
    /// Until when each state was that of a node; `None` if it still is.
    until: BTreeMap<Bytes, Option<Instant>>,
    hosts: Vec<Host>,
}

#[derive(Debug, Default)]
struct Host {
    state: Option<Bytes>,
    /// All addresses of its node: the present one, and perhaps earlier ones.
    addresses: BTreeSet<IpAddr>,
    /// Peer, opening time and closing time of its streams.
    streams: BTreeMap<StreamId, Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    peer: SocketAddr,
    since: Instant,
    closed: Option<Instant>,
}

impl States {
    /// Replaces the state of the host's node from now on.
    fn replace(&mut self, by: &Sight<'_>, state: Option<Bytes>) {
        let before =
            core::mem::replace(&mut of_host(&mut self.hosts, by.host).state, state.clone());
        if let Some(before) = before {
            self.until.insert(before, Some(by.at));
        }
        if let Some(state) = state {
            self.until.insert(state, None);
        }
    }

    fn told(&mut self, by: &Sight<'_>, from: SocketAddr, state: &Bytes) -> Verdict {
        let is_a_host = self.hosts.iter().any(|host| host.addresses.contains(&from.ip()));
        expect(is_a_host, || format!("{from}, which is no member, tells a state"))?;
        let host = of_host(&mut self.hosts, by.host);
        let is_open = |open: &&Open| open.closed.is_none_or(|at| at >= by.at);
        let with = host.streams.values().filter(|open| open.peer == from).filter(is_open);
        let since = with.map(|open| open.since).min();
        match (self.until.get(state), since) {
            (Some(Some(until)), Some(since)) => expect(*until >= since, || {
                format!("{from} tells a state that nobody had any more when the stream opened")
            }),
            _ => Ok(()),
        }
    }
}

impl Checker for States {
    fn name(&self) -> &'static str {
        "application states"
    }

    fn started(&mut self, by: &Sight<'_>) -> Verdict {
        self.replace(by, None);
        let host = of_host(&mut self.hosts, by.host);
        host.addresses.insert(by.node.config().address.ip());
        host.streams.clear();
        Ok(())
    }

    fn sent(&mut self, by: &Sight<'_>, sent: &Sent<'_>) -> Verdict {
        if let Sent::State { state } = sent {
            self.replace(by, Some(Bytes::copy_from_slice(state)));
        }
        Ok(())
    }

    fn stream_accepted(&mut self, by: &Sight<'_>, id: StreamId, from: SocketAddr) -> Verdict {
        // The peer may have made its part when it dialled, at most its timeout ago.
        let since = Instant::ORIGIN
            + (by.at - Instant::ORIGIN).saturating_sub(by.node.config().stream_timeout);
        let open = Open { peer: from, since, closed: None };
        of_host(&mut self.hosts, by.host).streams.insert(id, open);
        Ok(())
    }

    fn stream_operation(&mut self, by: &Sight<'_>, id: StreamId, operation: &StreamOp) -> Verdict {
        let host = of_host(&mut self.hosts, by.host);
        match operation {
            StreamOp::Open { to } => {
                host.streams.retain(|_, open| open.closed.is_none_or(|at| at == by.at));
                host.streams.insert(id, Open { peer: *to, since: by.at, closed: None });
            }
            StreamOp::Close | StreamOp::Abort => host.close(by.at, id),
            StreamOp::Send(_) | StreamOp::Finish => {}
        }
        Ok(())
    }

    fn stream_input(&mut self, by: &Sight<'_>, id: StreamId, input: StreamInput<'_>) -> Verdict {
        if let StreamInput::Finished | StreamInput::Failed(_) = input {
            of_host(&mut self.hosts, by.host).close(by.at, id);
        }
        Ok(())
    }

    fn event(&mut self, by: &Sight<'_>, event: &Event) -> Verdict {
        let config = by.node.config();
        match event {
            Event::UserState { from, state, .. }
                if requires_seals(config) && config.wire == Wire::Swim =>
            {
                self.told(by, *from, state)
            }
            _ => Ok(()),
        }
    }
}

impl Host {
    fn close(&mut self, at: Instant, id: StreamId) {
        if let Some(open) = self.streams.get_mut(&id) {
            open.closed.get_or_insert(at);
        }
    }
}
