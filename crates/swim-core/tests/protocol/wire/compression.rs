//! Compressed packets, and others that claim to be.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use swim_core::DropReason;
use swim_core::wire::{self, DATAGRAM_SIZE_MAX, Lz4, compress_packet, unpack_packet};

use super::packets::packet;

const LABEL: &[u8] = b"staging";
const START: usize = 10;

/// A packet with this text, compressed if that makes it shorter.
fn compressed(text: &[u8], lz4: &mut Lz4) -> (Vec<u8>, bool) {
    let mut out = BytesMut::from(&packet(LABEL, text)[..]);
    let is_shorter = compress_packet(&mut out, START, lz4);
    (out.to_vec(), is_shorter)
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, DropReason> {
    unpack_packet(packed, &mut Vec::new()).map(<[u8]>::to_vec)
}

/// A block of this many zeros behind a length of `claimed`.
fn zeros(size: usize, claimed: u16) -> Vec<u8> {
    let (packet, is_shorter) = compressed(&vec![0; size], &mut Lz4::default());
    assert!(is_shorter);
    let mut packed = packet[START..].to_vec();
    packed[..2].copy_from_slice(&claimed.to_be_bytes());
    packed
}

#[test]
fn a_compressed_packet_says_so_in_its_header_and_how_long_it_was() {
    let text = b"cache-0001 cache-0002 cache-0003 cache-0004 cache-0005 cache-0006 cache-0007";
    let (packet, is_shorter) = compressed(text, &mut Lz4::default());
    assert!(is_shorter);
    assert_eq!(packet[..START], *b"\xC1\x12\x07staging");
    assert_eq!(packet[START..START + 2], [0, 76]);
    assert!(packet.len() < START + text.len());
    assert_eq!(unpacked(&packet[START..]), Ok(text.to_vec()));
}

#[test]
fn what_gets_no_shorter_is_left_as_it_is() {
    // Too short to be tried, without a pattern, too long for a datagram, or without a header.
    let random: Vec<u8> = (0..=255u8).map(|byte| byte.wrapping_mul(167) ^ byte >> 3).collect();
    for text in [&[0; 63][..], b"", &random, &vec![0; DATAGRAM_SIZE_MAX + 1]] {
        let (packed, is_shorter) = compressed(text, &mut Lz4::default());
        assert!(!is_shorter, "{} bytes", text.len());
        assert_eq!(packed, packet(LABEL, text));
    }
    for start in [0, 2, 200] {
        let mut bytes = BytesMut::from(&[0; 100][..]);
        assert!(!compress_packet(&mut bytes, start, &mut Lz4::default()));
        assert_eq!(bytes[..], [0; 100]);
    }
    assert!(compressed(&[0; 64], &mut Lz4::default()).1);
}

#[test]
fn a_text_as_long_as_a_datagram_comes_back() {
    let text = vec![7; DATAGRAM_SIZE_MAX];
    let (packet, _) = compressed(&text, &mut Lz4::default());
    assert!(packet.len() < 300);
    assert_eq!(unpacked(&packet[START..]), Ok(text));
}

#[test]
fn a_wrong_length_is_malformed() {
    assert_eq!(unpacked(&zeros(1000, 1000)), Ok(vec![0; 1000]));
    for claimed in [0, 1, 999, 1001, 65_507, 65_508, u16::MAX] {
        assert_eq!(unpacked(&zeros(1000, claimed)), Err(DropReason::Malformed), "{claimed}");
    }
    // More than a datagram holds, with the true length.
    let mut bomb = vec![0xFF, 0xFF, 0x1F, 0, 1, 0];
    bomb.extend_from_slice(&[0xFF; 300]);
    bomb.extend_from_slice(&[0; 6]);
    assert_eq!(unpacked(&bomb), Err(DropReason::Malformed));
}

#[test]
fn a_text_that_was_cut_is_malformed() {
    let text: Vec<u8> = (0..100u8).flat_map(|n| [n, b'c', b'a', b'c', b'h', b'e']).collect();
    let (packet, _) = compressed(&text, &mut Lz4::default());
    for end in START..packet.len() {
        assert_eq!(unpacked(&packet[START..end]), Err(DropReason::Malformed), "{end} bytes");
    }
}

#[test]
fn no_byte_of_an_earlier_packet_comes_back() {
    let mut buffer = Vec::new();
    unpack_packet(&zeros(1000, 1000), &mut buffer).unwrap();
    buffer.fill(b's');
    // A copy from before the start of the text, from its end on, and of length zero.
    for block in [&b"\x10a\x02\x00\x50bcdef"[..], b"\x0F\x01\x00\x20", b"\x10a\x00\x00\x50bcdef"] {
        for claimed in [9, 10, 20, 100] {
            let packed = [&[0, claimed], block].concat();
            assert_eq!(unpack_packet(&packed, &mut buffer), Err(DropReason::Malformed));
        }
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_and_is_never_longer(texts in vec(vec(0..4_u8, 0..3000), 1..4)) {
        let (mut lz4, mut buffer) = (Lz4::default(), Vec::new());
        for text in texts {
            let plain = packet(LABEL, &text);
            let (packet, is_shorter) = compressed(&text, &mut lz4);
            if is_shorter {
                prop_assert!(packet.len() < plain.len());
                prop_assert_eq!(unpack_packet(&packet[START..], &mut buffer), Ok(&text[..]));
                let refused = wire::open_packet(&packet, LABEL).err();
                prop_assert_eq!(refused, Some(DropReason::Compressed));
            } else {
                prop_assert_eq!(packet, plain);
            }
        }
    }

    #[test]
    fn any_bytes_unpack_to_what_they_say_or_not_at_all(
        length in 0..2000_u16,
        mut packed in vec(any::<u8>(), 0..300),
    ) {
        let mut buffer = Vec::new();
        if let Ok(text) = unpack_packet(&packed, &mut buffer) {
            prop_assert_eq!(text.len(), usize::from(u16::from_be_bytes([packed[0], packed[1]])));
        }
        prop_assert!(buffer.len() <= DATAGRAM_SIZE_MAX);
        // With a length that may be right.
        packed.splice(..packed.len().min(2), length.to_be_bytes());
        if let Ok(text) = unpack_packet(&packed, &mut buffer) {
            prop_assert_eq!(text.len(), usize::from(length));
        }
    }

    #[test]
    fn a_damaged_packet_unpacks_to_as_many_bytes_or_not_at_all(
        text in vec(0..3_u8, 64..1500),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (packet, is_shorter) = compressed(&text, &mut Lz4::default());
        let mut packed = packet[START..].to_vec();
        for (place, byte) in damage {
            packed[2..][place.index(packet.len() - START - 2)] = byte;
        }
        if is_shorter && let Ok(text) = unpacked(&packed) {
            prop_assert_eq!(text.len(), usize::from(u16::from_be_bytes([packed[0], packed[1]])));
        }
    }
}
