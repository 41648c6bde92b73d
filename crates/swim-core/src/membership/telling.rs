//! Accusations reach the accused: what is held against a member is told to it, so that it can
//! refute, and an accusation about a stranger is passed on, so that somebody may know it.

use core::net::SocketAddr;
use core::time::Duration;

use super::evidence::{Hearsay, Telling, is_followed};
use super::{Membership, News, Origin};
use crate::config::Config;
use crate::context::Context;
use crate::detection::Detector;
use crate::dissemination::Gossip;
use crate::member::Incarnation;
use crate::members::{Slot, Standing};
use crate::output::Via;
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::wire::{Claim, Message, Update};

impl Membership {
    /// Tells whoever announces itself at `to`, with this incarnation, what this node holds against
    /// it. Never by gossip, and rate-limited: an accused that lives refutes, and nobody else is
    /// bothered.
    ///
    /// An accusation so far above the accused that it would not follow it goes along with what was
    /// announced there, by an earlier life of it or by somebody in its name: it outranks that, or
    /// knows then that the accusation is about it.
    pub(super) fn tell_accused(
        &mut self,
        cx: &mut Context,
        slot: Slot,
        (incarnation, to): (Incarnation, SocketAddr),
    ) {
        if !self.may_tell(cx, Some(slot), to, cx.config.probe_interval) {
            return;
        }
        let own = cx.config.name.clone();
        let Some(accusation) = self.accusation_by(own.as_str(), slot) else { return };
        if is_followed(incarnation, self.members.entry(slot).incarnation())
            || cx.config.breaks(Sabotage::TellsAccusationsAlone)
        {
            cx.send_message(to, &Message::Update(accusation));
        } else {
            let announced = Message::Update(self.to_outrank(&cx.config, slot));
            cx.send_messages(to, &[announced, Message::Update(accusation)]);
        }
    }

    /// Tells a member that announces itself at `to` after it left, which it may not know: another
    /// node of its name may have left, or an earlier life of it. Nothing in its goodbye says who
    /// believes it, so the one who tells it pings it as well.
    pub(super) fn tell_departed(
        &mut self,
        cx: &mut Context,
        detector: &mut Detector,
        slot: Slot,
        (incarnation, to): (Incarnation, SocketAddr),
    ) {
        let far = !is_followed(incarnation, self.members.entry(slot).incarnation());
        if far || cx.config.breaks(Sabotage::TellsWithoutAsking) {
            return self.tell_accused(cx, slot, (incarnation, to));
        }
        if self.may_tell(cx, Some(slot), to, cx.config.probe_interval) {
            let own = cx.config.name.clone();
            let Some(departure) = self.accusation_by(own.as_str(), slot) else { return };
            detector.call_departed(cx, &self.members, (slot, to), departure);
        }
    }

    /// Answers an accuser directly that this node is alive: gossip may not reach it, if it and all
    /// it knows hold this node for gone, and where datagrams are lost it may have missed the
    /// refutation. Only an accuser that is known at that address gets an answer, as it is larger
    /// than the accusation; it is the one named, or the one in whose packet it is.
    pub(super) fn answer_accuser(&mut self, cx: &mut Context, accuser: &str, origin: Origin) {
        if let Via::Packet { from } = origin.via
            && let Some(slot) = self.accuser(accuser, origin)
            && self.may_tell(cx, Some(slot), from, cx.config.gossip_interval)
        {
            self.tell_about(cx, Slot::LOCAL, from);
        }
    }

    /// The same to a node that this one dialled, and that accused it in its answer: what it was
    /// told before is refuted itself.
    pub(super) fn answer_contact(&mut self, cx: &mut Context, origin: Origin) {
        if let Via::PushPull { from } = origin.via
            && origin.is_answer
            && self.may_tell(cx, None, from, cx.config.gossip_interval)
        {
            self.tell_about(cx, Slot::LOCAL, from);
        }
    }

    /// The accuser, if the accusation came from its own address.
    pub(super) fn accuser(&self, accuser: &str, origin: Origin) -> Option<Slot> {
        let accuser = origin.sender.or_else(|| self.members.find(accuser))?;
        let address = self.members.entry(accuser).address();
        (origin.via == Via::Packet { from: address }).then_some(accuser)
    }

