//! The byte encoding of a foca cluster, which foca leaves to its user.

use core::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use bytes::{Buf, BufMut};
use foca::{Codec, Header, Member, Message, State};

use super::foca_identity::Peer;

/// The shortest encoding of fixed width.
///
/// It has 8 bytes for an identity, 11 for a member, 19 or more for a header. Padding takes the
/// place of an identity's name.
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedWidth {
    /// The bytes of that padding.
    pub(super) name: usize,
}

/// There was no room for a whole item, or no item to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no whole item")
    }
}

impl core::error::Error for Unfit {}

/// The bytes of an identity without its name.
const PEER: usize = 8;
/// The bytes of an incarnation, and of a state or message kind.
const REST: usize = 3;

const PING: u8 = 0;
const ACK: u8 = 1;
const PING_REQUEST: u8 = 2;
const INDIRECT_PING: u8 = 3;
const INDIRECT_ACK: u8 = 4;
const FORWARDED_ACK: u8 = 5;
const ANNOUNCE: u8 = 6;
const FEED: u8 = 7;
const GOSSIP: u8 = 8;
const BROADCAST: u8 = 9;
const TURN_UNDEAD: u8 = 10;

impl Codec<Peer> for FixedWidth {
    type Error = Unfit;

    fn encode_header(&mut self, header: &Header<Peer>, mut buf: impl BufMut) -> Result<(), Unfit> {
        let (kind, peer, probe) = parts(&header.message);
        let peers = 2 + usize::from(peer.is_some());
        let size = peers * self.peer() + REST + usize::from(probe.is_some());
        need(buf.remaining_mut(), size)?;
        self.put_peer(&header.src, &mut buf);
        buf.put_u16(header.src_incarnation);
        self.put_peer(&header.dst, &mut buf);
        buf.put_u8(kind);
        if let Some(peer) = peer {
            self.put_peer(&peer, &mut buf);
        }
        if let Some(probe) = probe {
            buf.put_u8(probe);
        }
        Ok(())
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Peer>, Unfit> {
        need(buf.remaining(), 2 * self.peer() + REST)?;
        let src = self.get_peer(&mut buf);
        let src_incarnation = buf.get_u16();
        let dst = self.get_peer(&mut buf);
        let message = self.get_message(&mut buf)?;
        Ok(Header { src, src_incarnation, dst, message })
    }

    fn encode_member(&mut self, member: &Member<Peer>, mut buf: impl BufMut) -> Result<(), Unfit> {
        need(buf.remaining_mut(), self.peer() + REST)?;
        self.put_peer(member.id(), &mut buf);
        buf.put_u16(member.incarnation());
        buf.put_u8(match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        });
        Ok(())
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member<Peer>, Unfit> {
        need(buf.remaining(), self.peer() + REST)?;
        let peer = self.get_peer(&mut buf);
        let incarnation = buf.get_u16();
        let state = match buf.get_u8() {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            _ => return Err(Unfit),
        };
        Ok(Member::new(peer, incarnation, state))
    }
}

impl FixedWidth {
    /// Returns the bytes of an identity.
    fn peer(self) -> usize {
        PEER + self.name
    }

    fn get_message(self, buf: &mut impl Buf) -> Result<Message<Peer>, Unfit> {
        let kind = buf.get_u8();
        let size = match kind {
            PING | ACK => 1,
            PING_REQUEST..=FORWARDED_ACK => self.peer() + 1,
            _ => 0,
        };
        need(buf.remaining(), size)?;
        Ok(match kind {
            PING => Message::Ping(buf.get_u8()),
            ACK => Message::Ack(buf.get_u8()),
            PING_REQUEST => {
                Message::PingReq { target: self.get_peer(buf), probe_number: buf.get_u8() }
            }
            INDIRECT_PING => {
                Message::IndirectPing { origin: self.get_peer(buf), probe_number: buf.get_u8() }
            }
            INDIRECT_ACK => {
                Message::IndirectAck { target: self.get_peer(buf), probe_number: buf.get_u8() }
            }
            FORWARDED_ACK => {
                Message::ForwardedAck { origin: self.get_peer(buf), probe_number: buf.get_u8() }
            }
            ANNOUNCE => Message::Announce,
            FEED => Message::Feed,
            GOSSIP => Message::Gossip,
            BROADCAST => Message::Broadcast,
            TURN_UNDEAD => Message::TurnUndead,
            _ => return Err(Unfit),
        })
    }

