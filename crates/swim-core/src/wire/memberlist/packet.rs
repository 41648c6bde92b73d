//! memberlist's wire: packets, behind label and seal. A checksum, then one message, which may be
//! several in one, or compressed.

use bytes::BytesMut;

use super::lzw::{Lzw, keep};
use super::messages::{Compressed, decode_message};
use super::msgpack::{Length, Reader, Sink};
use super::stream;
use super::{ALIVE, CHECKSUM, COMPOUND, COMPRESSED, LZW, PUSH_PULL, USER};
use crate::stats::DropReason;
use crate::wire::Message;
use crate::wire::allowance::{Allowance, Weight};

/// The most messages that go into one compound: their number travels in one byte.
pub const COMPOUND_PARTS_MAX: usize = 255;
/// What a compound costs besides its messages, in bytes.
pub const COMPOUND_OVERHEAD: usize = 2;
/// What a compound costs for each of its messages, in bytes.
pub const COMPOUND_PART_OVERHEAD: usize = 2;
/// What a checksum costs, in bytes.
pub const CHECKSUM_OVERHEAD: usize = 5;
/// How often a compound or a compressed message may stand in one another. Go sends two at most, a
/// compressed compound, and reads any number.
pub const NESTING_MAX: usize = 4;
/// How many bytes a packet may decompress to, all of its parts together. Go allows each part
/// 40 MiB, which makes a packet of 1400 bytes cost a receiver seconds and gigabytes; what it sends
/// itself comes from one UDP packet of at most 64 KiB. Each part counts for 4 KiB at least.
pub const UNPACKED_PACKET_MAX: usize = 1 << 20;

/// The least that a compressed message counts for, of [`UNPACKED_PACKET_MAX`]: setting up the
/// decoder takes as much time as a few hundred bytes of text. Without it, a packet could have it
/// set up for each of the sixty thousand messages of a few bytes that fit.
const UNPACKED_MESSAGE_MIN: usize = 4 << 10;

/// The shortest text that compression can make shorter; an ack is below. A code stands for one byte
/// more than the longest before it at best, so it takes 7 for 25 bytes. With the two codes around
/// them they have 11 bytes, and the message that they stand in 13 more.
const COMPRESSIBLE_SIZE_MIN: usize = 25;

/// Walks over the messages of a packet's text, as it is behind label and seal, and calls `visit`
/// with each, or with the reason why it is dropped; the others follow all the same.
///
/// A port of 0 in the address of a member is replaced by `default_port`. Nothing is copied or
/// allocated, unless the text is compressed; then `lzw` holds a buffer for it.
///
/// The reasons: [`DropReason::Truncated`] for a message without a byte,
/// [`DropReason::Unrecognised`] for a type that has no place in a packet, [`DropReason::TooLarge`]
/// for what decompresses to more than [`UNPACKED_PACKET_MAX`] bytes, [`DropReason::BadAddress`] for
/// one that is neither IPv4 nor IPv6, [`DropReason::Versions`] for fewer than six of them, and
/// [`DropReason::Malformed`] for the rest: a wrong checksum, a broken structure, a name that is
/// empty, too long, or no UTF-8.
pub fn read_packet(
    text: &[u8],
    default_port: u16,
    lzw: &mut Lzw,
    visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
) {
    read_packet_within(text, default_port, lzw, Allowance::ANY, visit);
}

/// The same, of a text that may be so much work where it is compressed; more is
/// [`DropReason::Overpacked`].
pub(crate) fn read_packet_within(
    text: &[u8],
    default_port: u16,
    lzw: &mut Lzw,
    allowance: Allowance,
    visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
) {
    match open_checksum(text) {
        Ok(text) => {
            let unpacked_left = UNPACKED_PACKET_MAX.min(allowance.unpacked());
            let too_large = match unpacked_left {
                UNPACKED_PACKET_MAX => DropReason::TooLarge,
                _ => DropReason::Overpacked,
            };
            let mut walk = Walk { default_port, lzw, visit, unpacked_left, too_large, allowance };
            walk.message(text, NESTING_MAX);
        }
        Err(reason) => visit(Err(reason)),
    }
}

