//! Packets and streams as a peer of the measured node writes and reads them, in each of the ways in
//! which a cluster can be set up.

use bytes::BytesMut;
use swim_core::wire::memberlist::{self, Lzw};
use swim_core::wire::{self, Lz4, Message, Ping, Scope, SealVersion, Sealer, Wire};
use swim_core::{Config, Key, Keyring, MemberRef, Versions};

use crate::names::{LABEL, config};

/// In the second byte of the native header: what follows is sealed.
const SEALED_FLAG: u8 = 1;
/// In the second byte of the native header: the text of the packet is compressed.
const COMPRESSED_FLAG: u8 = 2;

/// The native header, with the label.
const HEADER: usize = 3 + LABEL.len();

/// A way in which packets are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// What it is, as in the tables.
    pub title: &'static str,
    /// What it is called in the reports of criterion.
    pub key: &'static str,
    /// The wire format.
    pub wire: Wire,
    /// What packets are sealed with.
    pub cipher: Option<Cipher>,
    /// Whether they are compressed.
    pub compression: bool,
}

/// What packets can be sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128-GCM.
    Aes128,
    /// AES-256-GCM.
    Aes256,
    /// XChaCha20-Poly1305.
    XChaCha20,
}

/// All that are measured.
pub const FRAMINGS: [Framing; 11] = [
    framing("native", "swim/plain", Wire::Swim, None, false),
    framing("native, AES-128", "swim/aes128", Wire::Swim, Some(Cipher::Aes128), false),
    framing("native, AES-256", "swim/aes256", Wire::Swim, Some(Cipher::Aes256), false),
    framing("native, XChaCha20", "swim/xchacha20", Wire::Swim, Some(Cipher::XChaCha20), false),
    framing("native, LZ4", "swim/lz4", Wire::Swim, None, true),
    framing("native, LZ4, AES-256", "swim/lz4+aes256", Wire::Swim, AES256, true),
    framing("memberlist", "memberlist/plain", Wire::Memberlist, None, false),
    framing("memberlist, AES-128", "memberlist/aes128", MEMBERLIST, Some(Cipher::Aes128), false),
    framing("memberlist, AES-256", "memberlist/aes256", MEMBERLIST, Some(Cipher::Aes256), false),
    framing("memberlist, LZW", "memberlist/lzw", Wire::Memberlist, None, true),
    framing("memberlist, LZW, AES-256", "memberlist/lzw+aes256", MEMBERLIST, AES256, true),
];

const MEMBERLIST: Wire = Wire::Memberlist;
const AES256: Option<Cipher> = Some(Cipher::Aes256);

const fn framing(
    title: &'static str,
    key: &'static str,
    wire: Wire,
    cipher: Option<Cipher>,
    compression: bool,
) -> Framing {
    Framing { title, key, wire, cipher, compression }
}

impl Framing {
    /// The configuration of a node that frames so.
    ///
    /// # Panics
    ///
    /// Never: the keys are as long as they have to be.
    #[must_use]
    pub fn config(&self) -> Config {
        let mut config = config();
        if self.wire == Wire::Memberlist {
            config = config.memberlist();
        }
        config.compression = self.compression;
        let key = self.cipher.map(|cipher| match cipher {
            Cipher::Aes128 => Key::aes(&[1; 16]).expect("16 bytes"),
            Cipher::Aes256 => Key::aes(&[2; 32]).expect("32 bytes"),
            Cipher::XChaCha20 => Key::xchacha([3; 32]),
        });
        config.keyring = key.map(Keyring::new).unwrap_or_default();
        config
    }
}

/// Writes and reads packets. Its buffers are used again, as a node's are.
#[derive(Debug)]
pub struct Coder {
    wire: Wire,
    sealer: Option<Sealer>,
    compression: bool,
    lz4: Lz4,
    lzw: Lzw,
    unpacked: Vec<u8>,
    plain: Vec<u8>,
    parts: Vec<u16>,
    opened: Vec<u8>,
}

