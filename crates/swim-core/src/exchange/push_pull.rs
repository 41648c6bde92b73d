//! Push/pull: exchanging views with one other node, to join and against what gossip missed.

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

/// Telling so many members takes no longer than to read what a hundred packets say.
const TABLE_SMALL: usize = 1024;

/// Suspects that are asked over streams at once. Where half of a large cluster is gone there are
/// many; each was pinged before.
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

    /// Exchanges views with one random member, and sets the time for the next exchange. The members
    /// are told only where the digests of the two views differ: in a cluster that agrees, the cost
    /// does not depend on its size.
    pub(crate) fn start_push_pull(&mut self, cx: &mut Context, members: &Members) {
        let interval = cx.config.push_pull_interval_at(members.live());
        self.push_pull_due = cx.now() + interval;
        let alive = |entry: &Entry| entry.state() == State::Alive;
        let picked = members.pick(&mut cx.random, 1, None, alive);
        if let [peer] = picked.slots() {
            let to = members.entry(*peer).address();
            match cx.config.wire.format() {
                Format::Swim => self.tell(cx, members, to, Purpose::Compare, Scope::Compare),
                // Its nodes tell no digest.
                Format::Memberlist(_) => self.push_pull_with(cx, members, to),
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

    /// The answer to a push/pull of the native wire: as much as was asked for. Where that is
    /// everything, and more than may be told now, as much as to one who compares views: it has the
    /// digest, and asks again when it next finds that the views differ.
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

    /// Asks the node at this address, which has this node's name, whether it is there.
    pub(crate) fn ask_holder(&mut self, cx: &mut Context, members: &Members, to: SocketAddr) {
        let framed = itself(cx, members, NameClaim::Withheld);
        self.open(cx, to, Purpose::Holder, (framed, Needs::Nothing));
    }

    /// Tells the node at this address, which claims this node's name, for how long this one has had
    /// it, and asks the same. Recorded, it would decide a later contest.
    pub(crate) fn contest(
        &mut self,
        cx: &mut Context,
        members: &Members,
        (to, lived): (SocketAddr, u64),
    ) {
        let framed = itself(cx, members, NameClaim::Contested { lived });
        self.open(cx, to, Purpose::Contest { lived }, (framed, Needs::Greeting));
    }

    /// The answer to a contest: for how long this node has had its name, if it claims it.
    pub(crate) fn contested(
        &self,
        cx: &mut Context,
        members: &Members,
        lived: Option<u64>,
    ) -> Framed {
        let claim = lived.map_or(claim(members), |lived| NameClaim::Contested { lived });
        itself(cx, members, claim)
    }

    /// Whether everything may be told to a node that does not join. Those who join are always told:
    /// they have nothing else.
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

    /// The answer on memberlist's wire to a node that may not be told everything now. It has no
    /// shorter answer; an error is what its nodes report and live with.
    pub(crate) fn table_refused(&self, cx: &mut Context) -> Framed {
        let text = alloc::format!("{}; try again later", DropReason::TableRefused);
        cx.channel.framed(|_, out| memberlist::encode_error(&text, out))
    }

    /// Everything that this node knows, itself first, with its application state. To compare views,
    /// only itself and the digest of the rest; to tell the rest later, all but its state. From its
    /// goodbye on this node tells only of itself, except to nodes that join here: its view is
    /// frozen then, and would bring back members that are forgotten.
    pub(crate) fn state(&self, cx: &mut Context, members: &Members, scope: Scope) -> Framed {
        cx.count_sent(MessageKind::PushPull);
        self.whole_table(cx, members, scope)
    }

    /// The same, of an answer that was counted.
    pub(crate) fn whole_table(&self, cx: &mut Context, members: &Members, scope: Scope) -> Framed {
        self.told(cx, members, scope).0
    }

    /// The same, and what it needs where it is said first.
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

/// Whether this node has said its goodbye.
fn has_left(members: &Members) -> bool {
    members.entry(Slot::LOCAL).state() == State::Left
}

/// This node itself, on the native wire.
fn itself(cx: &mut Context, members: &Members, claim: NameClaim) -> Framed {
    cx.count_sent(MessageKind::PushPull);
    let local = core::iter::once(members.entry(Slot::LOCAL).announcement());
    cx.channel.framed(|_, out| {
        wire::encode_push_pull_with(Scope::Partial, claim, 0, local, &[], out);
    })
}