/// Makes a compound of the messages that stand behind each other in `out` from `start` on: puts its
/// head before them. `parts` has their lengths, in bytes.
///
/// One message is left as it is. There are at most [`COMPOUND_PARTS_MAX`]; those beyond are cut
/// off.
pub fn make_compound(out: &mut BytesMut, start: usize, parts: &[u16]) {
    debug_assert!(parts.len() <= COMPOUND_PARTS_MAX, "the caller counts");
    let parts = &parts[..parts.len().min(COMPOUND_PARTS_MAX)];
    let size: usize = parts.iter().copied().map(usize::from).sum();
    debug_assert_eq!(start + size, out.len(), "the parts are all that is there");
    if parts.len() < 2 {
        return;
    }
    out.truncate(start.saturating_add(size));
    let head = insert(out, start, COMPOUND_OVERHEAD + parts.len() * COMPOUND_PART_OVERHEAD);
    let (fixed, lengths) = head.split_at_mut(COMPOUND_OVERHEAD);
    fixed.copy_from_slice(&[COMPOUND, u8::try_from(parts.len()).unwrap_or(u8::MAX)]);
    for (place, length) in lengths.chunks_exact_mut(COMPOUND_PART_OVERHEAD).zip(parts) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Replaces what stands in `out` from `start` on by its compressed form, if that is shorter; says
/// whether it was.
pub fn compress_packet(out: &mut BytesMut, start: usize, lzw: &mut Lzw) -> bool {
    compress_packet_within(out, start, lzw, |_| Allowance::ANY)
}

/// The same, unless a receiver is not `allowed` the work of the text that came in so many bytes.
pub(crate) fn compress_packet_within(
    out: &mut BytesMut,
    start: usize,
    lzw: &mut Lzw,
    allowed: impl Fn(usize) -> Allowance,
) -> bool {
    let text = out.get(start..).unwrap_or_default();
    if text.len() < COMPRESSIBLE_SIZE_MIN {
        return false;
    }
    let Some(size_max) = text.len().checked_sub(packed_len(0) + 1) else {
        return false;
    };
    let mut packed = core::mem::take(&mut lzw.packed);
    // The bound leaves out that the length of a longer text takes more bytes.
    let shorter = lzw.compress_within(text, &mut packed, size_max)
        && packed_len(packed.len()) < text.len()
        && is_affordable(text, allowed(packed.len()));
    if shorter {
        out.truncate(start);
        put_packed(&packed, out);
    }
    lzw.packed = keep(packed);
    shorter
}

/// Puts a checksum before what stands in `out` from `start` on. It goes outside of everything but
/// seal and label, and only to a member that announces protocol version 5 or above.
pub fn add_checksum(out: &mut BytesMut, start: usize) {
    let checksum = crc32fast::hash(out.get(start..).unwrap_or_default());
    let [first, rest @ ..] = insert(out, start, CHECKSUM_OVERHEAD) else {
        return;
    };
    *first = CHECKSUM;
    rest.copy_from_slice(&checksum.to_be_bytes());
}

/// Appends compressed text as a message.
pub(super) fn put_packed(packed: &[u8], out: &mut BytesMut) {
    out.reserve(packed_len(packed.len()));
    put_packed_head(out);
    out.raw(packed);
}

/// The message before the compressed text and its length.
fn put_packed_head(sink: &mut impl Sink) {
    sink.put(&[COMPRESSED]);
    sink.fields(2);
    sink.unsigned("Algo", LZW.into());
    sink.name("Buf");
}

/// How many bytes [`put_packed`] appends for so many bytes of compressed text.
fn packed_len(size: usize) -> usize {
    let mut length = Length::default();
    put_packed_head(&mut length);
    length.raw_head(size);
    length.0 + size
}

/// Makes room for `size` bytes at `start`, and gives them.
fn insert(out: &mut BytesMut, start: usize, size: usize) -> &mut [u8] {
    let start = start.min(out.len());
    let end = out.len();
    out.resize(end + size, 0);
    out.copy_within(start..end, start + size);
    &mut out[start..start + size]
}

/// Checks and takes off the checksum, if there is one.
fn open_checksum(text: &[u8]) -> Result<&[u8], DropReason> {
    let Some((&[CHECKSUM, a, b, c, d], text)) = text.split_first_chunk::<CHECKSUM_OVERHEAD>()
    else {
        return Ok(text);
    };
    if crc32fast::hash(text) == u32::from_be_bytes([a, b, c, d]) {
        Ok(text)
    } else {
        Err(DropReason::Checksum)
    }
}

/// Whether a compressed text is no more work than it may be.
fn is_affordable(text: &[u8], mut allowance: Allowance) -> bool {
    text.len() <= allowance.unpacked() && affords(text, NESTING_MAX, &mut allowance)
}

/// Takes what the messages in a compressed text cost; returns whether so much was left.
pub(super) fn affords(text: &[u8], layers_left: usize, allowance: &mut Allowance) -> bool {
    match (text.first(), layers_left.checked_sub(1)) {
        (Some(&PUSH_PULL), _) => stream::affords_table(text, allowance),
        (Some(&COMPOUND), Some(layers_left)) => {
            let mut left = allowance.take(Weight::Other, 0);
            // What is broken ends it here as it does when the parts are read.
            _ = parts(&text[1..], |part| {
                left = left && affords(part, layers_left, allowance);
                left
            });
            left
        }
        (Some(&ALIVE), _) => allowance.take(Weight::Member, text.len()),
        (Some(&USER), _) => allowance.take(Weight::Payload, text.len()),
        _ => allowance.take(Weight::Other, text.len()),
    }
}

/// Hands `visit` each part of a compound, as long as it returns `true`.
fn parts(body: &[u8], mut visit: impl FnMut(&[u8]) -> bool) -> Result<(), DropReason> {
    let mut reader = Reader::new(body);
    let count = reader.raw(1)?.first().copied().unwrap_or_default();
    let lengths = reader.raw(usize::from(count) * COMPOUND_PART_OVERHEAD)?;
    for length in lengths.as_chunks::<COMPOUND_PART_OVERHEAD>().0 {
        let part = reader.raw(u16::from_be_bytes(*length).into())?;
        if !visit(part) {
            break;
        }
    }
    Ok(())
}

struct Walk<'w> {
    default_port: u16,
    lzw: &'w mut Lzw,
    visit: &'w mut dyn FnMut(Result<Message<'_>, DropReason>),
    /// How many bytes the packet may still decompress to.
    unpacked_left: usize,
    /// Why more is dropped.
    too_large: DropReason,
    /// What its compressed parts may be as work, and what of it is left.
    allowance: Allowance,
}

