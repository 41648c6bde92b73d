//! Push/pull: exchanging views with one other node, to join and against what gossip missed.

use core::net::SocketAddr;

use bytes::Bytes;

use super::{Exchange, Purpose};
use crate::channel::{Framed, Side};
use crate::context::Context;
use crate::member::State;
use crate::members::{Entry, Members, Slot};
use crate::output::RequestId;
use crate::stats::MessageKind;
use crate::wire::{self, Scope, Wire, memberlist};

impl Exchange {
    /// Joins the cluster of the node at this address.
    pub(crate) fn join(
        &mut self,
        cx: &mut Context,
        members: &Members,
        address: SocketAddr,
        request: RequestId,
    ) {
        self.tell(cx, members, address, Purpose::Join { request }, Scope::Join);
    }

    /// Exchanges views with one random member, and sets the time for the next exchange. The members
    /// are told only where the digests of the two views differ: in a cluster that agrees, the cost
    /// does not depend on its size.
    pub(crate) fn start_push_pull(&mut self, cx: &mut Context, members: &Members) {
        let interval = cx.config.push_pull_interval_at(members.live());
        self.push_pull_due = Some(cx.now() + interval);
        let alive = |entry: &Entry| entry.state() == State::Alive;
        let picked = members.pick(&mut cx.random, 1, None, alive);
        if let [peer] = picked.slots() {
            let to = members.entry(*peer).address();
            match cx.config.wire {
                Wire::Swim => self.tell(cx, members, to, Purpose::Compare, Scope::Compare),
                // Its nodes tell no digest.
                Wire::Memberlist => self.push_pull_with(cx, members, to),
            }
        }
    }

    /// Exchanges everything with the node at this address.
    pub(crate) fn push_pull_with(&mut self, cx: &mut Context, members: &Members, to: SocketAddr) {
        self.tell(cx, members, to, Purpose::PushPull, Scope::Full);
    }

    /// The other node sees something else, and told everything that it sees, which was merged. What
    /// this node knows beyond that goes back.
    pub(crate) fn push_back(
        &mut self,
        cx: &mut Context,
        members: &Members,
        to: SocketAddr,
        their_view: u64,
    ) {
        if their_view != members.view_digest() {
            self.tell(cx, members, to, Purpose::PushPull, Scope::Partial);
        }
    }

    /// Tells a suspect that it is one, and asks what it has to say, over a stream, where neither is
    /// lost. Gossip reaches everybody nearly always; where datagrams are lost that is not enough,
    /// neither for the suspicion to reach the suspect nor for its refutation to reach all.
    pub(crate) fn last_call(&mut self, cx: &mut Context, members: &Members, suspect: Slot) {
        cx.count_sent(MessageKind::PushPull);
        let told = [members.entry(Slot::LOCAL), members.entry(suspect)];
        let to = told[1].address();
        let told = told.into_iter().map(Entry::announcement);
        let framed = cx.channel.framed(|wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(Scope::Partial, 0, told, &[], out),
            Wire::Memberlist => memberlist::encode_push_pull(false, told, &[], out),
        });
        let bytes = cx.channel.sealed(Side::Dialler, None, framed);
        self.open(cx, to, Purpose::PushPull, bytes);
    }

    /// The answer to a push/pull of the native wire: as much as was asked for.
    pub(crate) fn answer_to(
        &self,
        cx: &mut Context,
        members: &Members,
        scope: Scope,
        their_view: u64,
    ) -> Framed {
        match scope {
            Scope::Compare if their_view != members.view_digest() => {
                self.state(cx, members, Scope::Full)
            }
            Scope::Join | Scope::Full | Scope::Compare => self.state(cx, members, scope),
            Scope::Partial => {
                cx.count_sent(MessageKind::PushPull);
                let local = core::iter::once(members.entry(Slot::LOCAL).announcement());
                cx.channel.framed(|_, out| wire::encode_push_pull(scope, 0, local, &[], out))
            }
        }
    }

    /// Everything that this node knows, itself first, with its application state. To compare views,
    /// only itself and the digest of the rest; to tell the rest later, all but its state.
    pub(crate) fn state(&self, cx: &mut Context, members: &Members, scope: Scope) -> Framed {
        cx.count_sent(MessageKind::PushPull);
        self.whole_table(cx, members, scope)
    }

    /// The same, of an answer that was counted.
    pub(crate) fn whole_table(&self, cx: &mut Context, members: &Members, scope: Scope) -> Framed {
        let is_partial = scope == Scope::Partial;
        let state = if is_partial { Bytes::new() } else { self.local_state(cx, scope) };
        let view = if is_partial { 0 } else { members.view_digest() };
        let count = if scope == Scope::Compare { 1 } else { usize::MAX };
        let told = members.iter().map(Entry::announcement).take(count);
        cx.channel.framed(|wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(scope, view, told, &state, out),
            Wire::Memberlist => {
                memberlist::encode_push_pull(scope == Scope::Join, told, &state, out);
            }
        })
    }

    fn tell(
        &mut self,
        cx: &mut Context,
        members: &Members,
        to: SocketAddr,
        purpose: Purpose,
        scope: Scope,
    ) {
        let framed = self.state(cx, members, scope);
        let bytes = cx.channel.sealed(Side::Dialler, None, framed);
        self.open(cx, to, purpose, bytes);
    }

    fn local_state(&self, cx: &mut Context, scope: Scope) -> Bytes {
        let from_hook = cx.hooks.local_state(scope == Scope::Join);
        let state = from_hook.unwrap_or_else(|| self.user_state.clone());
        if state.len() <= cx.config.user_state_size_max { state } else { Bytes::new() }
    }
}
