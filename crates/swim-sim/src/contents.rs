//! What is in packets and streams: opened as a node with the same configuration would, and made as
//! one would. On either wire, sealed or not.

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Frame, Message, SealVersion, Sealer, Wire, memberlist};
use swim_core::{Config, DropReason, Keyring};

/// Opens what nodes send.
#[derive(Debug, Default)]
pub(crate) struct Opener {
    lzw: memberlist::Lzw,
    /// Making keys ready takes longer than using them.
    sealer: Option<Sealer>,
}

/// One part of what one side sends on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A reliable message of so many bytes.
    User(usize),
    /// A part of a push/pull with so many bytes of application state; the native wire marks the
    /// last.
    PushPull { user_state: usize, last: bool },
    /// A ping, an ack, or a complaint.
    Other,
}

impl Opener {
    /// Tells `visit` of each message of a packet that a node with this configuration sent. An error
    /// for a packet that such a node could not read itself.
    pub(crate) fn packet(
        &mut self,
        config: &Config,
        payload: &[u8],
        visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
    ) -> Result<(), DropReason> {
        let sealed = seals(config);
        match config.wire {
            Wire::Swim if sealed || is_compressed(payload) => {
                let size = wire::header_len(&config.label);
                let split = payload.split_at_checked(size);
                let (header, body) = split.ok_or(DropReason::Truncated)?;
                let mut packet = header.to_vec();
                packet[1] &= !(FLAG_SEALED | FLAG_COMPRESSED);
                let mut opened = body.to_vec();
                let text = match (sealed, header[1] & FLAG_SEALED != 0) {
                    (true, true) => self.native(config, &[header], &mut opened)?,
                    (false, false) => body,
                    (true, false) => return Err(DropReason::Plaintext),
                    (false, true) => return Err(DropReason::Sealed),
                };
                let mut unpacked = Vec::new();
                packet.extend_from_slice(match is_compressed(payload) {
                    true => wire::unpack_packet(text, &mut unpacked)?,
                    false => text,
                });
                wire::open_packet(&packet, &config.label)?.for_each(visit);
            }
            Wire::Swim => wire::open_packet(payload, &config.label)?.for_each(visit),
            Wire::Memberlist => {
                let (label, text) = memberlist::split_label(payload)?;
                if label != config.label {
                    return Err(DropReason::LabelMismatch);
                }
                let mut text = text.to_vec();
                let text = if sealed {
                    let sealer = self.sealer(&config.keyring);
                    let opened = sealer.open_memberlist_packet(label, &mut text);
                    opened.or(Err(DropReason::WrongKey))?
                } else {
                    &text
                };
                memberlist::read_packet(text, config.address.port(), &mut self.lzw, visit);
            }
        }
        Ok(())
    }

    /// The parts of what a node with this configuration sends on a stream: all of it, and nothing
    /// behind it. `dialled` says whether it opened the stream.
    pub(crate) fn stream(
        &mut self,
        config: &Config,
        bytes: &[u8],
        dialled: bool,
    ) -> Result<Vec<Part>, DropReason> {
        match config.wire {
            Wire::Swim => self.swim_stream(config, bytes, dialled),
            Wire::Memberlist => {
                self.memberlist_stream(config, bytes, dialled).map(|part| vec![part])
            }
        }
    }

