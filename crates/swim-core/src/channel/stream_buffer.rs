//! Reads one side's part of an exchange on a stream: removes framing, seals and compression piece
//! by piece, until the part is complete.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::greeting::{Greeting, Greetings};
use super::{Channel, OpenError};
use crate::stats::DropReason;
use crate::wire::{self, Format, Frame, Half, Wire, memberlist};

/// The most bytes that a seal adds to a frame: a nonce of 24 bytes and a tag of 16.
const SEAL_OVERHEAD_MAX: usize = 40;

/// The most bytes that a message of memberlist's wire unpacks to, as in memberlist.
const UNPACKED_MAX: usize = 40 << 20;

/// Bytes that one stream received and that are not handled yet.
#[derive(Debug, Default)]
pub struct StreamBuffer {
    /// First the header, then the frames or the message.
    bytes: Vec<u8>,
    /// The header, once it is complete. On memberlist's wire the dialler's label.
    head: Option<Bytes>,
    /// The input is sealed.
    sealed: bool,
    /// Of a sealed stream of the native wire: both greetings, and the header of the side that does
    /// not read here.
    greetings: Greetings,
    own_head: Option<Bytes>,
    /// The greeting that must still be sent to a waiting dialler.
    owed: Option<Bytes>,
    /// How many frames were read, where the next one starts, and where its opened text goes.
    frames: u32,
    read: usize,
    written: usize,
    /// Finds the end of a message of memberlist's wire.
    scanner: Option<memberlist::Scanner>,
}

/// The side that sends a part of an exchange.
///
/// Seals cover it, so that nobody can send a part back to its sender.
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

/// A part that was read from a stream.
struct Part {
    bytes: Vec<u8>,
    /// The number of bytes after it.
    behind: usize,
    newcomers_max: usize,
}

/// Why a part is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The reason.
    pub reason: DropReason,
    /// Whether the peer gets an error: on memberlist's wire, for a wrong seal or compression.
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
    /// Returns the part that `from` sends, once it is complete.
    ///
    /// Compressed input may unpack to `room` bytes.
    ///
    /// # Errors
    ///
    /// A part that a node with this configuration refuses.
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

    /// Reads the header and, on a sealed stream, the greeting. Returns whether frames follow.
    /// Prepares the greeting for a dialler that waits for it.
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
            // A sealed part gets a sealed answer.
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
                // The dialler cannot know yet which greeting its frames must be bound to.
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

    /// Notes the beginning of the side that does not read here, for code that listens to both.
    ///
    /// Returns whether these bytes were the complete beginning.
    ///
    /// # Errors
    ///
    /// A beginning that a node with this configuration refuses.
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
            // Only the dialler sends its label.
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

    /// The label at the start of a stream, once it is complete and accepted.
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

    /// The message inside the seal or compression, and how many new members it pays for.
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
                // Two attacks that crash Go programs: the seal is right, but the text is empty, or
                // the padding is longer than the text.
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
        // The text inside must keep the same limits.
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
    /// A buffer for the answer to a part with this label, if the channel has another one.
    #[must_use]
    pub fn dialled_as(label: Bytes) -> Self {
        StreamBuffer { head: Some(label), ..StreamBuffer::default() }
    }

    /// Appends received bytes.
    pub fn push(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    /// The number of buffered bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no bytes are buffered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the acceptor has greeted a dialler that waits for it.
    #[must_use]
    pub fn was_greeted(&self) -> bool {
        self.greetings.dialler_waits() && self.greetings.of(Side::Acceptor).is_some()
    }

    /// Whether a greeting must be sent.
    pub(crate) fn owes_greeting(&self) -> bool {
        self.owed.is_some()
    }

    /// Takes the greeting that a dialler waits for, to be sent at once.
    #[must_use]
    pub fn take_greeting(&mut self) -> Option<Bytes> {
        self.owed.take()
    }

    /// How many buffered bytes belong to frames that opened under a key, including their headers.
    ///
    /// A message of memberlist's wire is one seal, which opens as a whole or not at all.
    #[must_use]
    pub fn opened(&self) -> usize {
        if self.sealed { self.read } else { 0 }
    }

    /// The dialler's label, for [`Channel::sealed`].
    ///
    /// On the native wire it is the dialler's whole header, which is not needed there.
    #[must_use]
    pub fn dialled_with(&self) -> Option<Bytes> {
        self.head.clone()
    }

    /// Notes the header and greeting of the side that does not read here.
    pub(super) fn begin_own(&mut self, side: Side, head: &[u8], greeting: Greeting) {
        self.own_head = Some(Bytes::copy_from_slice(head));
        self.greetings.set(side, greeting);
    }

    /// Whether the side that does not read here has begun its part.
    pub(super) fn has_begun(&self) -> bool {
        self.own_head.is_some()
    }

    /// Whether one of the sides seals its part.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed || self.has_begun()
    }

    /// The additional data of a frame of the side that does not read here.
    pub(super) fn additional_to_own<'a>(&'a self, side: Side, place: &'a [u8]) -> [&'a [u8]; 4] {
        self.greetings.additional(side, self.own_head.as_deref().unwrap_or_default(), place)
    }

    /// Puts an opened frame in the place of the sealed ones. It is shorter than they are.
    fn put(&mut self, plain: &[u8]) {
        let len = u32::try_from(plain.len()).unwrap_or(u32::MAX).to_be_bytes();
        let body = self.written + wire::FRAME_HEADER_LEN;
        self.bytes[self.written..body].copy_from_slice(&len);
        self.bytes[body..body + plain.len()].copy_from_slice(plain);
        self.written = body + plain.len();
    }
}

impl Received {
    /// The content, for reading.
    #[must_use]
    pub fn half(&self) -> Half<'_> {
        Half::new(self.wire, &self.bytes, self.port)
    }

    /// Whether it was sealed.
    #[must_use]
    pub fn was_sealed(&self) -> bool {
        self.sealed
    }

    /// How many new members its bytes pay for, if it was compressed.
    #[must_use]
    pub(crate) fn newcomers_max(&self) -> usize {
        self.newcomers_max
    }

    /// The number of bytes after it: none from a node.
    #[must_use]
    pub fn bytes_behind(&self) -> usize {
        self.behind
    }
}

/// The additional data of a sealed frame besides header and greetings: its sender and number, so
/// that no frame can be moved or sent back.
pub(super) fn frame_place(from: Side, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [from as u8, a, b, c, d]
}

/// Facts about a frame that are needed before its part is complete.
struct Content {
    /// It is the last frame of its part.
    is_last: bool,
    /// It carries data for the application.
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
