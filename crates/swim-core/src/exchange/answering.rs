//! Answers on streams that peers opened.

use super::pace::{FIRST_MESSAGE_TIME, extra_time, time_at_pace};
use super::streams::send_all;
use super::{Exchange, Purpose};
use crate::channel::{Framed, Side};
use crate::context::Context;
use crate::members::Members;
use crate::output::{StreamId, StreamOp};
use crate::stats::{DropReason, MessageKind};
use crate::wire::{Ack, Format, Frame, Message, Ping, memberlist};

impl Exchange {
    /// Answers a ping over a stream. Like every ack, the answer carries this node's view digest: if
    /// no datagram gets through, nothing else carries it.
    pub(crate) fn answer_ping(
        &mut self,
        cx: &mut Context,
        members: &Members,
        id: StreamId,
        ping: &Ping<'_>,
    ) {
        // On memberlist's wire a ping may leave the target empty.
        if ping.target == cx.config.name.as_str() || ping.target.is_empty() {
            self.acknowledge(cx, id, (ping.sequence, members.short_view_digest()));
        } else {
            cx.drop_quietly(DropReason::WrongName);
            self.abort(cx, id);
        }
    }

    /// Acknowledges a message to its sender.
    pub(crate) fn acknowledge_message(&mut self, cx: &mut Context, id: StreamId) {
        match cx.config.wire.format() {
            Format::Swim => self.acknowledge(cx, id, (0, 0)),
            Format::Memberlist(_) => {
                self.expect_end(cx, id, 0);
                cx.outputs.stream(id, StreamOp::Finish);
            }
        }
    }

    /// Sends the answer to a peer's request. Then this node waits only for the end of the stream.
    pub(crate) fn answer(&mut self, cx: &mut Context, id: StreamId, framed: Framed) {
        let Some(buffer) = self.table.buffer(id) else {
            return;
        };
        let bytes = cx.channel.sealed(buffer, Side::Acceptor, framed);
        self.expect_end(cx, id, bytes.len());
        send_all(cx, id, bytes);
    }

    /// Ends an exchange on memberlist's wire because of the peer's sealing or packing. The dialler
    /// gets an error, as in Go.
    pub(super) fn complain_back(&mut self, cx: &mut Context, id: StreamId, reason: DropReason) {
        match self.table.get(id) {
            Some(stream) if stream.purpose() == Purpose::Incoming => {
                cx.report_drop(stream.peer(), reason, true);
                let text = alloc::format!("{reason}");
                let framed = cx.channel.framed(|_, out| memberlist::encode_error(&text, out));
                self.answer(cx, id, framed);
            }
            _ => self.reject(cx, id, reason),
        }
    }

    fn acknowledge(&mut self, cx: &mut Context, id: StreamId, (sequence, view): (u32, u32)) {
        cx.count_sent(MessageKind::Ack);
        let ack = Ack { sequence, payload: &[], view };
        let framed = cx.channel.framed(|wire, out| match wire.format() {
            Format::Swim => Frame::Ack(ack).encode(out),
            Format::Memberlist(_) => wire.encode(&Message::Ack(ack), out),
        });
        self.answer(cx, id, framed);
    }

    fn expect_end(&mut self, cx: &Context, id: StreamId, answer_len: usize) {
        self.table.set_answered(id);
        self.table.extend_deadline(id, cx.config.stream_timeout + extra_time(answer_len));
        let to_read = FIRST_MESSAGE_TIME + time_at_pace(answer_len);
        self.table.keep_up(id, to_read, cx.now() + to_read);
    }
}
