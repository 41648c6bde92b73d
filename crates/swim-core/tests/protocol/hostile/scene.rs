//! A node whose streams are under attack, the bytes of attackers, and requests of honest nodes
//! meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use swim_core::channel::{Channel, Side, StreamBuffer};
use swim_core::wire::{self, Envelope, Frame, Half, Message, Ping, Scope, User, Wire, memberlist};
use swim_core::{
    Config, Event, Incarnation, Key, Keyring, MemberRef, Output, State, StreamId, StreamInput,
    StreamOp, StreamResource, StreamSource,
};

use super::peer::{OWN, Peer, address, events, name, sent};

pub(crate) const MEBIBYTE: usize = 1 << 20;

/// The wire and keys of the nodes, and the rule that the attacked node breaks, if any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) wire: Wire,
    pub(crate) sealed: bool,
    #[cfg(feature = "sabotage")]
    pub(crate) broken: Option<swim_core::Sabotage>,
}

pub(crate) fn settings() -> [Setting; 4] {
    let setting = |wire, sealed| Setting {
        wire,
        sealed,
        #[cfg(feature = "sabotage")]
        broken: None,
    };
    [
        setting(Wire::Swim, false),
        setting(Wire::Swim, true),
        setting(Wire::Memberlist, false),
        setting(Wire::Memberlist, true),
    ]
}

/// A node, and bytes that other nodes send it.
pub(crate) struct Scene {
    setting: Setting,
    pub(crate) peer: Peer,
    channel: Channel,
    pub(crate) told: Vec<Event>,
    newcomers: u16,
}

/// Size of the greeting after the header of a sealed stream, on the native wire.
pub(crate) const GREETING_SIZE: usize = 17;

/// A known member is at this address.
pub(crate) const MEMBER: u16 = 1;

impl Scene {
    pub(crate) fn new(setting: Setting) -> Self {
        Scene::with(setting, |_| {})
    }

    pub(crate) fn with(setting: Setting, change: impl FnOnce(&mut Config)) -> Self {
        let mut peer = Peer::with(|config| {
            if setting.wire == Wire::Memberlist {
                *config = config.clone().memberlist();
                config.compression = false;
            }
            if setting.sealed {
                config.keyring = Keyring::new(Key::aes(&[7; 16]).unwrap());
            }
            // Only streams matter here.
            let hour = Duration::from_secs(3600);
            config.probe_interval = hour;
            config.gossip_interval = hour;
            config.gossip_to_the_dead = hour;
            config.lateness = false;
            change(config);
            #[cfg(feature = "sabotage")]
            {
                config.sabotage = setting.broken;
            }
        });
        peer.outputs();
        let channel = Channel::new(peer.node.config(), [9; 32]);
        let mut scene = Scene { setting, peer, channel, told: Vec::new(), newcomers: 0 };
        assert!(scene.join(MEMBER), "{setting:?}");
        assert!(scene.peer.node.member(&name(MEMBER)).is_some());
        scene
    }

    /// A member's part of an exchange.
    pub(crate) fn part(&mut self, write: impl FnOnce(Wire, &mut BytesMut)) -> Vec<u8> {
        let framed = self.channel.framed(write);
        self.channel.sealed(&mut StreamBuffer::default(), Side::Dialler, framed).to_vec()
    }

    /// A member's bytes on this stream to deliver a message of this size, after any greetings of
    /// both sides.
    pub(crate) fn message_on(&mut self, stream: StreamId, from: &str, size: usize) -> Vec<u8> {
        let payload = vec![5; size];
        let says = self.channel.waits_for_greeting();
        let envelope = says.then(|| Envelope::to_stream_of(OWN));
        let message = User { from, payload: &payload, envelope };
        let framed = self.channel.framed(|wire, out| match wire {
            Wire::Swim => Frame::User(message).encode(out),
            Wire::Memberlist => memberlist::encode_user(message.payload, out),
        });
        let mut talk = StreamBuffer::default();
        if says {
            let greeting = self.channel.greet(&mut talk);
            let outputs = self.data(stream, &greeting);
            talk.push(&sent(&outputs, stream).expect("who waits is greeted"));
            let answer = self.channel.read_half(&mut talk, Side::Acceptor, usize::MAX);
            assert!(answer.expect("a greeting").is_none());
        }
        self.channel.sealed(&mut talk, Side::Dialler, framed).to_vec()
    }

    pub(crate) fn push_pull(&mut self, scope: Scope, from: u16, count: u16) -> Vec<u8> {
        let names: Vec<(u16, String)> = (from..from + count).map(|n| (n, name(n))).collect();
        let members = names.iter().map(|(number, name)| MemberRef {
            name,
            address: address(*number),
            state: State::Alive,
            incarnation: Incarnation(1),
            meta: b"",
            versions: self.peer.node.config().versions,
        });
        let members: Vec<MemberRef<'_>> = members.collect();
        self.part(|wire, out| {
            let (view, members) = (u64::from(scope == Scope::Compare), members.iter().copied());
            match wire {
                Wire::Swim => wire::encode_push_pull(scope, view, members, &[], out),
                Wire::Memberlist => {
                    memberlist::encode_push_pull(scope == Scope::Join, members, &[], out);
                }
            }
        })
    }

