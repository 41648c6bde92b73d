//! Reading one side's part of an exchange on a stream: framing, seals and compression are taken off
//! piece by piece, until it is complete.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::greeting::{Greeting, Greetings};
use super::{Channel, OpenError};
use crate::stats::DropReason;
use crate::wire::{self, Format, Frame, Half, Wire, memberlist};

/// What a seal adds to a frame, at most: a nonce of 24 bytes and a tag of 16.
const SEAL_OVERHEAD_MAX: usize = 40;

/// The most that a message of memberlist's wire unpacks to, as there.
const UNPACKED_MAX: usize = 40 << 20;

/// What came in on one stream and was not handled yet.
#[derive(Debug, Default)]
pub struct StreamBuffer {
    /// At first the header, then the frames or the message.
    bytes: Vec<u8>,
    /// The header, once it is complete. On memberlist's wire the dialler's label.
    head: Option<Bytes>,
    /// What is read is sealed.
    sealed: bool,
    /// On a sealed stream of the native wire, what both sides said to bind their frames to it, and
    /// the header of the side that does not read here.
    greetings: Greetings,
    own_head: Option<Bytes>,
    /// The greeting that is still to be sent to a dialler that waits for it.
    owed: Option<Bytes>,
    /// How many frames were read, where the next one stands, and where it goes once it is opened.
    frames: u32,
    read: usize,
    written: usize,
    /// Looks for the end of a message of memberlist's wire.
    scanner: Option<memberlist::Scanner>,
}

/// Which side sends one part of an exchange. It is sealed in, so that nobody can send a part back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The side that opened the stream.
    Dialler = 0,
    /// The side that accepted it.
    Acceptor = 1,
}

/// One side's complete part of an exchange, unsealed and uncompressed.
#[derive(Debug)]
pub struct Received {
    wire: Wire,
    port: u16,
    bytes: Vec<u8>,
    sealed: bool,
    behind: usize,
    newcomers_max: usize,
}

/// What was read of a stream.
struct Part {
    bytes: Vec<u8>,
    /// How many bytes came behind them.
    behind: usize,
    newcomers_max: usize,
}

/// Why a part is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong with it.
    pub reason: DropReason,
    /// Whether the peer is told: on memberlist's wire, what is wrong with seal or compression.
    pub told: bool,
}

impl From<DropReason> for Rejected {
    fn from(reason: DropReason) -> Self {
        Rejected { reason, told: false }
    }
}

fn told(reason: DropReason) -> Rejected {
    Rejected { reason, told: true }
}

impl Channel {
    /// Looks whether the part that `from` sends is complete, and if so returns it. What is
    /// compressed may come to `room` bytes.
    ///
    /// # Errors
    ///
    /// Whatever a node with this configuration refuses to read on.
    pub fn read_half(
        &mut self,
        buffer: &mut StreamBuffer,
        from: Side,
        room: usize,
    ) -> Result<Option<Received>, Rejected> {
        let half = match self.framing.wire.format() {
            Format::Swim => self.read_swim_half(buffer, from)?,
            Format::Memberlist(_) => self.read_memberlist_half(buffer, from, room)?,
        };
        let (wire, port) = (self.framing.wire, self.framing.port);
        let sealed = buffer.sealed;
        Ok(half.map(|Part { bytes, behind, newcomers_max }| Received {
            wire,
            port,
            bytes,
            sealed,
            behind,
            newcomers_max,
        }))
    }

