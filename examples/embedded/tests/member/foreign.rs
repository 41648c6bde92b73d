//! Input from members of other builds or other clusters: unreadable input is counted by its reason
//! and dropped.

use std::net::SocketAddr;

use bytes::BytesMut;
use embedded::{Member, Settings};
use swim_core::wire::{self, Message, Ping};
use swim_core::{DropReason, Instant, StreamInput};

use crate::wishes::Wishes;

/// Flags in the second byte of a packet.
const SEALED: u8 = 1;
const COMPRESSED: u8 = 2;
const GREETS: u8 = 4;

const PEER: &str = "10.0.0.2:7946";

fn member(change: impl FnOnce(&mut Settings)) -> Member<Wishes> {
    let address = "10.0.0.1:7946".parse().unwrap();
    let mut settings = Settings::new("sensor-1".parse().unwrap(), address);
    change(&mut settings);
    Member::start(settings, [1; 32], Instant::ORIGIN, Wishes::default()).unwrap()
}

/// The effect of a packet: the answers to it, and the reasons of drops.
fn received(mut member: Member<Wishes>, packet: &[u8]) -> (usize, Vec<DropReason>) {
    let from: SocketAddr = PEER.parse().unwrap();
    member.receive(Instant::ORIGIN, from, packet);
    (member.network().0.len(), drops(&member))
}

fn dropped_on_a_stream(mut member: Member<Wishes>, bytes: &[u8]) -> Vec<DropReason> {
    let from: SocketAddr = PEER.parse().unwrap();
    let stream = member.accept(Instant::ORIGIN, from).unwrap();
    member.receive_on(Instant::ORIGIN, stream, StreamInput::Data(bytes));
    drops(&member)
}

fn drops(member: &Member<Wishes>) -> Vec<DropReason> {
    let drops = member.node().stats().drops;
    drops.iter().filter(|(_, count)| *count > 0).map(|(reason, _)| reason).collect()
}

/// A ping of the native wire, as long as its answer.
fn ping() -> BytesMut {
    let source = "a".repeat(100);
    let ping = Ping { sequence: 7, target: "sensor-1", source: &source, reply_to: None };
    let mut packet = BytesMut::new();
    wire::begin_packet(b"", &mut packet);
    Message::Ping(ping).encode(&mut packet);
    packet
}

/// The same as an LZ4 block of literals, after its length.
fn compressed_ping() -> Vec<u8> {
    let ping = ping();
    let (header, text) = ping.split_at(3);
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    let literals = u8::try_from(text.len() - 15).unwrap();
    let head = [header[0], header[1] | COMPRESSED, header[2], length[0], length[1], 0xF0, literals];
    [&head[..], text].concat()
}

#[test]
fn a_plain_ping_is_answered() {
    assert_eq!(received(member(|_| {}), &ping()), (1, vec![]));
}

#[test]
fn a_compressed_packet_is_read_or_dropped_as_compressed() {
    let outcome =
        if cfg!(feature = "compression") { (1, vec![]) } else { (0, vec![DropReason::Compressed]) };
    assert_eq!(received(member(|_| {}), &compressed_ping()), outcome);
}

#[test]
fn what_is_sealed_is_dropped_as_sealed_where_there_is_no_key() {
    let mut packet = ping();
    packet[1] |= SEALED;
    assert_eq!(received(member(|_| {}), &packet), (0, vec![DropReason::Sealed]));
    packet[1] |= GREETS;
    assert_eq!(dropped_on_a_stream(member(|_| {}), &packet), [DropReason::Sealed]);
}

#[test]
fn memberlists_wire_is_dropped_by_its_name_where_the_native_one_is_spoken() {
    let ping = b"\0\x82\xA4Node\xA8sensor-1\xA5SeqNo\x2A";
    assert_eq!(received(member(|_| {}), ping), (0, vec![DropReason::Memberlist]));
    assert_eq!(dropped_on_a_stream(member(|_| {}), ping), [DropReason::Memberlist]);
}

#[cfg(feature = "memberlist")]
mod on_memberlists_wire {
    use super::*;

    fn member() -> Member<Wishes> {
        super::member(|settings| settings.memberlist = true)
    }

    /// A ping for any name, in LZW with a code for each of its bytes.
    fn compressed_ping() -> Vec<u8> {
        let text = b"\0\x81\xA5SeqNo\x2A";
        let codes = [256].into_iter().chain(text.iter().map(|byte| u32::from(*byte))).chain([257]);
        let (mut packed, mut bits, mut held) = (Vec::new(), 0_u32, 0);
        for code in codes {
            bits |= code << held;
            held += 9;
            while held >= 8 {
                packed.push(bits.to_le_bytes()[0]);
                bits >>= 8;
                held -= 8;
            }
        }
        packed.push(bits.to_le_bytes()[0]);
        let length = u8::try_from(packed.len()).unwrap();
        [b"\x09\x82\xA4Algo\0\xA3Buf\xC4", &[length][..], &packed].concat()
    }

    #[test]
    fn a_compressed_packet_is_read_or_dropped_as_compressed() {
        let outcome = match cfg!(feature = "compression") {
            true => (1, vec![]),
            false => (0, vec![DropReason::Compressed]),
        };
        assert_eq!(received(member(), &compressed_ping()), outcome);
        let on_stream = dropped_on_a_stream(member(), &compressed_ping());
        assert_eq!(on_stream.contains(&DropReason::Compressed), !cfg!(feature = "compression"));
    }

    #[test]
    fn what_is_sealed_is_dropped_as_sealed_where_there_is_no_key() {
        assert_eq!(received(member(), &[1; 40]), (0, vec![DropReason::Sealed]));
        let stream = [&[10, 0, 0, 0, 40][..], &[1; 40]].concat();
        assert_eq!(dropped_on_a_stream(member(), &stream), [DropReason::Sealed]);
    }

    #[test]
    fn the_native_wire_is_dropped_by_its_name() {
        assert_eq!(received(member(), &ping()), (0, vec![DropReason::Swim]));
    }
}