    pub(crate) fn connect(&mut self, from: SocketAddr) -> Option<StreamId> {
        let stream = self.peer.node.handle_accept(self.peer.now, from).ok();
        self.note();
        stream
    }

    pub(crate) fn data(&mut self, stream: StreamId, bytes: &[u8]) -> Vec<Output> {
        let outputs = self.peer.stream(stream, StreamInput::Data(bytes));
        self.told.extend(events(&outputs));
        outputs
    }

    pub(crate) fn run(&mut self, time: Duration) -> Vec<Output> {
        let outputs = self.peer.run(time);
        self.told.extend(events(&outputs));
        outputs
    }

    /// Takes outputs.
    pub(crate) fn note(&mut self) -> Vec<Output> {
        let outputs = self.peer.outputs();
        self.told.extend(events(&outputs));
        outputs
    }

    /// Whether a whole exchange is answered.
    pub(crate) fn is_answered(&mut self, from: u16, bytes: &[u8]) -> bool {
        self.connect(address(from)).is_some_and(|stream| self.answers(stream, bytes))
    }

    /// Whether a member's or stranger's message of this size is answered.
    pub(crate) fn message_is_answered(&mut self, from: u16, size: usize) -> bool {
        self.connect(address(from)).is_some_and(|stream| {
            let message = self.message_on(stream, &name(from), size);
            self.answers(stream, &message)
        })
    }

    fn answers(&mut self, stream: StreamId, bytes: &[u8]) -> bool {
        let mut outputs = Vec::new();
        for piece in bytes.chunks(64 << 10) {
            outputs.extend(self.data(stream, piece));
        }
        let finish = Output::Stream { id: stream, op: StreamOp::Finish };
        let answered = outputs.contains(&finish);
        self.peer.stream(stream, StreamInput::Finished);
        answered
    }

    pub(crate) fn join(&mut self, from: u16) -> bool {
        let bytes = self.push_pull(Scope::Join, from, 1);
        self.is_answered(from, &bytes)
    }

    /// Whether an unknown newcomer can join.
    pub(crate) fn newcomer_joins(&mut self) -> bool {
        self.newcomers += 1;
        self.join(20_000 + self.newcomers)
    }

    /// Whether a member's ping, push/pull, and reliable message of this size get through.
    pub(crate) fn member_is_served(&mut self, size: usize) -> bool {
        let source = name(MEMBER);
        let ping = Ping { sequence: 7, target: OWN, source: &source, reply_to: None };
        let ping = self.part(|wire, out| match wire {
            Wire::Swim => Frame::Ping(ping).encode(out),
            Wire::Memberlist => memberlist::encode(&Message::Ping(ping), out),
        });
        let push_pull = self.push_pull(Scope::Full, MEMBER, 1);
        self.is_answered(MEMBER, &ping)
            && self.is_answered(MEMBER, &push_pull)
            && self.message_is_answered(MEMBER, size)
    }

    /// An attacker's bytes without a key: at least the beginning of something long.
    pub(crate) fn announce(&mut self, length: usize) -> Vec<u8> {
        let length = u32::try_from(length).unwrap();
        match (self.setting.wire, self.setting.sealed) {
            (Wire::Swim, sealed) => {
                // Everybody on the path knows the header, and can greet.
                let recorded = self.push_pull(Scope::Join, MEMBER, 1);
                let greeting = if sealed { GREETING_SIZE } else { 0 };
                let beginning = &recorded[..wire::header_len(b"") + greeting];
                [beginning, &length.to_be_bytes()].concat()
            }
            (Wire::Memberlist, true) => [&[memberlist::SEALED][..], &length.to_be_bytes()].concat(),
            (Wire::Memberlist, false) => {
                let size = i64::from(length).to_be_bytes();
                [&b"\x08\x81\xaaUserMsgLen\xd3"[..], &size].concat()
            }
        }
    }

    /// How many members a plaintext answer lists.
    pub(crate) fn members_in(&self, answer: &[u8]) -> usize {
        let header = if self.setting.wire == Wire::Swim { wire::header_len(b"") } else { 0 };
        Half::new(self.setting.wire, &answer[header..], 7946).members().count()
    }

    /// The shortages reported, and the sources of the first of each kind.
    pub(crate) fn shortages(&self, wanted: StreamResource) -> Vec<&[StreamSource]> {
        let shortage = |event| match event {
            &Event::StreamsShort { resource, ref sources, .. } if resource == wanted => {
                Some(&sources[..])
            }
            _ => None,
        };
        self.told.iter().filter_map(shortage).collect()
    }
}