    fn swim_stream(
        &mut self,
        config: &Config,
        bytes: &[u8],
        dialled: bool,
    ) -> Result<Vec<Part>, DropReason> {
        let sealed = seals(config);
        let (header, mut rest) = if sealed {
            open_sealed_header(bytes, config)?
        } else {
            let size = wire::open_header(bytes, &config.label)?.ok_or(DropReason::Truncated)?;
            bytes.split_at(size)
        };
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let length = wire::frame_len(rest).ok_or(DropReason::Truncated)?;
            let end = wire::FRAME_HEADER_LEN + length;
            let frame = rest.get(wire::FRAME_HEADER_LEN..end).ok_or(DropReason::Truncated)?;
            rest = &rest[end..];
            let mut opened = frame.to_vec();
            let place = frame_place(dialled, parts.len());
            let frame =
                if sealed { self.native(config, &[header, &place], &mut opened)? } else { frame };
            parts.push(match wire::decode_frame(frame)? {
                Frame::User(user) => Part::User(user.payload.len()),
                Frame::PushPull(part) => {
                    Part::PushPull { user_state: part.user_state.len(), last: part.last }
                }
                Frame::Ping(_) | Frame::Ack(_) => Part::Other,
            });
        }
        Ok(parts)
    }

    fn memberlist_stream(
        &mut self,
        config: &Config,
        bytes: &[u8],
        dialled: bool,
    ) -> Result<Part, DropReason> {
        let mut labels = vec![config.label.clone()];
        let mut text = bytes.to_vec();
        if dialled {
            // Who answers says no label, and seals for the one that the dialler said.
            let split = memberlist::split_stream_label(bytes)?.ok_or(DropReason::Truncated)?;
            if split.0 != config.label {
                return Err(DropReason::LabelMismatch);
            }
            text = split.1.to_vec();
        } else {
            labels.extend(config.label_also.clone());
        }
        if seals(config) {
            let sealer = self.sealer(&config.keyring);
            let mut opened = labels.iter().filter_map(|label| {
                let mut sealed = text.clone();
                Some(sealer.open_memberlist_stream(label, &mut sealed).ok()?.to_vec())
            });
            let opened = opened.next();
            text = opened.ok_or(DropReason::WrongKey)?;
        }
        if text.first() == Some(&memberlist::COMPRESSED) {
            let mut unpacked = Vec::new();
            memberlist::unpack_stream(&text, wire::STREAM_BYTES_MAX, &mut self.lzw, &mut unpacked)?;
            text = unpacked;
        }
        let limits = memberlist::StreamLimits::default();
        let end = memberlist::Scanner::new(limits).advance(&text)?;
        if end != Some(text.len()) {
            return Err(DropReason::Truncated);
        }
        Ok(match memberlist::decode_stream(&text, config.address.port())? {
            memberlist::StreamMessage::User { payload } => Part::User(payload.len()),
            memberlist::StreamMessage::PushPull(table) => {
                Part::PushPull { user_state: table.user_state.len(), last: true }
            }
            memberlist::StreamMessage::Ping(_)
            | memberlist::StreamMessage::Ack(_)
            | memberlist::StreamMessage::Error(_) => Part::Other,
        })
    }

    fn native<'a>(
        &mut self,
        config: &Config,
        additional: &[&[u8]],
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], DropReason> {
        let opened = self.sealer(&config.keyring).open_native(additional, sealed);
        opened.or(Err(DropReason::WrongKey))
    }

    fn sealer(&mut self, keyring: &Keyring) -> &Sealer {
        if self.sealer.as_ref().is_some_and(|sealer| sealer.keyring() != keyring) {
            self.sealer = None;
        }
        // It seals nothing, so its nonces do not matter.
        self.sealer.get_or_insert_with(|| Sealer::new(keyring.clone(), [0; 32]))
    }
}