    fn read_swim_half(
        &mut self,
        buffer: &mut StreamBuffer,
        from: Side,
    ) -> Result<Option<Part>, DropReason> {
        if !self.read_beginning(buffer, from)? {
            return Ok(None);
        }
        let framing = &self.framing;
        let binds = from == Side::Acceptor || buffer.greetings.dialler_waits() || !framing.waits;
        loop {
            let rest = &buffer.bytes[buffer.read..];
            let Some(len) = wire::frame_len(rest) else {
                return Ok(None);
            };
            let overhead = if buffer.sealed { SEAL_OVERHEAD_MAX } else { 0 };
            if len > framing.frame_size_max + overhead {
                return Err(DropReason::TooLarge);
            }
            let end = wire::FRAME_HEADER_LEN + len;
            let Some(body) = rest.get(wire::FRAME_HEADER_LEN..end) else {
                return Ok(None);
            };
            let is_last = if buffer.sealed {
                let place = frame_place(from, buffer.frames);
                let head = buffer.head.clone().unwrap_or_default();
                let additional = buffer.greetings.additional(from, &head, &place);
                let mut opened = body.to_vec();
                let plain =
                    self.sealer.open_native_with(&mut self.last_key, &additional, &mut opened);
                let plain = plain.or(Err(DropReason::WrongKey))?;
                let content = content(plain)?;
                if content.is_delivered && !binds {
                    return Err(DropReason::Unbound);
                }
                buffer.put(plain);
                content.is_last
            } else {
                let is_last = content(body)?.is_last;
                buffer.written += end;
                is_last
            };
            buffer.read += end;
            buffer.frames = buffer.frames.wrapping_add(1);
            if is_last {
                let mut half = core::mem::take(&mut buffer.bytes);
                let behind = half.len() - buffer.read;
                half.truncate(buffer.written);
                return Ok(Some(Part { bytes: half, behind, newcomers_max: usize::MAX }));
            }
        }
    }

    /// Reads the header and, of a sealed stream, the greeting; returns whether frames follow. A
    /// dialler that waits is owed a greeting then.
    fn read_beginning(
        &mut self,
        buffer: &mut StreamBuffer,
        from: Side,
    ) -> Result<bool, DropReason> {
        if buffer.head.is_none() {
            let Some((head, greeting)) = self.beginning(&buffer.bytes)? else {
                return Ok(false);
            };
            buffer.sealed = greeting.is_some();
            // What was sealed is answered sealed.
            if from == Side::Acceptor && buffer.has_begun() && !buffer.sealed {
                return Err(DropReason::Plaintext);
            }
            let behind = head.len() + greeting.map_or(0, |_| Greeting::SIZE);
            buffer.bytes.drain(..behind);
            buffer.head = Some(head);
            if let Some(greeting) = greeting {
                buffer.greetings.set(from, greeting);
            }
            let waits = from == Side::Dialler && buffer.greetings.dialler_waits();
            if waits && !buffer.has_begun() {
                // It cannot know what to seal its frames for.
                if !buffer.bytes.is_empty() && self.framing.greets_anew {
                    return Err(DropReason::Unbound);
                }
                let mut owed = BytesMut::new();
                self.begin_sealed(buffer, Side::Acceptor, false, &mut owed);
                buffer.owed = Some(owed.freeze());
            }
        }
        Ok(true)
    }

    /// The header and greeting at the start of a stream of the native wire, once they are complete.
    fn beginning(&self, bytes: &[u8]) -> Result<Option<(Bytes, Option<Greeting>)>, DropReason> {
        let Some(header) = wire::read_header(bytes, &self.framing.labels())? else {
            return Ok(None);
        };
        self.framing.check_sealed(header.sealed)?;
        if header.compressed {
            return Err(DropReason::Compressed);
        }
        if header.greets != header.sealed {
            return Err(DropReason::WireVersion);
        }
        let (head, rest) = bytes.split_at(header.size);
        let head = Bytes::copy_from_slice(head);
        if !header.sealed {
            return Ok(Some((head, None)));
        }
        Ok(Greeting::read(rest)?.map(|greeting| (head, Some(greeting))))
    }

    /// Takes note of how the side that does not read here began its part, for those who listen to
    /// both; returns whether these bytes had all of it.
    ///
    /// # Errors
    ///
    /// Whatever a node with this configuration refuses to read on.
    pub fn overhear(
        &self,
        buffer: &mut StreamBuffer,
        side: Side,
        bytes: &[u8],
    ) -> Result<bool, DropReason> {
        let Some((head, greeting)) = self.beginning(bytes)? else {
            return Ok(false);
        };
        if let Some(greeting) = greeting {
            buffer.begin_own(side, &head, greeting);
        }
        Ok(true)
    }