    /// Whether who pings from an address, or in the name of this member, may be told what is held
    /// against it, although that takes more bytes than the ping. A ping does not say how far behind
    /// its sender is: what it has to outrank it may still be told when it announces itself.
    pub(crate) fn may_note(&mut self, cx: &Context, asker: Option<Slot>, to: SocketAddr) -> bool {
        let standing = self.standing_of(&cx.config, asker, to);
        self.evidence.may_tell(cx.now(), (Telling::Note, to), cx.config.probe_interval, standing)
    }

    /// Whether an address may be told something now, and not again within `quiet`; `whom`, if
    /// anybody, is the member that is told. What strangers cause takes nothing from members.
    pub(super) fn may_tell(
        &mut self,
        cx: &Context,
        whom: Option<Slot>,
        to: SocketAddr,
        quiet: Duration,
    ) -> bool {
        let standing = self.standing_of(&cx.config, whom, to);
        self.evidence.may_tell(cx.now(), (Telling::Packet, to), quiet, standing)
    }

    /// How an address counts whose user goes by the name of this member.
    fn standing_of(&self, config: &Config, whom: Option<Slot>, to: SocketAddr) -> Standing {
        let standing = |slot| self.members.entry(slot).standing_at(to);
        let known = whom.map_or(Standing::Stranger, standing);
        if config.breaks(Sabotage::TellsAllAlike) { Standing::Stranger } else { known }
    }

    /// Sends what is known of a member to one address, as an alive.
    pub(super) fn tell_about(&self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        let announced = self.announced(&cx.config, slot);
        cx.send_message(to, &Message::Update(announced));
    }

    /// This node's own announcement, to one that may not know it; nothing while it leaves, or while
    /// another node has its name.
    pub(crate) fn introduction(&self, config: &Config) -> Option<Update<'_>> {
        let says = self.announces_itself();
        says.then(|| self.announced(config, Slot::LOCAL))
    }

    /// What a member announced last, at the incarnation at which it did. What is held against it
    /// may be about a higher one, at which it may have announced something else.
    pub(super) fn announced(&self, config: &Config, slot: Slot) -> Update<'_> {
        let entry = self.members.entry(slot);
        let mixes = config.breaks(Sabotage::MixesIncarnations);
        let incarnation = if mixes { entry.incarnation() } else { self.members.announced(slot) };
        let (address, versions) = (entry.announced_address(), entry.versions());
        let claim = Claim::Alive { address, meta: entry.meta(), versions };
        Update { name: entry.name(), incarnation, claim }
    }

    /// What an accused member that is far behind has to outrank. Where an accusation raised the
    /// incarnation, nobody may know what was announced there; it may also be forged. Without
    /// something to outrank the member would not follow, and be held for gone for a day. It is said
    /// without metadata, and to nobody but the one that announces itself under this name.
    fn to_outrank(&self, config: &Config, slot: Slot) -> Update<'_> {
        let (update, entry) = (self.announced(config, slot), self.members.entry(slot));
        if update.incarnation == entry.incarnation() {
            return update;
        }
        let (address, versions) = (entry.announced_address(), entry.versions());
        let claim = Claim::Alive { address, meta: &[], versions };
        Update { incarnation: entry.incarnation(), claim, ..update }
    }

    /// Tells an address, rate-limited, what is known of a member.
    pub(super) fn tell_about_limited(&mut self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        if self.may_tell(cx, Some(slot), to, cx.config.probe_interval) {
            self.tell_about(cx, slot, to);
        }
    }

    /// An accusation about a member that this node does not know. It is not believed, only passed
    /// on, once: somebody may know the accused, or be it.
    ///
    /// Not on memberlist's wire: its nodes believe an accusation of whomever they know, also of one
    /// that was restarted since and is alive.
    pub(super) fn pass_on_hearsay(
        &mut self,
        cx: &mut Context,
        gossip: &mut Gossip,
        news: &News<'_>,
    ) {
        cx.drop_quietly(DropReason::UnknownMember);
        if cx.config.wire.is_memberlist() {
            return;
        }
        // In a push/pull it is what the sender holds of everybody it ever lost: no news.
        let Via::Packet { from } = news.via() else {
            return;
        };
        let hearsay = Hearsay {
            name: self.members.name_key(news.update.name),
            incarnation: news.update.incarnation.0,
            host: from.ip(),
        };
        let from_member = self.members.any_at(from.ip());
        let (now, quiet) = (cx.now(), cx.config.gossip_to_the_dead);
        if gossip.has_room(&cx.config)
            && self.evidence.may_pass_on(now, hearsay, from_member, quiet)
        {
            gossip.pass_on(cx, &self.members, news.update);
        }
    }
}
