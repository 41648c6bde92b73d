//! The wire format, label and key of a peer.
//!
//! It writes what the node reads, and reads what the node writes.
//!
//! It is an independent oracle: it does not use the channel of `swim-core`, so a mistake there is
//! not repeated here.

use bytes::{Bytes, BytesMut};
use swim_core::channel::Sealer;
use swim_core::wire::memberlist::{self, Lzw, Scanner, StreamLimits, StreamMessage};
use swim_core::wire::{self, Frame, Lz4, Message, SealVersion, Wire};
use swim_core::{Config, Encryption, Key, Keyring};

use super::settings::LABELS;

/// A flag in the second byte of the native header: the rest is sealed.
const SEALED_FLAG: u8 = 1;

/// A flag in the second byte of the native header: the packet's text is compressed.
const COMPRESSED_FLAG: u8 = 2;

/// A flag in the second byte of the native header: a greeting follows.
const GREETS_FLAG: u8 = 4;

/// One byte that is 1 if this side waits for the other's greeting, and a random number.
const GREETING_SIZE: usize = 17;
type Greeting = [u8; GREETING_SIZE];

/// The side of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The side that opened it.
    Dialler = 0,
    /// The side that accepted it.
    Acceptor = 1,
}

/// The knowledge about a stream of the native wire, from listening to both sides.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    /// The greetings that bind the frames of a sealed stream to it.
    greetings: [Option<Greeting>; 2],
    /// The peer's first bytes, until its greeting is complete.
    heard: Vec<u8>,
    /// The header of the node.
    head: Option<Vec<u8>>,
}

impl Talk {
    /// Listens to the peer's bytes on this side.
    pub fn hear(&mut self, from: Side, bytes: &[u8]) {
        const BEGINNING_MAX: usize = 3 + 255 + GREETING_SIZE;
        let room = BEGINNING_MAX - self.heard.len();
        self.heard.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let [_, flags, label, rest @ ..] = &self.heard[..]
            && flags & GREETS_FLAG != 0
            && let Some(greeting) = rest.get(usize::from(*label)..)
        {
            self.greetings[from as usize] = greeting.first_chunk().copied();
        }
    }

    fn dialler_waits(&self) -> bool {
        self.greetings[0].is_some_and(|greeting| greeting[0] == 1)
    }

    /// Returns the data that is sealed in with a frame: the greetings that count, and its number.
    fn place(&self, from: Side, number: u32) -> Vec<u8> {
        let counts = from == Side::Acceptor || self.dialler_waits();
        let [dialler, acceptor] = self.greetings;
        let greetings = [dialler, acceptor.filter(|_| counts)].into_iter().flatten();
        let mut place: Vec<u8> = greetings.flatten().collect();
        place.push(from as u8);
        place.extend_from_slice(&number.to_be_bytes());
        place
    }
}

/// The bytes that must follow those of a node on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// An ack with this sequence number.
    Ack(u32),
    /// Only the end.
    End,
}

/// The wire format and keys of a peer.
#[derive(Clone, Debug)]
pub struct Voice {
    /// The wire format.
    pub wire: Wire,
    /// The label; empty for none.
    pub label: Bytes,
    /// The key; without one nothing is sealed.
    pub key: Option<Key>,
    /// The key for answers to sealed streams, even if the rest is not sealed.
    pub key_to_answer: Option<Key>,
    /// The version of memberlist's seal.
    pub version: SealVersion,
    /// Whether packets are compressed, and streams of memberlist's wire.
    pub compression: bool,
    /// Whether packets of memberlist's wire have a checksum.
    pub checksum: bool,
}

