//! How a peer speaks: in which wire format, with which label, under which key. What it says is read
//! by the node; what the node says is read here, as such a peer reads it.
//!
//! An independent oracle: it does not use the channel of `swim-core`, so that a mistake there is
//! not made on both sides.

use bytes::{Bytes, BytesMut};
use swim_core::channel::Sealer;
use swim_core::wire::memberlist::{self, Lzw, Scanner, StreamLimits, StreamMessage};
use swim_core::wire::{self, Frame, Lz4, Message, SealVersion, Wire};
use swim_core::{Config, Key, Keyring};

use super::settings::LABELS;

/// In the second byte of the native header: what follows is sealed.
const SEALED_FLAG: u8 = 1;

/// In the second byte of the native header: the text of the packet is compressed.
const COMPRESSED_FLAG: u8 = 2;

/// Who says something on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who opened it.
    Dialler = 0,
    /// Who accepted it.
    Acceptor = 1,
}

/// What has to follow what a node sent on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// An ack with this sequence number.
    Ack(u32),
    /// Nothing but the end.
    End,
}

/// How somebody speaks.
#[derive(Clone, Debug)]
pub struct Voice {
    /// The wire format.
    pub wire: Wire,
    /// The label; empty for none.
    pub label: Bytes,
    /// The key; without one nothing is sealed.
    pub key: Option<Key>,
    /// How memberlist's wire is sealed.
    pub version: SealVersion,
    /// Whether packets are compressed, and streams of memberlist's wire.
    pub compression: bool,
    /// Whether packets of memberlist's wire have a checksum.
    pub checksum: bool,
}