impl Walk<'_> {
    /// One message, in which `layers_left` others may still stand in one another.
    fn message(&mut self, text: &[u8], layers_left: usize) {
        let Some((&kind, body)) = text.split_first() else {
            return (self.visit)(Err(DropReason::Truncated));
        };
        let outcome = match (kind, layers_left.checked_sub(1)) {
            (COMPOUND | COMPRESSED, None) => Err(DropReason::Malformed),
            (COMPOUND, Some(layers_left)) => self.compound(body, layers_left),
            (COMPRESSED, Some(layers_left)) => self.compressed(body, layers_left),
            _ => {
                let message = decode_message(kind, body, self.default_port);
                return (self.visit)(message);
            }
        };
        if let Err(reason) = outcome {
            (self.visit)(Err(reason));
        }
    }

    fn compound(&mut self, body: &[u8], layers_left: usize) -> Result<(), DropReason> {
        parts(body, |part| {
            self.message(part, layers_left);
            true
        })
    }

    fn compressed(&mut self, body: &[u8], layers_left: usize) -> Result<(), DropReason> {
        let compressed = Compressed::decode(Reader::new(body))?;
        if compressed.algorithm != LZW {
            return Err(DropReason::Malformed);
        }
        let mut buffer = core::mem::take(&mut self.lzw.unpacked);
        let limit = self.unpacked_left;
        let (size, outcome) = self.lzw.decompress_into(compressed.text, &mut buffer, limit);
        let text = &buffer[..size];
        // Also what came out before an error: it took as much time.
        let spent = size.max(UNPACKED_MESSAGE_MIN);
        self.unpacked_left = self.unpacked_left.saturating_sub(spent);
        let outcome = match outcome {
            Ok(()) if affords(text, layers_left, &mut self.allowance) => {
                self.message(text, layers_left);
                Ok(())
            }
            Ok(()) => Err(DropReason::Overpacked),
            Err(DropReason::TooLarge) => Err(self.too_large),
            Err(reason) => Err(reason),
        };
        self.lzw.unpacked = keep(buffer);
        outcome
    }
}