    fn put_peer(self, peer: &Peer, buf: &mut impl BufMut) {
        buf.put_u32(peer.address.ip().to_bits());
        buf.put_u16(peer.address.port());
        buf.put_u16(peer.renewals);
        buf.put_bytes(0, self.name);
    }

    fn get_peer(self, buf: &mut impl Buf) -> Peer {
        let ip = Ipv4Addr::from_bits(buf.get_u32());
        let address = SocketAddrV4::new(ip, buf.get_u16());
        let renewals = buf.get_u16();
        buf.advance(self.name);
        Peer { address, renewals }
    }
}

/// Returns the kind of a message, and its identity and probe number if it has them.
fn parts(message: &Message<Peer>) -> (u8, Option<Peer>, Option<u8>) {
    match *message {
        Message::Ping(probe) => (PING, None, Some(probe)),
        Message::Ack(probe) => (ACK, None, Some(probe)),
        Message::PingReq { target, probe_number } => {
            (PING_REQUEST, Some(target), Some(probe_number))
        }
        Message::IndirectPing { origin, probe_number } => {
            (INDIRECT_PING, Some(origin), Some(probe_number))
        }
        Message::IndirectAck { target, probe_number } => {
            (INDIRECT_ACK, Some(target), Some(probe_number))
        }
        Message::ForwardedAck { origin, probe_number } => {
            (FORWARDED_ACK, Some(origin), Some(probe_number))
        }
        Message::Announce => (ANNOUNCE, None, None),
        Message::Feed => (FEED, None, None),
        Message::Gossip => (GOSSIP, None, None),
        Message::Broadcast => (BROADCAST, None, None),
        Message::TurnUndead => (TURN_UNDEAD, None, None),
    }
}

fn need(room: usize, size: usize) -> Result<(), Unfit> {
    if room < size { Err(Unfit) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> [Message<Peer>; 11] {
        let (target, origin, probe_number) = (Peer::on(3), Peer::on(4), 200);
        [
            Message::Ping(1),
            Message::Ack(255),
            Message::PingReq { target, probe_number },
            Message::IndirectPing { origin, probe_number },
            Message::IndirectAck { target, probe_number },
            Message::ForwardedAck { origin, probe_number },
            Message::Announce,
            Message::Feed,
            Message::Gossip,
            Message::Broadcast,
            Message::TurnUndead,
        ]
    }

    #[test]
    fn what_is_written_can_be_read() {
        for (message, name) in messages().into_iter().zip([0, 6].into_iter().cycle()) {
            let mut codec = FixedWidth { name };
            let dst = Peer { renewals: 500, ..Peer::on(70_000) };
            let header = Header { src: Peer::on(0), src_incarnation: 513, dst, message };
            let mut bytes = Vec::new();
            codec.encode_header(&header, &mut bytes).unwrap();
            let mut rest = bytes.as_slice();
            assert_eq!(codec.decode_header(&mut rest), Ok(header.clone()));
            assert!(rest.is_empty());
            for size in 0..bytes.len() {
                assert_eq!(codec.decode_header(&bytes[..size]), Err(Unfit));
                let mut short = Vec::new();
                let written = codec.encode_header(&header, (&mut short).limit(size));
                assert_eq!((written, short.len()), (Err(Unfit), 0));
            }
        }
    }

    #[test]
    fn members_take_eleven_bytes() {
        for state in [State::Alive, State::Suspect, State::Down] {
            let member = Member::new(Peer::on(9), 7, state);
            let (mut codec, mut bytes) = (FixedWidth { name: 0 }, Vec::new());
            codec.encode_member(&member, &mut bytes).unwrap();
            assert_eq!(bytes.len(), 11);
            assert_eq!(codec.decode_member(bytes.as_slice()), Ok(member));
        }
    }
}
