//! The part of protobuf's encoding that the native wire needs: input is borrowed, and output is
//! listed once.
//!
//! Written by hand, because `prost::encoding` costs too much: its decoder allocates an error for
//! each broken input, and copies or reference-counts each field.

use core::net::SocketAddr;
use core::ops::RangeInclusive;

use bytes::BytesMut;
use prost::encoding::encoded_len_varint;

use crate::stats::DropReason;

/// Field keys up to this number take one byte. All numbers of the schema do.
pub(super) const FIELD_NUMBER_MAX: u32 = 15;

/// The kinds of values, as in a key's low three bits. Groups (3 and 4) are not supported.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/// The most bytes of a 64-bit varint.
const VARINT_LEN_MAX: usize = 10;

/// A field's key: its number, and the kind of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(u32);

impl Key {
    #[inline]
    pub(super) fn number(self) -> u32 {
        self.0 >> 3
    }
}

/// Walks over the fields of a message: a key, then its value, which the caller reads by its kind or
/// skips. Each step takes at least one byte, or ends the walk.
///
/// Nothing follows an error, because the start of the next field is unknown.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn new(body: &'a [u8]) -> Self {
        Fields { rest: body }
    }

    /// The number of bytes left.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// The next field's key; `None` at the end.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<Key>, DropReason> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        match u32::try_from(self.read_varint()?) {
            Ok(key) if key >> 3 != 0 => Ok(Some(Key(key))),
            _ => Err(self.broken()),
        }
    }

    #[inline]
    pub(super) fn varint(&mut self, key: Key) -> Result<u64, DropReason> {
        if key.0 & 7 == VARINT { self.read_varint() } else { Err(self.broken()) }
    }

    #[inline]
    pub(super) fn fixed32(&mut self, key: Key) -> Result<u32, DropReason> {
        match self.rest.split_first_chunk::<4>() {
            Some((bytes, rest)) if key.0 & 7 == FIXED32 => {
                self.rest = rest;
                Ok(u32::from_le_bytes(*bytes))
            }
            _ => Err(self.broken()),
        }
    }

    #[inline]
    pub(super) fn fixed64(&mut self, key: Key) -> Result<u64, DropReason> {
        match self.rest.split_first_chunk::<8>() {
            Some((bytes, rest)) if key.0 & 7 == FIXED64 => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*bytes))
            }
            _ => Err(self.broken()),
        }
    }

    #[inline]
    pub(super) fn bytes(&mut self, key: Key) -> Result<&'a [u8], DropReason> {
        if key.0 & 7 != BYTES {
            return Err(self.broken());
        }
        let length = self.read_varint()?;
        // Compared with the bytes left before any use.
        let split = usize::try_from(length).ok().and_then(|size| self.rest.split_at_checked(size));
        let Some((bytes, rest)) = split else {
            return Err(self.broken());
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// Skips a value of any kind.
    #[inline]
    pub(super) fn skip(&mut self, key: Key) -> Result<(), DropReason> {
        match key.0 & 7 {
            VARINT => self.read_varint().map(|_| ()),
            BYTES => self.bytes(key).map(|_| ()),
            FIXED32 => self.skip_bytes(4),
            FIXED64 => self.skip_bytes(8),
            _ => Err(self.broken()),
        }
    }

    /// The next length-delimited field with one of these numbers. Fields with other numbers are
    /// skipped. A field with one of these numbers and another kind of value is an error, after
    /// which the walk can go on.
    #[inline]
    pub(super) fn next_bytes(
        &mut self,
        numbers: RangeInclusive<u32>,
    ) -> Result<Option<(u32, &'a [u8])>, DropReason> {
        while let Some(key) = self.key()? {
            if !numbers.contains(&key.number()) {
                self.skip(key)?;
            } else if key.0 & 7 == BYTES {
                return self.bytes(key).map(|bytes| Some((key.number(), bytes)));
            } else {
                self.skip(key)?;
                return Err(DropReason::Malformed);
            }
        }
        Ok(None)
    }

    fn skip_bytes(&mut self, size: usize) -> Result<(), DropReason> {
        let Some(rest) = self.rest.get(size..) else {
            return Err(self.broken());
        };
        self.rest = rest;
        Ok(())
    }

    #[inline]
    fn read_varint(&mut self) -> Result<u64, DropReason> {
        match *self.rest {
            [byte @ 0..=0x7f, ref rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.read_long_varint(),
        }
    }

    fn read_long_varint(&mut self) -> Result<u64, DropReason> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(VARINT_LEN_MAX).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The tenth byte has room for only the last bit.
                if index + 1 == VARINT_LEN_MAX && byte > 1 {
                    break;
                }
                self.skip_bytes(index + 1)?;
                return Ok(value);
            }
        }
        Err(self.broken())
    }

    #[cold]
    fn broken(&mut self) -> DropReason {
        self.rest = &[];
        DropReason::Malformed
    }
}

/// Takes the fields of a message in the order of their numbers. Each message lists its fields once,
/// for both measuring and writing, so that the two never disagree.
pub(super) trait Sink {
    /// A string or bytes field; left out when empty.
    fn bytes(&mut self, number: u32, value: &[u8]);
    /// A fixed32 field; left out when 0.
    fn fixed32(&mut self, number: u32, value: u32);
    /// A fixed64 field; left out when 0.
    fn fixed64(&mut self, number: u32, value: u64);
    /// A varint field; left out when 0.
    fn varint(&mut self, number: u32, value: u64);
    /// An address: IP and port in one bytes field, both in network byte order.
    fn address(&mut self, number: u32, value: SocketAddr);
}

/// A message that can list its fields.
pub(super) trait Body {
    fn fields(&self, sink: &mut impl Sink);

    /// The size of the encoded message, without a key and length before it.
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
    fn fixed64(&mut self, _number: u32, value: u64) {
        if value != 0 {
            self.0 += 9;
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
            self.0.extend_from_slice(&[key(number, FIXED32), a, b, c, d]);
        }
    }

    #[inline]
    fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.0.extend_from_slice(&[key(number, FIXED64)]);
            self.0.extend_from_slice(&value.to_le_bytes());
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

/// Appends the key and length before length-delimited content.
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

const fn key(number: u32, kind: u32) -> u8 {
    debug_assert!(0 < number && number <= FIELD_NUMBER_MAX);
    let [key, ..] = (number << 3 | kind).to_le_bytes();
    key
}

const fn address_len(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(_) => 4 + 2,
        SocketAddr::V6(_) => 16 + 2,
    }
}
