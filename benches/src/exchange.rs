//! Push/pull: one side's half as bytes, and streams that carry it.

use std::hint::black_box;

use bytes::BytesMut;
use swim_core::wire::{self, Scope};
use swim_core::{MemberRef, Output, StreamId, StreamInput, StreamOp};

use crate::Subject;
use crate::coder::Coder;
use crate::names::{LABEL, address, member, name};

/// The bytes that an adapter reads from a connection at once.
const READ_SIZE: usize = 64 << 10;

/// Returns a peer's half with `members` members, including the measured node. The peer comes first.
#[must_use]
pub fn half(scope: Scope, members: usize) -> Vec<u8> {
    let names: Vec<String> = (0..members).map(name).collect();
    let order = (1..members).chain(0..1);
    let mut bytes = BytesMut::new();
    wire::begin_packet(LABEL, &mut bytes);
    let members = order.map(|number| member(number, &names[number]));
    wire::encode_push_pull(scope, 0, members, &[], &mut bytes);
    bytes.to_vec()
}

/// Returns a peer's answer to a joining node, like [`half`], written by `coder`.
#[must_use]
pub fn welcome(coder: &mut Coder, question: &[u8], members: usize) -> Vec<u8> {
    let names: Vec<String> = (0..members).map(name).collect();
    let versions = coder.versions();
    let order = (1..members).chain(0..1);
    let members = order.map(|number| MemberRef { versions, ..member(number, &names[number]) });
    coder.answer(question, Scope::Join, members)
}

/// Returns the bytes of a member about itself, on a stream that it opens.
#[must_use]
pub fn greeting(coder: &mut Coder, number: usize) -> Vec<u8> {
    let (name, versions) = (name(number), coder.versions());
    coder.greeting(MemberRef { versions, ..member(number, &name) })
}

/// Returns the half of a member that knows no other member.
#[must_use]
pub fn lone_half(number: usize) -> Vec<u8> {
    let name = name(number);
    let mut bytes = BytesMut::new();
    wire::begin_packet(LABEL, &mut bytes);
    let members = core::iter::once(member(number, &name));
    wire::encode_push_pull(Scope::Full, 0, members, &[], &mut bytes);
    bytes.to_vec()
}

impl Subject {
    /// Feeds the bytes of a stream, piece by piece.
    pub fn receive(&mut self, stream: StreamId, bytes: &[u8]) {
        for piece in bytes.chunks(READ_SIZE) {
            self.node.handle_stream(self.now, stream, StreamInput::Data(black_box(piece)));
        }
        self.turn();
    }

    /// Makes member 1 open an exchange and send its half. Returns the bytes of the node's answer.
    ///
    /// # Panics
    ///
    /// If the node refuses.
    pub fn exchange(&mut self, half: &[u8]) -> usize {
        let stream =
            self.node.handle_accept(self.now, address(1)).expect("no other stream is open");
        for piece in half.chunks(READ_SIZE) {
            self.node.handle_stream(self.now, stream, StreamInput::Data(black_box(piece)));
        }
        let mut answered = 0;
        while let Some(output) = self.node.poll_output() {
            if let Output::Stream { op: StreamOp::Send(bytes), .. } = &output {
                answered += bytes.len();
            }
            drop(black_box(output));
        }
        self.node.handle_stream(self.now, stream, StreamInput::Finished);
        self.turn();
        answered
    }

    /// Returns a node that has begun to join, and the stream of the expected answer.
    #[must_use]
    pub fn joining() -> (Self, StreamId) {
        let mut subject = Subject::new(crate::names::config());
        let (stream, _) = subject.open_join();
        (subject, stream)
    }
}
