//! Protobuf's encoding, as far as the native wire needs it: borrowed on the way in, listed once on
//! the way out.
//!
//! Written by hand where `prost::encoding` would cost too much: its decoder allocates an error for
//! every broken input, and copies or reference-counts every field.

use core::net::SocketAddr;

use bytes::BytesMut;
use prost::encoding::encoded_len_varint;

use crate::stats::DropReason;

/// Field keys of up to this number take one byte. All numbers of the schema do.
pub(super) const FIELD_NUMBER_MAX: u32 = 15;

/// The kinds of values, as numbered in a key's low three bits. Groups (3 and 4) are not spoken.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
const FIXED32: u8 = 5;

/// A varint of 64 bits takes at most this many bytes.
const VARINT_LEN_MAX: usize = 10;

/// One value, borrowed from the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Varint(u64),
    /// Nothing in the schema has this type yet, so the number itself is skipped.
    Fixed64,
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Value<'a> {
    pub(super) fn varint(self) -> Result<u64, DropReason> {
        if let Value::Varint(value) = self {
            Ok(value)
        } else {
            Err(DropReason::Malformed)
        }
    }

    pub(super) fn fixed32(self) -> Result<u32, DropReason> {
        if let Value::Fixed32(value) = self {
            Ok(value)
        } else {
            Err(DropReason::Malformed)
        }
    }

    pub(super) fn bytes(self) -> Result<&'a [u8], DropReason> {
        if let Value::Bytes(value) = self {
            Ok(value)
        } else {
            Err(DropReason::Malformed)
        }
    }
}

/// Walks over the fields of one message. Every step consumes at least one byte, or ends the walk.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Fields { rest: body }
    }

    /// The next field's number and value; `None` at the end. After an error nothing follows: the
    /// place where the next field would start is unknown.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'a>)>, DropReason> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        field.map(Some).ok_or(DropReason::Malformed)
    }

    #[inline]
    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = u32::try_from(self.varint()?).ok()?;
        let number = key >> 3;
        let value = match (key & 7) as u8 {
            _ if number == 0 => return None,
            VARINT => Value::Varint(self.varint()?),
            FIXED64 => {
                self.rest = self.rest.get(8..)?;
                Value::Fixed64
            }
            BYTES => {
                // The length is compared with what is there before anything is done with it.
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            FIXED32 => {
                let (bytes, rest) = self.rest.split_first_chunk::<4>()?;
                self.rest = rest;
                Value::Fixed32(u32::from_le_bytes(*bytes))
            }
            _ => return None,
        };
        Some((number, value))
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        let (&byte, rest) = self.rest.split_first()?;
        if byte < 0x80 {
            self.rest = rest;
            return Some(u64::from(byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(VARINT_LEN_MAX).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The tenth byte has room for the last bit only.
                let overflows = index + 1 == VARINT_LEN_MAX && byte > 1;
                self.rest = self.rest.get(index + 1..)?;
                return (!overflows).then_some(value);
            }
        }
        None
    }
}

/// Takes the fields of a message, in the order of their numbers. Each message lists its fields
/// once, for measuring and for writing, so that the two cannot disagree.
pub(super) trait Sink {
    /// A string or bytes field; left out when empty.
    fn bytes(&mut self, number: u32, value: &[u8]);
    /// A fixed32 field; left out when 0.
    fn fixed32(&mut self, number: u32, value: u32);
    /// A varint field; left out when 0.
    fn varint(&mut self, number: u32, value: u64);
    /// An address: IP and port in one bytes field, both in network byte order.
    fn address(&mut self, number: u32, value: SocketAddr);
}

/// A message: gives its fields to a sink.
pub(super) trait Body {
    fn fields(&self, sink: &mut impl Sink);

    /// The size of the encoded message, without the key and length that may stand before it.
    #[inline]
    fn body_len(&self) -> usize {
        let mut length = Length::default();
        self.fields(&mut length);
        length.0
    }
}

/// Appends a message as a length-delimited field.
#[inline]
pub(super) fn put_message(out: &mut BytesMut, number: u32, message: &impl Body) {
    let length = message.body_len();
    out.reserve(delimited_len(length));
    put_head(out, number, length);
    message.fields(&mut Writer(out));
}

/// Measures a message.
#[derive(Debug, Default)]
pub(super) struct Length(pub(super) usize);

impl Sink for Length {
    #[inline]
    fn bytes(&mut self, _number: u32, value: &[u8]) {
        if !value.is_empty() {
            self.0 += delimited_len(value.len());
        }
    }

    #[inline]
    fn fixed32(&mut self, _number: u32, value: u32) {
        if value != 0 {
            self.0 += 5;
        }
    }

    #[inline]
    fn varint(&mut self, _number: u32, value: u64) {
        if value != 0 {
            self.0 += 1 + encoded_len_varint(value);
        }
    }

    #[inline]
    fn address(&mut self, _number: u32, value: SocketAddr) {
        self.0 += delimited_len(address_len(value));
    }
}

/// Appends a message to a buffer.
#[derive(Debug)]
pub(super) struct Writer<'b>(pub(super) &'b mut BytesMut);

impl Sink for Writer<'_> {
    #[inline]
    fn bytes(&mut self, number: u32, value: &[u8]) {
        if !value.is_empty() {
            put_head(self.0, number, value.len());
            self.0.extend_from_slice(value);
        }
    }

    #[inline]
    fn fixed32(&mut self, number: u32, value: u32) {
        if value != 0 {
            let [a, b, c, d] = value.to_le_bytes();
            self.0
                .extend_from_slice(&[key(number, FIXED32), a, b, c, d]);
        }
    }

    #[inline]
    fn varint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.0.extend_from_slice(&[key(number, VARINT)]);
            put_varint(self.0, value);
        }
    }

    #[inline]
    fn address(&mut self, number: u32, value: SocketAddr) {
        let [high, low] = value.port().to_be_bytes();
        put_head(self.0, number, address_len(value));
        match value {
            SocketAddr::V4(value) => {
                let [a, b, c, d] = value.ip().octets();
                self.0.extend_from_slice(&[a, b, c, d, high, low]);
            }
            SocketAddr::V6(value) => {
                self.0.extend_from_slice(&value.ip().octets());
                self.0.extend_from_slice(&[high, low]);
            }
        }
    }
}

/// The size of a length-delimited field with `length` bytes of content: key, length, content.
#[inline]
pub(super) const fn delimited_len(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

/// Appends the key and the length that stand before length-delimited content.
#[inline]
pub(super) fn put_head(out: &mut BytesMut, number: u32, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.extend_from_slice(&[key(number, BYTES), short]),
        _ => {
            out.extend_from_slice(&[key(number, BYTES)]);
            put_varint(out, length as u64);
        }
    }
}

fn put_varint(out: &mut BytesMut, value: u64) {
    prost::encoding::encode_varint(value, out);
}

const fn key(number: u32, kind: u8) -> u8 {
    debug_assert!(0 < number && number <= FIELD_NUMBER_MAX);
    let [number, ..] = number.to_le_bytes();
    number << 3 | kind
}

const fn address_len(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(_) => 4 + 2,
        SocketAddr::V6(_) => 16 + 2,
    }
}
