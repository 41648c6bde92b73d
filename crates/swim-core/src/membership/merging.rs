//! Merges the table that another node sends in a push/pull.

use core::net::SocketAddr;

use bytes::Bytes;

use super::{Membership, News, Origin};
use crate::address::canonical;
use crate::config::Config;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::Gossip;
use crate::member::{MemberRef, State};
use crate::members::Slot;
use crate::output::Event;
use crate::stats::DropReason;
use crate::wire::{Claim, Format, Half, NameClaim, Scope, Update};

/// Source and terms of another node's table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) from: SocketAddr,
    pub(crate) scope: Scope,
    /// Whether its sender claims its name.
    pub(crate) claim: NameClaim,
    /// This node opened the stream.
    pub(crate) dialled: bool,
    /// How many new members are admitted. The rest is left to gossip and later exchanges: reading
    /// on would take more work than the received bytes pay for.
    pub(crate) newcomers_max: usize,
}

impl Membership {
    /// Merges all that another node knows.
    pub(crate) fn merge(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        table: Table,
        half: Half<'_>,
    ) {
        let Table { from, scope, dialled, .. } = table;
        let user_state = match half.user_state(cx.config.user_state_size_max) {
            Ok(state) => state,
            Err(reason) => return cx.report_drop(from, reason, true),
        };
        let is_first_answer = dialled && self.own.is_newcomer();
        let origin = Origin::push_pull(from, self.members.peers() == 0, dialled);
        let said = (&table, Origin { is_first_answer, ..origin });
        match cx.config.wire.format() {
            Format::Swim => self.merge_ordered(cx, gossip, detector, said, half),
            Format::Memberlist(_) => self.merge_unordered(cx, gossip, detector, said, half),
        }
        if scope != Scope::Partial {
            cx.stats.push_pulls += 1;
        }
        if !user_state.is_empty() {
            let state = Bytes::from(user_state);
            cx.emit(Event::UserState { from, join: scope == Scope::Join, state });
        }
    }
}

// The native wire.

impl Membership {
    /// Merges a table whose first entry is its sender.
    fn merge_ordered(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        (table, origin): (&Table, Origin),
        half: Half<'_>,
    ) {
        let len_max = self.members.len().saturating_add(table.newcomers_max);
        let mut members = half.members_of_frames();
        let first = members.next().and_then(|it| unspoilt(cx, table.from, it));
        if let Some(member) = &first {
            self.merge_sender(cx, gossip, detector, (table, origin), member);
        }
        let mut sender = first.map(|member| member.name);
        for member in members {
            if self.members.len() >= len_max {
                cx.drop_quietly(DropReason::Overpacked);
                break;
            }
            if let Some(member) = unspoilt(cx, table.from, member) {
                let sender = *sender.get_or_insert(member.name);
                let update = told(&cx.config, &member, sender, origin);
                self.receive_update(cx, gossip, detector, &News::new(&update, origin));
            }
        }
    }

    /// Merges a sender's own entry.
    fn merge_sender(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        (table, origin): (&Table, Origin),
        member: &MemberRef<'_>,
    ) {
        if table.claim == NameClaim::Withheld {
            return self.note_asker(cx, member, origin.via);
        }
        let asks = table.scope == Scope::Join && !table.dialled;
        let origin = Origin { asks, ..origin };
        let update = told(&cx.config, member, member.name, origin);
        self.receive_update(cx, gossip, detector, &News::new(&update, origin));
        self.note_sender(cx, member.name, table.from, table.dialled);
    }
}

// memberlist's wire.

/// The sender of a table of memberlist's wire, as far as its address shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender<'a> {
    Unknown,
    Named(&'a str),
    /// Several members are at its host.
    OneOfSeveral,
}

impl Membership {
    /// Merges a table whose sender may be any entry. Accusations of live members wait until the
    /// other entries have shown who the sender is. Go takes the receiver for the accuser, and so
    /// believes even a sender that it holds failed.
    fn merge_unordered(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        (table, origin): (&Table, Origin),
        half: Half<'_>,
    ) {
        let len_max = self.members.len().saturating_add(table.newcomers_max);
        let own = cx.config.name.clone();
        let (mut sender, mut is_noted, mut accuses) = (Sender::Unknown, false, false);
        let mut read = 0;
        for member in half.members() {
            if self.members.len() >= len_max {
                cx.drop_quietly(DropReason::Overpacked);
                break;
            }
            read += 1;
            let Some(member) = unspoilt(cx, table.from, member) else {
                continue;
            };
            if self.is_accused_peer(&member) {
                accuses = true;
                continue;
            }
            let update = told(&cx.config, &member, own.as_str(), origin);
            self.receive_update(cx, gossip, detector, &News::new(&update, origin));
            if canonical(member.address).ip() == table.from.ip() {
                sender = self.sender_with(sender, &member, table);
                // Thousands of entries may match: note one.
                is_noted = is_noted || self.note_sender(cx, member.name, table.from, table.dialled);
            }
        }
        if accuses {
            self.merge_accusations(cx, gossip, detector, origin, (half, read, sender));
        }
    }

