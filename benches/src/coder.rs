//! Packets and streams of a peer of the measured node, in each framing of a cluster.

use bytes::{Bytes, BytesMut};
use swim_core::channel::{Channel, Scratch, Side, StreamBuffer};
use swim_core::wire::{self, Message, Ping, Scope, Wire, memberlist};
use swim_core::{Config, Key, Keyring, MemberRef, Versions};

use crate::names::config;

/// A framing of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The title in the tables.
    pub title: &'static str,
    /// The name in criterion's reports.
    pub key: &'static str,
    /// The wire format.
    pub wire: Wire,
    /// The cipher that seals packets.
    pub cipher: Option<Cipher>,
    /// Whether packets are compressed.
    pub compression: bool,
}

/// A cipher that can seal packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-128-GCM.
    Aes128,
    /// AES-256-GCM.
    Aes256,
    /// XChaCha20-Poly1305.
    XChaCha20,
}

/// All measured framings.
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
    /// Returns the configuration of a node with this framing.
    ///
    /// # Panics
    ///
    /// Never: the keys have valid lengths.
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

/// Writes and reads packets as a node does, with its own channel. It reuses its buffers.
#[derive(Debug)]
pub struct Coder {
    config: Config,
    channel: Channel,
    scratch: Scratch,
}

impl Coder {
    /// Creates a coder for a peer of a node with this configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let channel = Channel::new(config, [8; 32]);
        Coder { config: config.clone(), channel, scratch: Scratch::default() }
    }

    /// Returns the versions that members announce.
    #[must_use]
    pub fn versions(&self) -> Versions {
        match self.config.wire {
            Wire::Swim => Versions::DEFAULT,
            Wire::Memberlist => Versions::MEMBERLIST,
        }
    }

    /// Whether pings contain the address for the answer.
    #[must_use]
    pub fn says_where_to_answer(&self) -> bool {
        self.config.wire == Wire::Memberlist
    }

    /// Returns the bytes of a message in a packet.
    #[must_use]
    pub fn cost(&mut self, message: &Message<'_>) -> usize {
        let mut draft = self.channel.datagram();
        let room = draft.room();
        draft.append(message);
        room - draft.room()
    }

    /// Returns how many copies of a message fit into a packet of `size` bytes.
    #[must_use]
    pub fn per_packet(&self, message: &Message<'_>, size: usize) -> usize {
        let config = self.config.clone().with(|config| config.packet_size_max = size);
        let mut channel = Channel::new(&config, [8; 32]);
        let mut draft = channel.datagram();
        core::iter::from_fn(|| draft.append_if_it_fits(message).then_some(())).count()
    }

    /// Appends a message without framing.
    #[inline]
    pub fn encode(&self, message: &Message<'_>, out: &mut BytesMut) {
        match self.config.wire {
            Wire::Swim => message.encode(out),
            Wire::Memberlist => memberlist::encode(message, out),
        }
    }

    /// Returns a packet with these messages.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn write<'a, 'm: 'a>(&mut self, messages: impl Iterator<Item = &'a Message<'m>>) -> Bytes {
        let mut draft = self.channel.datagram();
        messages.for_each(|message| draft.append(message));
        draft.into_datagram(true).expect("a packet has messages")
    }

    /// Reads a packet, and calls `visit` with each of its messages.
    ///
    /// # Panics
    ///
    /// If it is no packet, or is for another label or key.
    pub fn read(&mut self, datagram: &[u8], visit: &mut dyn FnMut(&Message<'_>)) {
        let opened = self.channel.open(datagram, &mut self.scratch).expect("a packet");
        opened.read(|message| visit(&message.expect("a message")));
    }

    /// Returns a packet with these messages.
    pub fn packet<'a, 'm: 'a>(
        &mut self,
        messages: impl Iterator<Item = &'a Message<'m>>,
    ) -> Vec<u8> {
        self.write(messages).to_vec()
    }

    /// Returns a packet with only this message.
    #[must_use]
    pub fn packet_of(&mut self, message: &Message<'_>) -> Vec<u8> {
        self.packet(core::iter::once(message))
    }

    /// Returns the sequence number and the target of the ping in a packet.
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

    /// Returns a peer's answer to `question` on a stream of the node: one half of a push/pull.
    ///
    /// # Panics
    ///
    /// If the question cannot be read.
    pub fn answer<'a>(
        &mut self,
        question: &[u8],
        scope: Scope,
        members: impl Iterator<Item = MemberRef<'a>> + Clone,
    ) -> Vec<u8> {
        let mut inbox = StreamBuffer::default();
        inbox.push(question);
        let read = self.channel.read_half(&mut inbox, Side::Dialler, usize::MAX);
        assert!(read.is_ok_and(|half| half.is_some()), "a question");
        let framed = self.channel.framed(|wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(scope, 0, members, &[], out),
            Wire::Memberlist => {
                memberlist::encode_push_pull(scope == Scope::Join, members, &[], out);
            }
        });
        self.channel.sealed(&mut inbox, Side::Acceptor, framed).to_vec()
    }

    /// Returns the bytes of a peer on a stream that it opens: only itself.
    pub fn greeting(&mut self, member: MemberRef<'_>) -> Vec<u8> {
        let members = core::iter::once(member);
        let framed = self.channel.framed(|wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(Scope::Partial, 0, members, &[], out),
            Wire::Memberlist => memberlist::encode_push_pull(false, members, &[], out),
        });
        self.channel.sealed(&mut StreamBuffer::default(), Side::Dialler, framed).to_vec()
    }
}
