//! The leave message over streams, used when no datagram with it was acknowledged.

use super::streams::Needs;
use super::{Exchange, Purpose};
use crate::config::FAN_OUT_MAX;
use crate::context::Context;
use crate::members::{Members, Slot};
use crate::stats::MessageKind;
use crate::wire::{self, Format, Scope, memberlist};

impl Exchange {
    /// Tells a few random members over streams that this node has left, in a push/pull without
    /// other members. They pass it on. An answer acknowledges the leave message.
    pub(crate) fn say_goodbye(&mut self, cx: &mut Context, members: &Members) {
        let picked = members.pick(&mut cx.random, FAN_OUT_MAX, None, |_| true);
        for &member in picked.slots() {
            cx.count_sent(MessageKind::PushPull);
            let to = members.entry(member).address();
            let told = core::iter::once(members.entry(Slot::LOCAL).announcement());
            let framed = cx.channel.framed(|wire, out| match wire.format() {
                Format::Swim => wire::encode_push_pull(Scope::Partial, 0, told, &[], out),
                Format::Memberlist(_) => memberlist::encode_push_pull(false, told, &[], out),
            });
            self.open(cx, to, Purpose::Goodbye, (framed, Needs::Nothing));
        }
    }
}