    /// Whether a table lists a live peer as suspect or failed.
    fn is_accused_peer(&self, member: &MemberRef<'_>) -> bool {
        matches!(member.state, State::Suspect | State::Failed)
            && self.members.find(member.name).is_some_and(|slot| {
                slot != Slot::LOCAL && self.members.entry(slot).state().is_live()
            })
    }

    /// Updates the sender of a table after one more member at its host is read. If this node
    /// dialled, the address decides. A member that dialled uses another port, so it is identified
    /// only if no other member is at that host.
    fn sender_with<'a>(
        &self,
        sender: Sender<'a>,
        member: &MemberRef<'a>,
        table: &Table,
    ) -> Sender<'a> {
        // This node may be at that host, but did not send the table.
        let Some(slot) = self.members.find(member.name).filter(|&slot| slot != Slot::LOCAL) else {
            return sender;
        };
        let entry = self.members.entry(slot);
        match sender {
            _ if table.dialled && entry.is_at(table.from) => Sender::Named(member.name),
            _ if table.dialled || entry.address().ip() != table.from.ip() => sender,
            Sender::Unknown => Sender::Named(member.name),
            Sender::Named(_) | Sender::OneOfSeveral => Sender::OneOfSeveral,
        }
    }

    /// Merges accusations of live members among the first `read` entries, if the sender is known.
    #[cold]
    fn merge_accusations(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        detector: &mut Detector,
        origin: Origin,
        (half, read, sender): (Half<'_>, usize, Sender<'_>),
    ) {
        let Sender::Named(sender) = sender else {
            return cx.drop_quietly(DropReason::FailedAccuser);
        };
        for member in half.members().take(read).flatten() {
            if self.is_accused_peer(&member) {
                let update = told(&cx.config, &member, sender, origin);
                self.receive_update(cx, gossip, detector, &News::new(&update, origin));
            }
        }
    }
}

impl Membership {
    /// Notes that this member answered, if it is at the other end of a stream; returns whether it
    /// is. If this node dialled, the address must match. If the member dialled, only the host can
    /// match, because its port differs. Callers note at most one member per stream: a peer could
    /// make up any number.
    fn note_sender(
        &mut self,
        cx: &mut Context,
        name: &str,
        peer: SocketAddr,
        dialled: bool,
    ) -> bool {
        let Some(slot) = self.members.find(name) else {
            return false;
        };
        let entry = self.members.entry(slot);
        let there = if dialled { entry.is_at(peer) } else { entry.address().ip() == peer.ip() };
        let answers = there && slot != Slot::LOCAL && entry.state().is_live();
        if answers && dialled {
            self.note_answer(cx, slot);
        } else if answers {
            // It reaches this node, which proves nothing about its announced port.
            self.members.note_answer(slot);
        }
        answers
    }
}

/// Returns a member that could be read; otherwise reports the reason.
#[inline]
fn unspoilt<'a>(
    cx: &mut Context,
    from: SocketAddr,
    member: Result<MemberRef<'a>, DropReason>,
) -> Option<MemberRef<'a>> {
    member.map_err(|reason| cx.report_drop(from, reason, true)).ok()
}

/// Converts a table entry to an update. A failed member counts only as suspected, so that it has
/// time to refute what it may never have heard.
fn told<'a>(
    config: &Config,
    member: &MemberRef<'a>,
    sender: &'a str,
    origin: Origin,
) -> Update<'a> {
    let MemberRef { name, address, state, incarnation, meta, versions } = *member;
    let claim = match state {
        State::Alive => Claim::Alive { address, meta, versions },
        // A suspect that has this newcomer's name is another node, and may be there.
        State::Suspect if origin.is_first_answer && is_namesake(config, member) => {
            Claim::Alive { address, meta, versions }
        }
        State::Suspect | State::Failed => Claim::Suspect { accuser: sender },
        State::Left => Claim::Left,
    };
    Update { name, incarnation, claim }
}

/// Whether a member has this node's name at another address.
#[cold]
fn is_namesake(config: &Config, member: &MemberRef<'_>) -> bool {
    !config.wire.is_memberlist()
        && member.name == config.name.as_str()
        && !config.is_own_address(member.address)
}
