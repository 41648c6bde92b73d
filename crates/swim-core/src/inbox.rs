//! What came in on a stream: framing, seals and packing are taken off here, piece by piece, until
//! one side's part of an exchange is complete.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::node::Node;
use crate::stats::DropReason;
use crate::wire::{self, Frame, OpenError, SEALED_STREAM_HEADER_LEN, Wire, memberlist};

/// What a frame with a user message holds besides the payload, at most.
const USER_FRAME_OVERHEAD: usize = 512;

/// What a seal adds to a frame, at most: a nonce of 24 bytes and a tag of 16.
const SEAL_OVERHEAD_MAX: usize = 40;

/// The most that a message of memberlist's wire unpacks to, as there.
const UNPACKED_MAX: usize = 40 << 20;

/// What came in on one stream and was not handled yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// At first the header, then the frames or the message.
    pub(crate) bytes: Vec<u8>,
    /// The header, once it is complete. On memberlist's wire the dialler's label.
    pub(crate) head: Option<Bytes>,
    /// The frames are sealed.
    sealed: bool,
    /// How many frames were read, where the next one stands, and where it goes once it is opened.
    frames: u32,
    read: usize,
    written: usize,
    /// Looks for the end of a message of memberlist's wire.
    scanner: Option<memberlist::Scanner>,
}

/// Who sends one half of an exchange. It is sealed in, so that nobody can send a half back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Dialler = 0,
    Acceptor = 1,
}

/// Why a half is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) reason: DropReason,
    /// The peer is told: on memberlist's wire, what is wrong with seal or packing.
    pub(crate) told: bool,
}

impl From<DropReason> for Rejected {
    fn from(reason: DropReason) -> Self {
        Rejected { reason, told: false }
    }
}

fn told(reason: DropReason) -> Rejected {
    Rejected { reason, told: true }
}

impl Node {
    /// Looks whether the peer's part of the exchange is complete, and if so returns it, as a
    /// [`Half`](crate::wire::Half) reads it.
    pub(crate) fn read_half(
        &mut self,
        inbox: &mut Inbox,
        from: Side,
    ) -> Result<Option<Vec<u8>>, Rejected> {
        match self.config.wire {
            Wire::Swim => Ok(self.read_swim_half(inbox, from)?),
            Wire::Memberlist => self.read_memberlist_half(inbox, from),
        }
    }

    fn read_swim_half(&self, inbox: &mut Inbox, from: Side) -> Result<Option<Vec<u8>>, DropReason> {
        let frame_size_max = (self.config.reliable_size_max + USER_FRAME_OVERHEAD)
            .max(wire::PUSH_PULL_FRAME_SIZE_MAX);
        if inbox.head.is_none() {
            let Some(header) = wire::read_header(&inbox.bytes, &self.labels())? else {
                return Ok(None);
            };
            self.check_sealed(header.sealed)?;
            if header.compressed {
                return Err(DropReason::Compressed);
            }
            inbox.head = Some(inbox.bytes.drain(..header.size).collect());
            inbox.sealed = header.sealed;
        }
        let head = inbox.head.clone().unwrap_or_default();
        loop {
            let rest = &inbox.bytes[inbox.read..];
            let Some(len) = wire::frame_len(rest) else {
                return Ok(None);
            };
            let overhead = if inbox.sealed { SEAL_OVERHEAD_MAX } else { 0 };
            if len > frame_size_max + overhead {
                return Err(DropReason::TooLarge);
            }
            let end = wire::FRAME_HEADER_LEN + len;
            let Some(body) = rest.get(wire::FRAME_HEADER_LEN..end) else {
                return Ok(None);
            };
            let is_last = if inbox.sealed {
                let place = frame_place(from, inbox.frames);
                let mut opened = body.to_vec();
                let plain = self.sealer.open_native(&[&head, &place], &mut opened);
                let plain = plain.or(Err(DropReason::WrongKey))?;
                let is_last = is_last(plain)?;
                inbox.put(plain);
                is_last
            } else {
                let is_last = is_last(body)?;
                inbox.written += end;
                is_last
            };
            inbox.read += end;
            inbox.frames = inbox.frames.wrapping_add(1);
            if is_last {
                let mut half = core::mem::take(&mut inbox.bytes);
                half.truncate(inbox.written);
                return Ok(Some(half));
            }
        }
    }

