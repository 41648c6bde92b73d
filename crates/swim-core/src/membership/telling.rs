//! Delivers accusations to the accused, so that it can refute. An accusation of a stranger is
//! passed on, because another node may know the stranger.

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
    /// Sends the node that announces itself at `to`, at this incarnation, what is held against it.
    /// This is rate-limited and never goes by gossip: a running member refutes, and no peer is
    /// bothered.
    ///
    /// If the accusation is too far above the node's incarnation to be followed, the announcement
    /// made there goes along. It came from an earlier life, or from another node of the name. The
    /// node outranks it, or learns that the accusation is about itself.
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

    /// Notifies a member that announces itself at `to` although it left. It may not know: another
    /// node of its name, or an earlier life, may have left. A leave message does not show who
    /// believes it, so this node pings the member as well.
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

    /// Answers an accuser directly that this node is alive. Gossip may not reach an accuser if it
    /// and every node it knows hold this node gone, and lost datagrams may have cost it the
    /// refutation. The answer is larger than the accusation. So it goes only to an accuser known at
    /// that address: the one named, or the sender of the packet.
    pub(super) fn answer_accuser(&mut self, cx: &mut Context, accuser: &str, origin: Origin) {
        if let Via::Packet { from } = origin.via
            && let Some(slot) = self.accuser(accuser, origin)
            && self.may_tell(cx, Some(slot), from, cx.config.gossip_interval)
        {
            self.tell_about(cx, Slot::LOCAL, from);
        }
    }

    /// The same to a node that this one dialled, and that accused it in the answer: that accusation
    /// outranks what this node sent before.
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

    /// Whether a node that pings from an address, or in the name of this member, may be sent what
    /// is held against it, although that is longer than the ping. A ping does not reveal the
    /// sender's incarnation. If the sender is too far behind to follow the accusation, it is sent
    /// an announcement to outrank when it announces itself.
    pub(crate) fn may_note(&mut self, cx: &Context, asker: Option<Slot>, to: SocketAddr) -> bool {
        let standing = self.standing_of(&cx.config, asker, to);
        self.evidence.may_tell(cx.now(), (Telling::Note, to), cx.config.probe_interval, standing)
    }

    /// Whether an address may be notified now, at most once per `quiet`; `whom` is the member
    /// notified, if known. Notifications that strangers cause take nothing from members.
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

    /// The standing of an address that is used in the name of this member.
    fn standing_of(&self, config: &Config, whom: Option<Slot>, to: SocketAddr) -> Standing {
        let standing = |slot| self.members.entry(slot).standing_at(to);
        let known = whom.map_or(Standing::Stranger, standing);
        if config.breaks(Sabotage::TellsAllAlike) { Standing::Stranger } else { known }
    }

    /// Sends the last announcement of a member to one address, as an alive update.
    pub(super) fn tell_about(&self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        let announced = self.announced(&cx.config, slot);
        cx.send_message(to, &Message::Update(announced));
    }

    /// This node's announcement, for a node that may not know it; `None` while this node leaves, or
    /// another node has its name.
    pub(crate) fn introduction(&self, config: &Config) -> Option<Update<'_>> {
        let says = self.announces_itself();
        says.then(|| self.announced(config, Slot::LOCAL))
    }

    /// The last announcement of a member, at its own incarnation. Accusations may be about a higher
    /// one, at which the member may have announced something else.
    pub(super) fn announced(&self, config: &Config, slot: Slot) -> Update<'_> {
        let entry = self.members.entry(slot);
        let mixes = config.breaks(Sabotage::MixesIncarnations);
        let incarnation = if mixes { entry.incarnation() } else { self.members.announced(slot) };
        let (address, versions) = (entry.announced_address(), entry.versions());
        let claim = Claim::Alive { address, meta: entry.meta(), versions };
        Update { name: entry.name(), incarnation, claim }
    }

    /// The announcement that an accused member far behind has to outrank. If an accusation raised
    /// the incarnation, nobody may know what was announced there; it may also be forged. With
    /// nothing to outrank, the member would not follow, and would count as gone for a day. It
    /// carries no metadata, and goes only to the node that announces itself under this name.
    fn to_outrank(&self, config: &Config, slot: Slot) -> Update<'_> {
        let (update, entry) = (self.announced(config, slot), self.members.entry(slot));
        if update.incarnation == entry.incarnation() {
            return update;
        }
        let (address, versions) = (entry.announced_address(), entry.versions());
        let claim = Claim::Alive { address, meta: &[], versions };
        Update { incarnation: entry.incarnation(), claim, ..update }
    }

    /// The same, rate-limited.
    pub(super) fn tell_about_limited(&mut self, cx: &mut Context, slot: Slot, to: SocketAddr) {
        if self.may_tell(cx, Some(slot), to, cx.config.probe_interval) {
            self.tell_about(cx, slot, to);
        }
    }

    /// Passes on an accusation about an unknown member, once, without believing it: another node
    /// may know the accused, or be it.
    ///
    /// Not on memberlist's wire: its nodes believe an accusation of any member they know, even of
    /// one that restarted since and is alive.
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
        // A push/pull holds everything against all members that the sender ever lost: no news.
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