impl Voice {
    /// How a node with this configuration speaks.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let v1 = config.versions.protocol.current > 1;
        Voice {
            wire: config.wire,
            label: config.label.clone(),
            key: config.keyring.primary().filter(|_| config.verify_outgoing).cloned(),
            version: if v1 { SealVersion::V1 } else { SealVersion::V0 },
            compression: config.compression,
            checksum: false,
        }
    }

    /// Always with the same nonces, which is fine where nobody listens.
    fn sealer(&self) -> Option<Sealer> {
        self.key.clone().map(|key| Sealer::new(Keyring::new(key), [9; 32]))
    }

    // Packets.

    /// A datagram with these messages.
    #[must_use]
    pub fn packet(&self, messages: &[Message<'_>]) -> BytesMut {
        let mut text = BytesMut::new();
        match self.wire {
            Wire::Swim => messages.iter().for_each(|message| message.encode(&mut text)),
            Wire::Memberlist => {
                let parts: Vec<u16> = messages
                    .iter()
                    .map(|message| {
                        let before = text.len();
                        memberlist::encode(message, &mut text);
                        let length = text.len() - before;
                        assert_eq!(length, memberlist::encoded_len(message));
                        u16::try_from(length).expect("short messages")
                    })
                    .collect();
                memberlist::make_compound(&mut text, 0, &parts);
            }
        }
        self.packet_around(&text)
    }

    /// A datagram with this text, whatever it is.
    #[must_use]
    pub fn packet_around(&self, text: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        match self.wire {
            Wire::Swim => {
                wire::begin_packet(&self.label, &mut bytes);
                let start = bytes.len();
                bytes.extend_from_slice(text);
                if self.compression {
                    wire::compress_packet(&mut bytes, start, &mut Lz4::default());
                }
                if let Some(mut sealer) = self.sealer() {
                    bytes[1] |= SEALED_FLAG;
                    let head = bytes[..start].to_vec();
                    sealer.seal_native(&[&head], &mut bytes, start);
                }
            }
            Wire::Memberlist => {
                bytes.extend_from_slice(text);
                if self.compression {
                    memberlist::compress_packet(&mut bytes, 0, &mut Lzw::default());
                }
                if self.checksum {
                    memberlist::add_checksum(&mut bytes, 0);
                }
                if let Some(mut sealer) = self.sealer() {
                    sealer.seal_memberlist_packet(self.version, &self.label, &mut bytes, 0);
                }
                memberlist::put_label(&self.label, &mut bytes, 0);
            }
        }
        bytes
    }

    /// Reads a datagram of somebody who speaks like this, and calls `visit` with each message.
    ///
    /// # Panics
    ///
    /// When any of it cannot be read, or is framed in another way.
    pub fn read_packet(&self, datagram: &[u8], visit: &mut dyn FnMut(&Message<'_>)) {
        let mut datagram = datagram.to_vec();
        match self.wire {
            Wire::Swim => {
                // Only of packets, and only by those who compress.
                let is_compressed = self.compression && datagram[1] & COMPRESSED_FLAG != 0;
                let flags = if is_compressed { COMPRESSED_FLAG } else { 0 };
                let (head, body) = self.split_header(&mut datagram, flags);
                let text = match self.sealer() {
                    Some(sealer) => sealer.open_native(&[head], body).expect("our own seal"),
                    None => body,
                };
                let mut plain = BytesMut::new();
                wire::begin_packet(&self.label, &mut plain);
                let mut unpacked = Vec::new();
                plain.extend_from_slice(match is_compressed {
                    true => wire::unpack_packet(text, &mut unpacked).expect("our own compression"),
                    false => text,
                });
                for message in wire::open_packet(&plain, &self.label).expect("our own header") {
                    visit(&message.expect("our own message"));
                }
            }
            Wire::Memberlist => {
                let text = self.open_packet(&mut datagram);
                let lzw = &mut Lzw::default();
                memberlist::read_packet(text, 1, lzw, &mut |message| {
                    visit(&message.expect("our own message"));
                });
            }
        }
    }

    /// What is behind label and seal.
    fn open_packet<'a>(&self, datagram: &'a mut [u8]) -> &'a [u8] {
        let (label, body) = memberlist::split_label(datagram).expect("our own label");
        assert_eq!(label, self.label);
        let start = datagram.len() - body.len();
        let body = &mut datagram[start..];
        let Some(sealer) = self.sealer() else {
            return body;
        };
        assert_eq!(body[0], self.version as u8, "the version of the seal");
        // Refuses padding that is longer than the text, which would crash a Go program.
        sealer.open_memberlist_packet(&self.label, body).expect("our own seal")
    }

    fn split_header<'a>(&self, bytes: &'a mut [u8], flags: u8) -> (&'a [u8], &'a mut [u8]) {
        let mut header = BytesMut::new();
        wire::begin_packet(&self.label, &mut header);
        header[1] |= flags;
        if self.key.is_some() {
            header[1] |= SEALED_FLAG;
        }
        let (head, body) = bytes.split_at_mut(header.len());
        assert_eq!(*head, header[..], "our own header");
        (head, body)
    }

    // Streams.

    /// What one side says on a stream: whole frames of the native wire, or a message of
    /// memberlist's.
    #[must_use]
    pub fn stream(&self, from: Side, text: &[u8]) -> BytesMut {
        match self.wire {
            Wire::Swim => self.swim_stream(from, text),
            Wire::Memberlist => {
                let mut bytes = BytesMut::from(text);
                if self.compression {
                    memberlist::compress_stream(&mut bytes, 0, &mut Lzw::default());
                }
                if let Some(mut sealer) = self.sealer().filter(|_| !bytes.is_empty()) {
                    sealer.seal_memberlist_stream(self.version, &self.label, &mut bytes, 0);
                }
                if from == Side::Dialler {
                    memberlist::put_label(&self.label, &mut bytes, 0);
                }
                bytes
            }
        }
    }

    fn swim_stream(&self, from: Side, mut text: &[u8]) -> BytesMut {
        let mut bytes = BytesMut::new();
        wire::begin_packet(&self.label, &mut bytes);
        if let Some(mut sealer) = self.sealer() {
            bytes[1] |= SEALED_FLAG;
            let head = bytes.clone();
            let mut number = 0;
            while let Some((body, rest)) = split_frame(text) {
                let start = bytes.len();
                bytes.extend_from_slice(&[0; wire::FRAME_HEADER_LEN]);
                bytes.extend_from_slice(body);
                let sealed_at = start + wire::FRAME_HEADER_LEN;
                sealer.seal_native(&[&head, &place(from, number)], &mut bytes, sealed_at);
                let length = u32::try_from(bytes.len() - sealed_at).expect("a short frame");
                bytes[start..sealed_at].copy_from_slice(&length.to_be_bytes());
                (text, number) = (rest, number + 1);
            }
        }
        bytes.extend_from_slice(text);
        bytes
    }

    /// Reads what somebody who speaks like this said on a stream, and returns what has to follow.
    ///
    /// # Panics
    ///
    /// When any of it cannot be read, or is framed in another way.
    #[must_use]
    pub fn read_stream(&self, from: Side, bytes: &[u8]) -> Option<Awaited> {
        match self.wire {
            Wire::Swim => self.read_swim_stream(from, bytes),
            Wire::Memberlist => self.read_memberlist_stream(from, bytes),
        }
    }

    fn read_swim_stream(&self, from: Side, bytes: &[u8]) -> Option<Awaited> {
        let mut bytes = bytes.to_vec();
        let (head, body) = self.split_header(&mut bytes, 0);
        let (mut rest, mut awaits, mut number) = (&*body, None, 0);
        assert!(!rest.is_empty(), "a stream without a frame");
        while !rest.is_empty() {
            let (body, after) = split_frame(rest).expect("a whole frame");
            let mut body = body.to_vec();
            let text = match self.sealer() {
                Some(sealer) => sealer.open_native(&[head, &place(from, number)], &mut body),
                None => Ok(&body[..]),
            };
            match wire::decode_frame(text.expect("our own seal")).expect("our own frame") {
                Frame::Ping(ping) => awaits = Some(Awaited::Ack(ping.sequence)),
                Frame::User(_) => awaits = Some(Awaited::Ack(0)),
                Frame::PushPull(part) => {
                    assert!(part.members().all(|member| member.is_ok()), "our own members");
                    assert_eq!(part.last, after.is_empty(), "the last part says so");
                }
                Frame::Ack(_) => {}
            }
            (rest, number) = (after, number + 1);
        }
        awaits
    }

    fn read_memberlist_stream(&self, from: Side, bytes: &[u8]) -> Option<Awaited> {
        let mut message = bytes.to_vec();
        if from == Side::Dialler {
            let split = memberlist::split_stream_label(bytes).expect("our own label");
            let (label, rest) = split.expect("all of the label");
            assert_eq!(label, self.label);
            message = rest.to_vec();
        }
        if let Some(sealer) = self.sealer() {
            assert_eq!(message[memberlist::SEAL_HEADER_LEN], self.version as u8);
            // An answer is for the label that the dialler came with. An empty text, which would
            // crash a Go program, is not opened.
            let labels = if from == Side::Dialler { vec![&*self.label] } else { LABELS.to_vec() };
            message = labels
                .iter()
                .find_map(|label| {
                    let mut sealed = message.clone();
                    sealer.open_memberlist_stream(label, &mut sealed).ok().map(<[u8]>::to_vec)
                })
                .expect("our own seal");
        }
        if message.first() == Some(&memberlist::COMPRESSED) {
            let mut text = Vec::new();
            memberlist::unpack_stream(&message, 1 << 24, &mut Lzw::default(), &mut text)
                .expect("our own compression");
            message = text;
        }
        let end = Scanner::new(StreamLimits::default()).advance(&message);
        assert_eq!(end, Ok(Some(message.len())), "one message");
        match memberlist::decode_stream(&message, 1).expect("our own message") {
            StreamMessage::Ping(ping) => Some(Awaited::Ack(ping.sequence)),
            StreamMessage::User { .. } => Some(Awaited::End),
            StreamMessage::PushPull(table) => {
                assert!(table.members().all(|member| member.is_ok()), "our own members");
                assert_eq!(table.members().count(), table.nodes as usize, "all that were counted");
                None
            }
            StreamMessage::Ack(_) | StreamMessage::Error(_) => None,
        }
    }
}

/// The body of the first frame, and what is behind it, if all of it is there.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = wire::frame_len(bytes)?;
    bytes[wire::FRAME_HEADER_LEN..].split_at_checked(length)
}

/// What is sealed in with a frame of the native wire: who sent it, and which one it is.
fn place(from: Side, number: u32) -> [u8; 5] {
    let [a, b, c, d] = number.to_be_bytes();
    [from as u8, a, b, c, d]
}