    fn read_memberlist_half(
        &mut self,
        buffer: &mut StreamBuffer,
        from: Side,
        room: usize,
    ) -> Result<Option<Part>, Rejected> {
        let size = buffer.bytes.len();
        if buffer.scanner.as_ref().is_some_and(|scanner| scanner.needs_more_than(size)) {
            return Ok(None);
        }
        if buffer.head.is_none() {
            // Only who dials says its label.
            let label = match from {
                Side::Acceptor => self.framing.label.clone(),
                Side::Dialler => match self.read_stream_label(buffer)? {
                    Some(label) => label,
                    None => return Ok(None),
                },
            };
            buffer.head = Some(label);
        }
        let Some(&first) = buffer.bytes.first() else {
            return Ok(None);
        };
        if buffer.scanner.is_none() {
            memberlist::check_first_byte(&buffer.bytes)?;
            buffer.sealed = first == memberlist::SEALED;
            self.framing.check_sealed(buffer.sealed).map_err(told)?;
        }
        let limits = self.framing.stream_limits;
        let scanner = buffer.scanner.get_or_insert_with(|| memberlist::Scanner::new(limits));
        let wrapped = matches!(first, memberlist::SEALED | memberlist::COMPRESSED);
        let scanned = scanner.advance(&buffer.bytes);
        let scanned = scanned.map_err(|reason| Rejected { reason, told: wrapped });
        let Some(len) = scanned? else {
            return Ok(None);
        };
        let mut message = core::mem::take(&mut buffer.bytes);
        let behind = message.len() - len;
        message.truncate(len);
        let mut newcomers_max = usize::MAX;
        if wrapped {
            let label = buffer.head.clone().unwrap_or_default();
            (message, newcomers_max) = self.open_memberlist_half(&label, message, room)?;
        }
        Ok(Some(Part { bytes: message, behind, newcomers_max }))
    }

    /// The label in front of a stream, once it is complete and an accepted one.
    fn read_stream_label(&self, buffer: &mut StreamBuffer) -> Result<Option<Bytes>, DropReason> {
        let Some((label, rest)) = memberlist::split_stream_label(&buffer.bytes)? else {
            return Ok(None);
        };
        if !rest.is_empty() {
            memberlist::check_first_byte(rest)?;
        }
        if !self.framing.labels().accept(label) {
            return Err(DropReason::LabelMismatch);
        }
        let (label, header) = (Bytes::copy_from_slice(label), buffer.bytes.len() - rest.len());
        buffer.bytes.drain(..header);
        Ok(Some(label))
    }

    /// The message that was sealed or compressed, and how many new members it pays for.
    fn open_memberlist_half(
        &mut self,
        label: &[u8],
        mut message: Vec<u8>,
        room: usize,
    ) -> Result<(Vec<u8>, usize), Rejected> {
        let received = message.len();
        if message.first() == Some(&memberlist::SEALED) {
            let is_empty = message.len() == memberlist::SEAL_HEADER_LEN;
            let last = &mut self.last_key;
            message = match self.sealer.open_memberlist_stream_with(last, label, &mut message) {
                Ok(text) => text.to_vec(),
                // Attacks on Go programs, which end of them: the seal is right, and nothing is in
                // it, or more padding than text.
                Err(OpenError::Padding) => return Err(DropReason::Malformed.into()),
                Err(OpenError::Empty) if !is_empty => return Err(DropReason::Malformed.into()),
                Err(_) => return Err(told(DropReason::WrongKey)),
            };
        }
        let mut newcomers_max = usize::MAX;
        if message.first() == Some(&memberlist::COMPRESSED) {
            newcomers_max = self.framing.newcomers_max(received);
            let mut unpacked = Vec::new();
            let (size_max, allowance) = (room.min(UNPACKED_MAX), self.framing.allowance(received));
            let unpacker = &mut self.unpacker;
            memberlist::unpack_stream_within(
                &message,
                size_max,
                allowance,
                unpacker,
                &mut unpacked,
            )
            .map_err(told)?;
            if unpacked.is_empty() {
                return Err(told(DropReason::Truncated));
            }
            message = unpacked;
        }
        // What was inside is held against the same limits.
        let limits = self.framing.stream_limits;
        let mut scanner = match newcomers_max {
            usize::MAX => memberlist::Scanner::new(limits),
            _ => memberlist::Scanner::of_unpacked(limits),
        };
        let end = scanner.advance(&message).map_err(|reason| match reason {
            DropReason::Overpacked => told(reason),
            _ => reason.into(),
        })?;
        message.truncate(end.ok_or(DropReason::Truncated)?);
        Ok((message, newcomers_max))
    }
}

