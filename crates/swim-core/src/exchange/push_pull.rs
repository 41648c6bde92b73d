//! Push/pull: exchanges views with one other node, to join and to repair what gossip missed.

use core::net::SocketAddr;

use bytes::Bytes;

use super::streams::Needs;
use super::{Exchange, Purpose};
use crate::channel::Framed;
use crate::context::Context;
use crate::member::State;
use crate::members::{Entry, Members, Slot};
use crate::output::RequestId;
use crate::sabotage::Sabotage;
use crate::stats::{DropReason, MessageKind};
use crate::wire::{self, Format, NameClaim, Scope, memberlist};

/// Writing a table of this size takes no longer than reading a hundred packets.
const TABLE_SMALL: usize = 1024;

/// The most suspects that are asked over streams at once. If half of a large cluster is gone there
/// are many; each was pinged before.
const LAST_CALLS_MAX: usize = 32;

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

    /// Exchanges views with one random member, and schedules the next exchange. It sends the
    /// members only if the two digests differ, so that in a cluster that agrees the cost does not
    /// depend on its size.
    pub(crate) fn start_push_pull(&mut self, cx: &mut Context, members: &Members) {
        let interval = cx.config.push_pull_interval_at(members.live());
        self.push_pull_due = cx.now() + interval;
        let alive = |entry: &Entry| entry.state() == State::Alive;
        let picked = members.pick(&mut cx.random, 1, None, alive);
        if let [peer] = picked.slots() {
            let to = members.entry(*peer).address();
            match cx.config.wire.format() {
                Format::Swim => self.tell(cx, members, to, Purpose::Compare, Scope::Compare),
                // Its nodes send no digest.
                Format::Memberlist(_) => self.push_pull_with(cx, members, to),
            }
        }
    }

    /// Exchanges everything with the node at this address.
    pub(crate) fn push_pull_with(&mut self, cx: &mut Context, members: &Members, to: SocketAddr) {
        self.tell(cx, members, to, Purpose::PushPull, Scope::Full);
    }

    /// Sends back what this node knows beyond the other node's view. That view differed; this node
    /// has received and merged all of it.
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

    /// Tells a suspect about the suspicion and asks for its answer, over a stream that loses
    /// neither. If many datagrams are lost, gossip may not bring the suspicion to the suspect, or
    /// the refutation to all peers.
    pub(crate) fn last_call(&mut self, cx: &mut Context, members: &Members, suspect: Slot) {
        if self.table.last_calls() >= LAST_CALLS_MAX {
            return;
        }
        cx.count_sent(MessageKind::PushPull);
        let claim = claim(members);
        let told = [members.entry(Slot::LOCAL), members.entry(suspect)];
        let to = told[1].address();
        let told = told.into_iter().map(Entry::announcement);
        let framed = cx.channel.framed(|wire, out| match wire.format() {
            Format::Swim => wire::encode_push_pull_with(Scope::Partial, claim, 0, told, &[], out),
            Format::Memberlist(_) => memberlist::encode_push_pull(false, told, &[], out),
        });
        self.open(cx, to, Purpose::LastCall, (framed, Needs::Nothing));
    }

    /// Answers a push/pull of the native wire with the scope that was asked for. If that is
    /// everything, and too much to send now, the answer is as for a comparison. The peer then has
    /// the digest, and asks again when it next finds a difference.
    pub(crate) fn answer_to(
        &mut self,
        cx: &mut Context,
        members: &Members,
        scope: Scope,
        their_view: u64,
    ) -> Framed {
        let scope = match scope {
            Scope::Compare if their_view != members.view_digest() => Scope::Full,
            _ => scope,
        };
        match scope {
            Scope::Full if !self.may_tell_all(cx, members) => {
                self.state(cx, members, Scope::Compare)
            }
            Scope::Join | Scope::Full | Scope::Compare => self.state(cx, members, scope),
            Scope::Partial => itself(cx, members, claim(members)),
        }
    }

    /// Asks the node at this address, which has this node's name, whether it is running.
    pub(crate) fn ask_holder(&mut self, cx: &mut Context, members: &Members, to: SocketAddr) {
        let framed = itself(cx, members, NameClaim::Withheld);
        self.open(cx, to, Purpose::Holder, (framed, Needs::Nothing));
    }

    /// Tells the node at this address, which claims this node's name, how long this node has had
    /// the name, and asks for the same. It is bound to the stream, because a recording could decide
    /// a later contest.
    pub(crate) fn contest(
        &mut self,
        cx: &mut Context,
        members: &Members,
        (to, lived): (SocketAddr, u64),
    ) {
        let framed = itself(cx, members, NameClaim::Contested { lived });
        self.open(cx, to, Purpose::Contest { lived }, (framed, Needs::Greeting));
    }

    /// The answer to a contest: how long this node has had its name, if it claims the name.
    pub(crate) fn contested(
        &self,
        cx: &mut Context,
        members: &Members,
        lived: Option<u64>,
    ) -> Framed {
        let claim = lived.map_or(claim(members), |lived| NameClaim::Contested { lived });
        itself(cx, members, claim)
    }

    /// Whether the whole table may be sent to a node that does not join. Joining nodes always get
    /// it, because they know nothing else.
    pub(crate) fn may_tell_all(&mut self, cx: &mut Context, members: &Members) -> bool {
        let may = members.len() <= TABLE_SMALL
            || has_left(members)
            || self.tables.take(cx.now())
            || cx.config.breaks(Sabotage::TellsEverybodyAll);
        if !may {
            cx.drop_quietly(DropReason::TableRefused);
        }
        may
    }

    /// The answer on memberlist's wire when the whole table may not be sent now. That wire has no
    /// shorter answer; its nodes report an error and go on.
    pub(crate) fn table_refused(&self, cx: &mut Context) -> Framed {
        let text = alloc::format!("{}; try again later", DropReason::TableRefused);
        cx.channel.framed(|_, out| memberlist::encode_error(&text, out))
    }

    /// Everything that this node knows, itself first, with its application state.
    ///
    /// To compare views, it is only this node and the digest. To send the rest later, it is
    /// everything but the application state. Once this node leaves, it is only this node, except
    /// for nodes that join here: its view is frozen, and would bring back forgotten members.
    pub(crate) fn state(&self, cx: &mut Context, members: &Members, scope: Scope) -> Framed {
        cx.count_sent(MessageKind::PushPull);
        self.whole_table(cx, members, scope)
    }

    /// The same, for an answer that is counted already.
    pub(crate) fn whole_table(&self, cx: &mut Context, members: &Members, scope: Scope) -> Framed {
        self.told(cx, members, scope).0
    }

    /// The same, and what it needs as the first part on a stream.
    fn told(&self, cx: &mut Context, members: &Members, scope: Scope) -> (Framed, Needs) {
        let is_partial = scope == Scope::Partial;
        let state = if is_partial { Bytes::new() } else { self.local_state(cx, scope) };
        let view = if is_partial { 0 } else { members.view_digest() };
        let alone = scope == Scope::Compare || (has_left(members) && scope != Scope::Join);
        let (count, claim) = (if alone { 1 } else { usize::MAX }, claim(members));
        let told = members.iter().map(Entry::announcement).take(count);
        let framed = cx.channel.framed(|wire, out| match wire.format() {
            Format::Swim => wire::encode_push_pull_with(scope, claim, view, told, &state, out),
            Format::Memberlist(_) => {
                memberlist::encode_push_pull(scope == Scope::Join, told, &state, out);
            }
        });
        (framed, if state.is_empty() { Needs::Nothing } else { Needs::Greeting })
    }

    fn tell(
        &mut self,
        cx: &mut Context,
        members: &Members,
        to: SocketAddr,
        purpose: Purpose,
        scope: Scope,
    ) {
        cx.count_sent(MessageKind::PushPull);
        let (framed, needs) = self.told(cx, members, scope);
        self.open(cx, to, purpose, (framed, needs));
    }

    fn local_state(&self, cx: &mut Context, scope: Scope) -> Bytes {
        let from_hook = cx.hooks.local_state(scope == Scope::Join);
        let state = from_hook.unwrap_or_else(|| self.user_state.clone());
        if state.len() <= cx.config.user_state_size_max { state } else { Bytes::new() }
    }
}

/// Whether this node claims its name.
#[inline]
fn claim(members: &Members) -> NameClaim {
    if members.is_withheld() { NameClaim::Withheld } else { NameClaim::Claimed }
}

/// Whether this node has left.
fn has_left(members: &Members) -> bool {
    members.entry(Slot::LOCAL).state() == State::Left
}

/// Only this node, on the native wire.
fn itself(cx: &mut Context, members: &Members, claim: NameClaim) -> Framed {
    cx.count_sent(MessageKind::PushPull);
    let local = core::iter::once(members.entry(Slot::LOCAL).announcement());
    cx.channel.framed(|_, out| {
        wire::encode_push_pull_with(Scope::Partial, claim, 0, local, &[], out);
    })
}