impl Voice {
    /// Returns the voice of a node with this configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let v1 = config.versions.protocol.current > 1;
        Voice {
            wire: config.wire,
            label: config.label.clone(),
            key: config.keyring.primary().filter(|_| config.encryption != Encryption::Off).cloned(),
            key_to_answer: config.keyring.primary().cloned(),
            version: if v1 { SealVersion::V1 } else { SealVersion::V0 },
            compression: config.compression,
            checksum: false,
        }
    }

    /// Always uses the same nonces, which is fine without an eavesdropper.
    fn sealer(&self) -> Option<Sealer> {
        self.key.clone().map(|key| Sealer::new(Keyring::new(key), [9; 32]))
    }

    // Packets.

    /// Returns a datagram with these messages.
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

    /// Returns a datagram with this text, which may be anything.
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

    /// Reads a datagram of this voice, and calls `visit` with each message.
    ///
    /// # Panics
    ///
    /// If any of it cannot be read, or is framed differently.
    pub fn read_packet(&self, datagram: &[u8], visit: &mut dyn FnMut(&Message<'_>)) {
        let mut datagram = datagram.to_vec();
        match self.wire {
            Wire::Swim => {
                // Only packets are compressed, and only if the voice compresses.
                let is_compressed = self.compression && datagram[1] & COMPRESSED_FLAG != 0;
                let flags = if is_compressed { COMPRESSED_FLAG } else { 0 };
                let sealed = if self.key.is_some() { SEALED_FLAG } else { 0 };
                let (head, body) = self.split_header(&mut datagram, flags | sealed);
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

    /// Returns the text inside label and seal.
    fn open_packet<'a>(&self, datagram: &'a mut [u8]) -> &'a [u8] {
        let (label, body) = memberlist::split_label(datagram).expect("our own label");
        assert_eq!(label, self.label);
        let start = datagram.len() - body.len();
        let body = &mut datagram[start..];
        let Some(sealer) = self.sealer() else {
            return body;
        };
        assert_eq!(body[0], self.version as u8, "the version of the seal");
        // Refuses padding longer than the text, which would crash a Go program.
        sealer.open_memberlist_packet(&self.label, body).expect("our own seal")
    }

    fn split_header<'a>(&self, bytes: &'a mut [u8], flags: u8) -> (&'a [u8], &'a mut [u8]) {
        let mut header = BytesMut::new();
        wire::begin_packet(&self.label, &mut header);
        header[1] |= flags;
        let (head, body) = bytes.split_at_mut(header.len());
        assert_eq!(*head, header[..], "our own header");
        (head, body)
    }

    // Streams.

    /// Returns the beginning of a sealed stream of the native wire, for a peer on this side.
    #[must_use]
    pub fn greeting(&self, waits: bool) -> BytesMut {
        let mut bytes = BytesMut::new();
        wire::begin_packet(&self.label, &mut bytes);
        bytes[1] |= SEALED_FLAG | GREETS_FLAG;
        bytes.extend_from_slice(&greeting(waits));
        bytes
    }

    /// Whether streams begin with a greeting.
    #[must_use]
    pub fn greets(&self) -> bool {
        self.wire == Wire::Swim && self.key.is_some()
    }

    /// Returns the bytes of one side on a stream, after a greeting if it was sent alone.
    ///
    /// They are whole frames of the native wire, or a message of memberlist's.
    #[must_use]
    pub fn stream(&self, from: Side, text: &[u8], talk: &Talk) -> BytesMut {
        match self.wire {
            Wire::Swim => self.swim_stream(from, text, talk),
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

    fn swim_stream(&self, from: Side, mut text: &[u8], talk: &Talk) -> BytesMut {
        let mut bytes = BytesMut::new();
        wire::begin_packet(&self.label, &mut bytes);
        if let Some(mut sealer) = self.sealer() {
            bytes[1] |= SEALED_FLAG | GREETS_FLAG;
            let head = bytes.clone();
            let mut talk = talk.clone();
            let said = &mut talk.greetings[from as usize];
            if said.is_some() {
                bytes.clear();
            } else {
                *said = Some(greeting(false));
                bytes.extend_from_slice(&greeting(false));
            }
            let mut number = 0;
            while let Some((body, rest)) = split_frame(text) {
                let start = bytes.len();
                bytes.extend_from_slice(&[0; wire::FRAME_HEADER_LEN]);
                bytes.extend_from_slice(body);
                let sealed_at = start + wire::FRAME_HEADER_LEN;
                let place = talk.place(from, number);
                sealer.seal_native(&[&head, &place], &mut bytes, sealed_at);
                let length = u32::try_from(bytes.len() - sealed_at).expect("a short frame");
                bytes[start..sealed_at].copy_from_slice(&length.to_be_bytes());
                (text, number) = (rest, number + 1);
            }
        }
        bytes.extend_from_slice(text);
        bytes
    }

    /// Reads a node's bytes on a stream, and returns what must follow.
    ///
    /// # Panics
    ///
    /// If any of it cannot be read, or is framed differently.
    #[must_use]
    pub fn read_stream(&self, from: Side, bytes: &[u8], talk: &mut Talk) -> Option<Awaited> {
        match self.wire {
            Wire::Swim => self.read_swim_stream(from, bytes, talk),
            Wire::Memberlist => self.read_memberlist_stream(from, bytes),
        }
    }

    fn read_swim_stream(&self, from: Side, bytes: &[u8], talk: &mut Talk) -> Option<Awaited> {
        let mut bytes = bytes.to_vec();
        let (goes_on, mut start) = (talk.head.is_some(), 0);
        let other = match from {
            Side::Dialler => talk.greetings[1],
            Side::Acceptor => talk.greetings[0],
        };
        if !goes_on {
            // A sealed stream gets a sealed answer.
            let is_sealed = self.key.is_some() || other.is_some();
            let flags = if is_sealed { SEALED_FLAG | GREETS_FLAG } else { 0 };
            let (head, body) = self.split_header(&mut bytes, flags);
            talk.head = Some(head.to_vec());
            start = head.len();
            if is_sealed {
                let greeting = body.first_chunk().expect("a greeting");
                talk.greetings[from as usize] = Some(*greeting);
                start += GREETING_SIZE;
            }
        }
        let mut rest = &bytes[start..];
        let waits = match from {
            Side::Dialler => talk.dialler_waits() && !goes_on,
            Side::Acceptor => talk.dialler_waits() && rest.is_empty(),
        };
        assert_eq!(rest.is_empty(), waits, "frames follow unless somebody waits");
        let is_sealed = talk.greetings[from as usize].is_some();
        let head = talk.head.clone().expect("it is known");
        let key = self.key.as_ref().or(self.key_to_answer.as_ref()).filter(|_| is_sealed);
        let sealer = key.map(|key| Sealer::new(Keyring::new(key.clone()), [9; 32]));
        let (mut awaits, mut number) = (None, 0);
        while !rest.is_empty() {
            let (body, after) = split_frame(rest).expect("a whole frame");
            let mut body = body.to_vec();
            let text = match &sealer {
                Some(sealer) => sealer.open_native(&[&head, &talk.place(from, number)], &mut body),
                None => Ok(&body[..]),
            };
            let (frame, is_bound) = (text.expect("our own seal"), talk.dialler_waits());
            match wire::decode_frame(frame).expect("our own frame") {
                Frame::Ping(ping) => awaits = Some(Awaited::Ack(ping.sequence)),
                Frame::User(_) => {
                    assert!(!is_sealed || is_bound, "a message that could be repeated");
                    awaits = Some(Awaited::Ack(0));
                }
                Frame::PushPull(part) => {
                    let is_bound = is_bound || from == Side::Acceptor;
                    let is_bare = part.user_state.is_empty();
                    assert!(!is_sealed || is_bound || is_bare, "a state that could be repeated");
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
            // An answer has the dialler's label. An empty text, which would crash a Go program, is
            // not opened.
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

/// Returns the body of the first frame and the bytes after it, if the frame is complete.
fn split_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = wire::frame_len(bytes)?;
    bytes[wire::FRAME_HEADER_LEN..].split_at_checked(length)
}

/// Returns a peer's greeting, always the same, which is fine without an eavesdropper.
fn greeting(waits: bool) -> Greeting {
    let mut greeting = [5; GREETING_SIZE];
    greeting[0] = u8::from(waits);
    greeting
}