    fn read_memberlist_half(
        &mut self,
        inbox: &mut Inbox,
        from: Side,
    ) -> Result<Option<Vec<u8>>, Rejected> {
        if inbox.head.is_none() {
            // Only who dials says its label.
            let label = match from {
                Side::Acceptor => self.config.label.clone(),
                Side::Dialler => match self.read_stream_label(inbox)? {
                    Some(label) => label,
                    None => return Ok(None),
                },
            };
            inbox.head = Some(label);
        }
        let Some(&first) = inbox.bytes.first() else {
            return Ok(None);
        };
        if inbox.scanner.is_none() {
            memberlist::check_first_byte(&inbox.bytes)?;
            self.check_sealed(first == memberlist::SEALED).map_err(told)?;
        }
        let limits = self.stream_limits();
        let scanner = inbox.scanner.get_or_insert_with(|| memberlist::Scanner::new(limits));
        let wrapped = matches!(first, memberlist::SEALED | memberlist::COMPRESSED);
        let scanned = scanner.advance(&inbox.bytes);
        let scanned = scanned.map_err(|reason| Rejected { reason, told: wrapped });
        let Some(len) = scanned? else {
            return Ok(None);
        };
        let mut message = core::mem::take(&mut inbox.bytes);
        message.truncate(len);
        if !wrapped {
            return Ok(Some(message));
        }
        let label = inbox.head.clone().unwrap_or_default();
        self.open_memberlist_half(&label, message).map(Some)
    }

    fn stream_limits(&self) -> memberlist::StreamLimits {
        memberlist::StreamLimits {
            user_state_size_max: self.config.user_state_size_max,
            user_message_size_max: self.config.reliable_size_max,
            ..memberlist::StreamLimits::default()
        }
    }

    /// The label in front of a stream, once it is complete and this node's.
    fn read_stream_label(&self, inbox: &mut Inbox) -> Result<Option<Bytes>, DropReason> {
        let Some((label, rest)) = memberlist::split_stream_label(&inbox.bytes)? else {
            return Ok(None);
        };
        if !rest.is_empty() {
            memberlist::check_first_byte(rest)?;
        }
        if !self.labels().accept(label) {
            return Err(DropReason::LabelMismatch);
        }
        let (label, header) = (Bytes::copy_from_slice(label), inbox.bytes.len() - rest.len());
        inbox.bytes.drain(..header);
        Ok(Some(label))
    }

    fn open_memberlist_half(
        &mut self,
        label: &[u8],
        mut message: Vec<u8>,
    ) -> Result<Vec<u8>, Rejected> {
        if message.first() == Some(&memberlist::SEALED) {
            let is_empty = message.len() == SEALED_STREAM_HEADER_LEN;
            message = match self.sealer.open_memberlist_stream(label, &mut message) {
                Ok(text) => text.to_vec(),
                // Attacks on Go programs, which end of them: the seal is right, and nothing is in
                // it, or more padding than text.
                Err(OpenError::Padding) => return Err(DropReason::Malformed.into()),
                Err(OpenError::Empty) if !is_empty => return Err(DropReason::Malformed.into()),
                Err(_) => return Err(told(DropReason::WrongKey)),
            };
        }
        if message.first() == Some(&memberlist::COMPRESSED) {
            let room = self.config.stream_buffer_max.saturating_sub(self.streams.buffered());
            let mut unpacked = Vec::new();
            let size_max = room.min(UNPACKED_MAX);
            memberlist::unpack_stream(&message, size_max, &mut self.unpacker, &mut unpacked)
                .map_err(told)?;
            if unpacked.is_empty() {
                return Err(told(DropReason::Truncated));
            }
            message = unpacked;
        }
        // What was inside is held against the same limits.
        let end = memberlist::Scanner::new(self.stream_limits()).advance(&message)?;
        message.truncate(end.ok_or(DropReason::Truncated)?);
        Ok(message)
    }
}

impl Inbox {
    /// Puts an opened frame where the sealed ones were; it is shorter than they.
    fn put(&mut self, plain: &[u8]) {
        let len = u32::try_from(plain.len()).unwrap_or(u32::MAX).to_be_bytes();
        let body = self.written + wire::FRAME_HEADER_LEN;
        self.bytes[self.written..body].copy_from_slice(&len);
        self.bytes[body..body + plain.len()].copy_from_slice(plain);
        self.written = body + plain.len();
    }
}

/// What is authenticated with a sealed frame, besides its text and the header of the stream: who
/// sent it, and which one it is, so that no frame can be moved or sent back.
pub(crate) fn frame_place(from: Side, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [from as u8, a, b, c, d]
}

/// Whether a frame is the last one of its half.
fn is_last(body: &[u8]) -> Result<bool, DropReason> {
    Ok(match wire::decode_frame(body)? {
        Frame::PushPull(part) => part.last,
        _ => true,
    })
}