impl Coder {
    /// For a peer of a node with this configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let ring = config.keyring.clone();
        Coder {
            wire: config.wire,
            sealer: (!ring.is_empty()).then(|| Sealer::new(ring, [8; 32])),
            compression: config.compression,
            lz4: Lz4::default(),
            lzw: Lzw::default(),
            unpacked: Vec::new(),
            plain: Vec::new(),
            parts: Vec::new(),
            opened: Vec::new(),
        }
    }

    /// What members announce.
    #[must_use]
    pub fn versions(&self) -> Versions {
        match self.wire {
            Wire::Swim => Versions::DEFAULT,
            Wire::Memberlist => Versions::MEMBERLIST,
        }
    }

    /// Whether pings say where to answer.
    #[must_use]
    pub fn says_where_to_answer(&self) -> bool {
        self.wire == Wire::Memberlist
    }

    /// How many bytes a message takes in a packet.
    #[must_use]
    pub fn cost(&self, message: &Message<'_>) -> usize {
        match self.wire {
            Wire::Swim => message.encoded_len(),
            Wire::Memberlist => {
                memberlist::encoded_len(message) + memberlist::COMPOUND_PART_OVERHEAD
            }
        }
    }

    /// How many copies of a message fit into a packet of `size` bytes. Room for a checksum is kept
    /// on memberlist's wire, as nodes do.
    #[must_use]
    pub fn per_packet(&self, message: &Message<'_>, size: usize) -> usize {
        let framing = match (self.wire, &self.sealer) {
            (Wire::Swim, None) => wire::header_len(LABEL),
            (Wire::Swim, Some(sealer)) => wire::header_len(LABEL) + sealer.native_overhead(),
            (Wire::Memberlist, sealer) => {
                let sealed = sealer.as_ref().map_or(0, |_| SealVersion::V1.overhead());
                memberlist::label_header_len(LABEL)
                    + memberlist::CHECKSUM_OVERHEAD
                    + memberlist::COMPOUND_OVERHEAD
                    + sealed
            }
        };
        (size - framing) / self.cost(message)
    }

    /// Appends a message without anything around it.
    #[inline]
    pub fn encode(&self, message: &Message<'_>, out: &mut BytesMut) {
        match self.wire {
            Wire::Swim => message.encode(out),
            Wire::Memberlist => memberlist::encode(message, out),
        }
    }

    /// Replaces `out` by a packet with these messages.
    ///
    /// # Panics
    ///
    /// If a message is longer than a datagram can be.
    pub fn write<'a, 'm: 'a>(
        &mut self,
        messages: impl Iterator<Item = &'a Message<'m>>,
        out: &mut BytesMut,
    ) {
        out.clear();
        self.parts.clear();
        if self.wire == Wire::Swim {
            wire::begin_packet(LABEL, out);
        }
        let start = out.len();
        for message in messages {
            let before = out.len();
            self.encode(message, out);
            self.parts.push(u16::try_from(out.len() - before).expect("a short message"));
        }
        self.frame(out, start);
    }

    fn frame(&mut self, out: &mut BytesMut, start: usize) {
        if self.wire == Wire::Swim && self.compression {
            wire::compress_packet(out, start, &mut self.lz4);
        }
        match (self.wire, &mut self.sealer) {
            (Wire::Swim, None) => {}
            (Wire::Swim, Some(sealer)) => {
                out[1] |= SEALED_FLAG;
                let mut head = [0; HEADER];
                head.copy_from_slice(&out[..start]);
                sealer.seal_native(&[&head], out, start);
            }
            (Wire::Memberlist, sealer) => {
                memberlist::make_compound(out, 0, &self.parts);
                if self.compression {
                    memberlist::compress_packet(out, 0, &mut self.lzw);
                }
                match sealer {
                    Some(sealer) => {
                        sealer.seal_memberlist_packet(SealVersion::V1, LABEL, out, 0);
                    }
                    None => memberlist::add_checksum(out, 0),
                }
                memberlist::put_label(LABEL, out, 0);
            }
        }
    }

    /// Reads a packet: hands `visit` each of its messages.
    ///
    /// # Panics
    ///
    /// If it is none, or for another label or key.
    pub fn read(&mut self, datagram: &[u8], visit: &mut dyn FnMut(&Message<'_>)) {
        let Coder { wire, sealer, lzw, opened, unpacked, plain, .. } = self;
        match (*wire, sealer) {
            (Wire::Swim, None) if datagram[1] & COMPRESSED_FLAG == 0 => {
                for message in wire::open_packet(datagram, LABEL).expect("a packet") {
                    visit(&message.expect("a message"));
                }
            }
            (Wire::Swim, sealer) => {
                refill(opened, datagram);
                let (head, body) = opened.split_at_mut(HEADER);
                let text = match sealer {
                    Some(sealer) => sealer.open_native(&[head], body).expect("the key fits"),
                    None => body,
                };
                let text = match head[1] & COMPRESSED_FLAG {
                    0 => text,
                    _ => wire::unpack_packet(text, unpacked).expect("our own compression"),
                };
                // As it is in the clear.
                refill(plain, head);
                plain[1] &= !(SEALED_FLAG | COMPRESSED_FLAG);
                plain.extend_from_slice(text);
                for message in wire::open_packet(plain, LABEL).expect("a packet") {
                    visit(&message.expect("a message"));
                }
            }
            (Wire::Memberlist, sealer) => {
                let (label, body) = memberlist::split_label(datagram).expect("a label");
                let text = match sealer {
                    Some(sealer) => {
                        refill(opened, body);
                        sealer.open_memberlist_packet(label, opened).expect("the key fits")
                    }
                    None => body,
                };
                memberlist::read_packet(text, 7946, lzw, &mut |message| {
                    visit(&message.expect("a message"));
                });
            }
        }
    }

    /// A packet with these messages.
    pub fn packet<'a, 'm: 'a>(
        &mut self,
        messages: impl Iterator<Item = &'a Message<'m>>,
    ) -> Vec<u8> {
        let mut out = BytesMut::new();
        self.write(messages, &mut out);
        out.to_vec()
    }

    /// A packet with this message alone.
    #[must_use]
    pub fn packet_of(&mut self, message: &Message<'_>) -> Vec<u8> {
        self.packet(core::iter::once(message))
    }

    /// The sequence number of the ping in a packet, and whom it is for.
    #[must_use]
    pub fn ping_in(&mut self, datagram: &[u8]) -> Option<(u32, String)> {
        let mut found = None;
        self.read(datagram, &mut |message| {
            if let Message::Ping(Ping { sequence, target, .. }) = message {
                found.get_or_insert_with(|| (*sequence, (*target).to_owned()));
            }
        });
        found
    }

    /// What a peer answers on a stream that the node opened: one half of a push/pull.
    pub fn answer<'a>(
        &mut self,
        scope: Scope,
        members: impl Iterator<Item = MemberRef<'a>> + Clone,
    ) -> Vec<u8> {
        let mut out = BytesMut::new();
        match (self.wire, &mut self.sealer) {
            (Wire::Swim, sealer) => {
                wire::begin_packet(LABEL, &mut out);
                let head_len = out.len();
                wire::encode_push_pull(scope, 0, members, &[], &mut out);
                if let Some(sealer) = sealer {
                    out = seal_frames(sealer, &out, head_len);
                }
            }
            (Wire::Memberlist, sealer) => {
                memberlist::encode_push_pull(scope == Scope::Join, members, &[], &mut out);
                if self.compression {
                    memberlist::compress_stream(&mut out, 0, &mut self.lzw);
                }
                if let Some(sealer) = sealer {
                    sealer.seal_memberlist_stream(SealVersion::V1, LABEL, &mut out, 0);
                }
            }
        }
        out.to_vec()
    }
}

/// Seals the frames of the side that accepted a stream, one by one.
fn seal_frames(sealer: &mut Sealer, plain: &[u8], head_len: usize) -> BytesMut {
    let mut out = BytesMut::from(&plain[..head_len]);
    out[1] |= SEALED_FLAG;
    let head = out.to_vec();
    let (mut rest, mut number) = (&plain[head_len..], 0u32);
    while let Some(len) = wire::frame_len(rest) {
        let (frame, after) = rest.split_at(wire::FRAME_HEADER_LEN + len);
        let [a, b, c, d] = number.to_be_bytes();
        let size = u32::try_from(len + sealer.native_overhead()).expect("a short frame");
        out.extend_from_slice(&size.to_be_bytes());
        let start = out.len();
        out.extend_from_slice(&frame[wire::FRAME_HEADER_LEN..]);
        sealer.seal_native(&[&head, &[1, a, b, c, d]], &mut out, start);
        (rest, number) = (after, number + 1);
    }
    out
}

fn refill(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.clear();
    buffer.extend_from_slice(bytes);
}