/// A packet with these messages, as a node with this configuration would send it; two packets of
/// one seed are sealed alike.
pub(crate) fn packet(config: &Config, messages: &[Message<'_>], seed: u64) -> Bytes {
    let mut packet = BytesMut::new();
    match config.wire {
        Wire::Swim => {
            wire::begin_packet(&config.label, &mut packet);
            let start = packet.len();
            messages.iter().for_each(|message| message.encode(&mut packet));
            if let Some(mut sealer) = sealer(config, seed) {
                let header = sealed_header(&mut packet, start);
                sealer.seal_native(&[&header], &mut packet, start);
            }
        }
        Wire::Memberlist => {
            let mut parts = Vec::new();
            for message in messages {
                let before = packet.len();
                memberlist::encode(message, &mut packet);
                parts.push(u16::try_from(packet.len() - before).expect("a message fits a packet"));
            }
            memberlist::make_compound(&mut packet, 0, &parts);
            if let Some(mut sealer) = sealer(config, seed) {
                sealer.seal_memberlist_packet(seal_version(config), &config.label, &mut packet, 0);
            }
            memberlist::put_label(&config.label, &mut packet, 0);
        }
    }
    packet.freeze()
}

/// What the one who dials sends on a stream, as a node with this configuration would: frames of the
/// native wire, or a message of memberlist's.
pub(crate) fn stream(config: &Config, plain: &[u8], seed: u64) -> Bytes {
    let mut stream = BytesMut::new();
    match (config.wire, sealer(config, seed)) {
        (Wire::Swim, None) => {
            wire::begin_packet(&config.label, &mut stream);
            stream.extend_from_slice(plain);
        }
        (Wire::Swim, Some(mut sealer)) => {
            wire::begin_packet(&config.label, &mut stream);
            let start = stream.len();
            let header = sealed_header(&mut stream, start);
            let (mut rest, mut number) = (plain, 0);
            while let Some(length) = wire::frame_len(rest) {
                let (frame, after) = rest.split_at(wire::FRAME_HEADER_LEN + length);
                rest = after;
                let sealed = u32::try_from(length + sealer.native_overhead()).expect("a frame");
                stream.extend_from_slice(&sealed.to_be_bytes());
                let start = stream.len();
                stream.extend_from_slice(&frame[wire::FRAME_HEADER_LEN..]);
                let place = frame_place(true, number);
                sealer.seal_native(&[&header, &place], &mut stream, start);
                number += 1;
            }
        }
        (Wire::Memberlist, sealer) => {
            stream.extend_from_slice(plain);
            if let Some(mut sealer) = sealer {
                sealer.seal_memberlist_stream(seal_version(config), &config.label, &mut stream, 0);
            }
            memberlist::put_label(&config.label, &mut stream, 0);
        }
    }
    stream.freeze()
}

/// Whether a node with this configuration seals.
fn seals(config: &Config) -> bool {
    config.verify_outgoing && !config.keyring.is_empty()
}

fn sealer(config: &Config, seed: u64) -> Option<Sealer> {
    let mut of_sealer = [0xf0; 32];
    of_sealer[..8].copy_from_slice(&seed.to_le_bytes());
    seals(config).then(|| Sealer::new(config.keyring.clone(), of_sealer))
}

/// Which of memberlist's two ways of encryption a node with this configuration uses.
fn seal_version(config: &Config) -> SealVersion {
    if config.versions.protocol.current > 1 { SealVersion::V1 } else { SealVersion::V0 }
}

/// In the second byte of the native wire: what follows the header is sealed.
const FLAG_SEALED: u8 = 1;
/// In the second byte of a packet of the native wire: its text is compressed.
const FLAG_COMPRESSED: u8 = 2;

/// Whether a packet of the native wire is.
fn is_compressed(packet: &[u8]) -> bool {
    matches!(packet, [wire::MAGIC, flags, ..] if flags & FLAG_COMPRESSED != 0)
}

/// Marks what starts with this header as sealed; the header then.
fn sealed_header(bytes: &mut [u8], size: usize) -> Vec<u8> {
    bytes[1] |= FLAG_SEALED;
    bytes[..size].to_vec()
}

/// The same header without the mark.
fn plain_header(header: &[u8]) -> Vec<u8> {
    let mut plain = header.to_vec();
    plain[1] &= !FLAG_SEALED;
    plain
}

/// The header of something sealed, and what follows it.
fn open_sealed_header<'a>(
    bytes: &'a [u8],
    config: &Config,
) -> Result<(&'a [u8], &'a [u8]), DropReason> {
    let size = wire::header_len(&config.label);
    let (header, rest) = bytes.split_at_checked(size).ok_or(DropReason::Truncated)?;
    if header[1] & FLAG_SEALED == 0 {
        return Err(DropReason::Plaintext);
    }
    wire::open_header(&plain_header(header), &config.label)?;
    Ok((header, rest))
}

/// What is authenticated with a sealed frame of the native wire: who sends it, and which one it is.
fn frame_place(dialled: bool, number: usize) -> [u8; 5] {
    let [a, b, c, d] = u32::try_from(number).expect("fewer than 2^32 frames").to_be_bytes();
    [u8::from(!dialled), a, b, c, d]
}
