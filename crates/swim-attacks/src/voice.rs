//! Speaks the protocol as a member does, through the project's own channel.

use std::fmt;

use bytes::{Bytes, BytesMut};
use swim_core::channel::{Channel, Received, Scratch, Side, StreamBuffer};
use swim_core::wire::{self, Ack, Claim, Frame, Message, Ping, Scope, Update, memberlist};
use swim_core::{Config, Incarnation, MemberRef, Wire};

/// A speaker of the protocol.
pub(crate) struct Voice {
    channel: Channel,
    config: Config,
    scratch: Scratch,
}

impl fmt::Debug for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voice").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Returns an alive of a member at an address.
pub(crate) fn alive<'a>(
    config: &Config,
    name: &'a str,
    at: std::net::SocketAddr,
    incarnation: u32,
) -> Message<'a> {
    let versions = config.versions;
    let claim = Claim::Alive { address: at, meta: &[], versions };
    Message::Update(Update { name, incarnation: Incarnation(incarnation), claim })
}

impl Voice {
    pub(crate) fn new(channel: Channel, config: Config) -> Self {
        Voice { channel, config, scratch: Scratch::default() }
    }

    /// Returns a voice with these settings.
    pub(crate) fn of(config: &Config) -> Self {
        Voice::new(Channel::new(config, [3; 32]), config.clone())
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Returns a datagram with the messages that fit.
    pub(crate) fn datagram(&mut self, messages: &[Message<'_>]) -> Bytes {
        let mut draft = self.channel.datagram();
        for message in messages {
            draft.append_if_it_fits(message);
        }
        draft.into_datagram(false).expect("at least one message")
    }

    /// Calls `visit` with each message of a datagram; not at all if it cannot be read.
    pub(crate) fn read(&mut self, datagram: &[u8], mut visit: impl FnMut(&Message<'_>)) {
        if let Ok(opened) = self.channel.open(datagram, &mut self.scratch) {
            opened.read(|message| {
                if let Ok(message) = message {
                    visit(&message);
                }
            });
        }
    }

    /// Returns a ping over a stream. Its answer is read with the same `inbox`.
    pub(crate) fn stream_ping(&mut self, inbox: &mut StreamBuffer, ping: Ping<'_>) -> Bytes {
        self.dialled(inbox, |wire, out| match wire {
            Wire::Swim => Frame::Ping(ping).encode(out),
            Wire::Memberlist => memberlist::encode(&Message::Ping(ping), out),
        })
    }

    /// Returns a push/pull with these members.
    pub(crate) fn push_pull(&mut self, scope: Scope, members: &[MemberRef<'_>]) -> Bytes {
        let members = members.iter().copied();
        self.dialled(&mut StreamBuffer::default(), |wire, out| match wire {
            Wire::Swim => wire::encode_push_pull(scope, 0, members, &[], out),
            Wire::Memberlist => {
                memberlist::encode_push_pull(scope == Scope::Join, members, &[], out);
            }
        })
    }

    /// Returns the answers on a stream, once they are complete.
    pub(crate) fn read_answer(&mut self, inbox: &mut StreamBuffer) -> Option<Received> {
        self.channel.read_half(inbox, Side::Acceptor, usize::MAX).ok().flatten()
    }

    fn dialled(
        &mut self,
        inbox: &mut StreamBuffer,
        write: impl FnOnce(Wire, &mut BytesMut),
    ) -> Bytes {
        let framed = self.channel.framed(write);
        self.channel.sealed(inbox, Side::Dialler, framed)
    }
}

/// Returns an ack without data.
pub(crate) fn ack(sequence: u32) -> Message<'static> {
    Message::Ack(Ack { sequence, payload: &[], view: 0 })
}