impl StreamBuffer {
    /// A buffer for the answer to what was dialled with this label, where that is not the one that
    /// the channel has.
    #[must_use]
    pub fn dialled_as(label: Bytes) -> Self {
        StreamBuffer { head: Some(label), ..StreamBuffer::default() }
    }

    /// Takes in what came.
    pub fn push(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// How many bytes are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no bytes are kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the acceptor has greeted a dialler that waits for it.
    #[must_use]
    pub fn was_greeted(&self) -> bool {
        self.greetings.dialler_waits() && self.greetings.of(Side::Acceptor).is_some()
    }

    /// Whether there is a greeting to be sent.
    pub(crate) fn owes_greeting(&self) -> bool {
        self.owed.is_some()
    }

    /// The greeting that a dialler waits for, to be sent at once; given out once.
    #[must_use]
    pub fn take_greeting(&mut self) -> Option<Bytes> {
        self.owed.take()
    }

    /// How many bytes of what is kept, their headers included, are frames that opened under a key.
    /// A message of memberlist's wire is one seal, which opens as a whole or not at all.
    #[must_use]
    pub fn opened(&self) -> usize {
        if self.sealed { self.read } else { 0 }
    }

    /// The label that the dialler came with, for [`Channel::sealed`]; on the native wire its whole
    /// header, which is not needed there.
    #[must_use]
    pub fn dialled_with(&self) -> Option<Bytes> {
        self.head.clone()
    }

    /// The side that does not read here begins its part with this header and greeting.
    pub(super) fn begin_own(&mut self, side: Side, head: &[u8], greeting: Greeting) {
        self.own_head = Some(Bytes::copy_from_slice(head));
        self.greetings.set(side, greeting);
    }

    /// Whether the side that does not read here has begun its part.
    pub(super) fn has_begun(&self) -> bool {
        self.own_head.is_some()
    }

    /// Whether one of the sides seals what it says.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed || self.has_begun()
    }

    /// What is authenticated with a frame of the side that does not read here.
    pub(super) fn additional_to_own<'a>(&'a self, side: Side, place: &'a [u8]) -> [&'a [u8]; 4] {
        self.greetings.additional(side, self.own_head.as_deref().unwrap_or_default(), place)
    }

    /// Puts an opened frame where the sealed ones were; it is shorter than they.
    fn put(&mut self, plain: &[u8]) {
        let len = u32::try_from(plain.len()).unwrap_or(u32::MAX).to_be_bytes();
        let body = self.written + wire::FRAME_HEADER_LEN;
        self.bytes[self.written..body].copy_from_slice(&len);
        self.bytes[body..body + plain.len()].copy_from_slice(plain);
        self.written = body + plain.len();
    }
}

impl Received {
    /// What it holds, to be read.
    #[must_use]
    pub fn half(&self) -> Half<'_> {
        Half::new(self.wire, &self.bytes, self.port)
    }

    /// Whether it was sealed.
    #[must_use]
    pub fn was_sealed(&self) -> bool {
        self.sealed
    }

    /// How many members that are new its bytes pay for, where it was compressed.
    #[must_use]
    pub(crate) fn newcomers_max(&self) -> usize {
        self.newcomers_max
    }

    /// How many bytes came behind it: none from a node.
    #[must_use]
    pub fn bytes_behind(&self) -> usize {
        self.behind
    }
}

/// What is authenticated with a sealed frame, besides its text, the header and the greetings of the
/// stream: who sent it, and which one it is, so that no frame can be moved or sent back.
pub(super) fn frame_place(from: Side, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [from as u8, a, b, c, d]
}

/// What is to be known of a frame before all of its half is there.
struct Content {
    /// It is the last one of its half.
    is_last: bool,
    /// It holds what is delivered to the application.
    is_delivered: bool,
}

fn content(body: &[u8]) -> Result<Content, DropReason> {
    let (is_last, is_delivered) = match wire::decode_frame(body)? {
        Frame::PushPull(part) => (part.last, !part.user_state.is_empty()),
        Frame::User(_) => (true, true),
        Frame::Ping(_) | Frame::Ack(_) => (true, false),
    };
    Ok(Content { is_last, is_delivered })
}
