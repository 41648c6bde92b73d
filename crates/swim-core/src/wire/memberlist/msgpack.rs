//! The part of MessagePack that memberlist's wire needs: input is borrowed, and output is listed
//! once.
//!
//! Reads every form that Go's decoder reads. Writes the one form that Go's encoder writes: the old
//! format without the types added in 2013, in which text and bytes are the same.

use bytes::BytesMut;

use crate::stats::DropReason;

/// How deep unknown values may be nested in a message, as in Go's decoder.
const DEPTH_MAX: usize = 1023;

const NIL: u8 = 0xc0;
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;
const UNSIGNED_8: u8 = 0xcc;
const UNSIGNED_16: u8 = 0xcd;
const UNSIGNED_32: u8 = 0xce;
const UNSIGNED_64: u8 = 0xcf;
const SIGNED_8: u8 = 0xd0;
const SIGNED_16: u8 = 0xd1;
const SIGNED_32: u8 = 0xd2;
const SIGNED_64: u8 = 0xd3;
const TEXT_16: u8 = 0xda;
const TEXT_32: u8 = 0xdb;

/// The extent of a value, from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    form: Form,
    /// The bytes before its content: its type, and its length if it has one.
    head: usize,
    /// Its bytes, without the values that it contains.
    pub(super) size: usize,
    /// The number of values that it contains: two for each entry of a map.
    pub(super) values: u64,
}

/// The form of a value, as far as fields depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Nil,
    /// Text or bytes.
    Bytes,
    Array,
    Map,
    /// A number, a Boolean, or an extension.
    Other,
}

/// Reads the head of the value at the start of `bytes`; `None` if it needs more bytes.
///
/// # Errors
///
/// [`DropReason::Malformed`] for the one byte that starts no value.
pub(super) fn extent(bytes: &[u8]) -> Result<Option<Extent>, DropReason> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let fixed = |form, content: u8, values: u8| {
        let size = 1 + usize::from(content);
        Ok(Some(Extent { form, head: 1, size, values: values.into() }))
    };
    let (form, length_size) = match first {
        0x80..=0x8f => return fixed(Form::Map, 0, (first & 0x0f) * 2),
        0x90..=0x9f => return fixed(Form::Array, 0, first & 0x0f),
        0xa0..=0xbf => return fixed(Form::Bytes, first & 0x1f, 0),
        NIL => return fixed(Form::Nil, 0, 0),
        0xc1 => return Err(DropReason::Malformed),
        0x00..=0x7f | FALSE | TRUE | 0xe0..=0xff => return fixed(Form::Other, 0, 0),
        UNSIGNED_8 | SIGNED_8 => return fixed(Form::Other, 1, 0),
        UNSIGNED_16 | SIGNED_16 => return fixed(Form::Other, 2, 0),
        0xca | UNSIGNED_32 | SIGNED_32 => return fixed(Form::Other, 4, 0),
        0xcb | UNSIGNED_64 | SIGNED_64 => return fixed(Form::Other, 8, 0),
        // Extensions of 1, 2, 4, 8 and 16 bytes, after their type byte.
        0xd4..=0xd8 => return fixed(Form::Other, 1 + (1 << (first - 0xd4)), 0),
        0xc4 | 0xd9 => (Form::Bytes, 1),
        0xc5 | TEXT_16 => (Form::Bytes, 2),
        0xc6 | TEXT_32 => (Form::Bytes, 4),
        0xc7..=0xc9 => (Form::Other, 1 << (first - 0xc7)),
        0xdc => (Form::Array, 2),
        0xdd => (Form::Array, 4),
        0xde => (Form::Map, 2),
        0xdf => (Form::Map, 4),
    };
    let Some(length) = bytes.get(1..=length_size) else {
        return Ok(None);
    };
    let length = big_endian(length);
    let head = 1 + length_size;
    let with_content = |size: u64| usize::try_from(size).unwrap_or(usize::MAX).saturating_add(head);
    Ok(Some(match form {
        Form::Array => Extent { form, head, size: head, values: length },
        Form::Map => Extent { form, head, size: head, values: length * 2 },
        Form::Other => Extent { form, head, size: with_content(length + 1), values: 0 },
        Form::Nil | Form::Bytes => Extent { form, head, size: with_content(length), values: 0 },
    }))
}

/// The number in up to 8 bytes.
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Reads one value after another. Every error is [`DropReason::Malformed`]. Do not read after an
/// error, because the start of the next value is unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// The unread bytes.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes `size` bytes that are not MessagePack.
    pub(super) fn raw(&mut self, size: usize) -> Result<&'a [u8], DropReason> {
        // Compared with the bytes left before any use.
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(DropReason::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Text or bytes; nil is empty.
    ///
    /// Go also accepts an array of integers. An array of integers from 0 to 127 holds the bytes as
    /// they are. Any other array is an error here: one with a larger integer, a longer form of one,
    /// or nil (0 in Go).
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], DropReason> {
        let (value, extent) = self.value()?;
        match extent.form {
            Form::Bytes | Form::Nil => Ok(value.get(extent.head..).unwrap_or_default()),
            Form::Array => {
                let count = usize::try_from(extent.values).unwrap_or(usize::MAX);
                let numbers = self.raw(count)?;
                if numbers.is_ascii() { Ok(numbers) } else { Err(DropReason::Malformed) }
            }
            Form::Map if extent.values == 0 => Ok(&[]),
            Form::Map | Form::Other => Err(DropReason::Malformed),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, DropReason> {
        u32::try_from(self.integer()?).map_err(|_| DropReason::Malformed)
    }

    pub(super) fn u16(&mut self) -> Result<u16, DropReason> {
        u16::try_from(self.integer()?).map_err(|_| DropReason::Malformed)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DropReason> {
        u8::try_from(self.integer()?).map_err(|_| DropReason::Malformed)
    }

    /// Go's `int`. A number too large for it is negative in Go, and so here.
    pub(super) fn int(&mut self) -> Result<i64, DropReason> {
        Ok(i64::try_from(self.integer()?).unwrap_or(-1))
    }

    pub(super) fn bool(&mut self) -> Result<bool, DropReason> {
        match self.raw(1)? {
            [NIL | FALSE | 0] => Ok(false),
            [TRUE | 1] => Ok(true),
            _ => Err(DropReason::Malformed),
        }
    }

    /// Takes this many values of any kind with their content, at any depth.
    pub(super) fn values(&mut self, count: u32) -> Result<&'a [u8], DropReason> {
        let all = self.rest;
        let mut missing = u64::from(count);
        while missing > 0 {
            let (_, extent) = self.value()?;
            missing = (missing - 1).saturating_add(extent.values);
        }
        Ok(&all[..all.len() - self.rest.len()])
    }

    /// Skips the value of an unknown field, with its content.
    pub(super) fn skip(&mut self) -> Result<(), DropReason> {
        match self.value()? {
            (_, Extent { values: 0, .. }) => Ok(()),
            (_, Extent { values, .. }) => self.skip_content(values),
        }
    }

    /// Skips the content of an array or map. Go never sends an unknown field, let alone a nested
    /// one.
    #[cold]
    fn skip_content(&mut self, values: u64) -> Result<(), DropReason> {
        // The values that each open array and map still lacks, from the outermost inwards.
        let mut missing = [0; DEPTH_MAX];
        let mut depth = 0;
        missing[depth] = self.plausible(values)?;
        loop {
            if missing[depth] > 0 {
                missing[depth] -= 1;
                let (_, extent) = self.value()?;
                if extent.values > 0 {
                    depth += 1;
                    *missing.get_mut(depth).ok_or(DropReason::Malformed)? =
                        self.plausible(extent.values)?;
                }
            } else if depth > 0 {
                depth -= 1;
            } else {
                return Ok(());
            }
        }
    }

    /// Checks a number of values that may follow: each takes at least a byte.
    fn plausible(&self, values: u64) -> Result<u32, DropReason> {
        match (u32::try_from(values), usize::try_from(values)) {
            (Ok(values), Ok(size)) if size <= self.rest.len() => Ok(values),
            _ => Err(DropReason::Malformed),
        }
    }

    /// Any integer of up to 64 bits; nil is 0.
    fn integer(&mut self) -> Result<i128, DropReason> {
        let (value, _) = self.value()?;
        let (&first, content) = value.split_first().ok_or(DropReason::Malformed)?;
        let unsigned = big_endian(content);
        // Shifted to the top and back, to extend the sign.
        let signed = |bits: u32| i128::from((unsigned << (64 - bits)).cast_signed() >> (64 - bits));
        match first {
            0x00..=0x7f => Ok(first.into()),
            0xe0..=0xff => Ok(first.cast_signed().into()),
            NIL => Ok(0),
            UNSIGNED_8..=UNSIGNED_64 => Ok(unsigned.into()),
            SIGNED_8 => Ok(signed(8)),
            SIGNED_16 => Ok(signed(16)),
            SIGNED_32 => Ok(signed(32)),
            SIGNED_64 => Ok(signed(64)),
            _ => Err(DropReason::Malformed),
        }
    }

    /// Takes a value without the values that it contains.
    fn value(&mut self) -> Result<(&'a [u8], Extent), DropReason> {
        let extent = extent(self.rest)?.ok_or(DropReason::Malformed)?;
        Ok((self.raw(extent.size)?, extent))
    }
}

/// Walks over the fields of a Go struct: the name, then the value, which the caller reads from
/// [`value`](Fields::value) or skips. Ends after the last field.
///
/// A struct is a map by names, an array in the order of Go's declaration, or nil. The last value of
/// a repeated field counts; a missing field is empty or 0.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// Positioned at the current field's value.
    pub(super) value: Reader<'a>,
    /// The number of fields that follow.
    left: u64,
    /// In an array: the known names of the fields that follow.
    order: Option<&'static [&'static str]>,
}

impl<'a> Fields<'a> {
    /// `order` has the names of the fields in the order of Go's declaration.
    pub(super) fn new(
        mut value: Reader<'a>,
        order: &'static [&'static str],
    ) -> Result<Self, DropReason> {
        let (_, extent) = value.value()?;
        match extent.form {
            Form::Nil => Ok(Fields { value, left: 0, order: None }),
            Form::Map => Ok(Fields { value, left: extent.values / 2, order: None }),
            Form::Array => Ok(Fields { value, left: extent.values, order: Some(order) }),
            Form::Bytes | Form::Other => Err(DropReason::Malformed),
        }
    }

    /// The name of the next field; empty if it is unknown.
    pub(super) fn name(&mut self) -> Result<Option<&'a [u8]>, DropReason> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        if let Some(order) = &mut self.order {
            let name = order.split_off_first();
            return Ok(Some(name.map_or(&[], |name| name.as_bytes())));
        }
        let (value, extent) = self.value.value()?;
        match (extent.form, value.get(extent.head..)) {
            (Form::Bytes, Some(name @ [_, ..])) => Ok(Some(name)),
            _ => Err(DropReason::Malformed),
        }
    }
}

/// Takes the fields of a message. Each message lists its fields once, for both measuring and
/// writing, so that the two never disagree.
pub(super) trait Sink {
    fn put(&mut self, bytes: &[u8]);

    /// Begins a struct of this many fields, at most 15, in the order of their names.
    fn fields(&mut self, count: u8) {
        self.put(&[0x80 | count & 0x0f]);
    }

    fn text(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.raw(value);
    }

    /// Bytes; nil if empty, as Go writes a nil slice.
    fn bytes(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        if value.is_empty() {
            self.put(&[NIL]);
        } else {
            self.raw(value);
        }
    }

    fn unsigned(&mut self, name: &str, value: u32) {
        self.name(name);
        match (u8::try_from(value), u16::try_from(value)) {
            (Ok(small @ 0..=0x7f), _) => self.put(&[small]),
            (Ok(byte), _) => self.put(&[UNSIGNED_8, byte]),
            (_, Ok(short)) => self.put_long(UNSIGNED_16, &short.to_be_bytes()),
            _ => self.put_long(UNSIGNED_32, &value.to_be_bytes()),
        }
    }

    /// A count or length that is Go's `int`, and therefore written as a signed number.
    fn int(&mut self, name: &str, value: usize) {
        self.name(name);
        match (i8::try_from(value), i16::try_from(value), i32::try_from(value)) {
            (Ok(small), ..) => self.put(&[small.cast_unsigned()]),
            (_, Ok(short), _) => self.put_long(SIGNED_16, &short.to_be_bytes()),
            (_, _, Ok(long)) => self.put_long(SIGNED_32, &long.to_be_bytes()),
            _ => {
                let value = i64::try_from(value).unwrap_or(i64::MAX);
                self.put_long(SIGNED_64, &value.to_be_bytes());
            }
        }
    }

    fn bool(&mut self, name: &str, value: bool) {
        self.name(name);
        self.put(&[if value { TRUE } else { FALSE }]);
    }

    fn name(&mut self, name: &str) {
        self.raw(name.as_bytes());
    }

    /// Text or bytes with their length.
    fn raw(&mut self, value: &[u8]) {
        self.raw_head(value.len());
        self.put(value);
    }

    fn raw_head(&mut self, length: usize) {
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(small @ 0..=0x1f), _) => self.put(&[0xa0 | small]),
            (_, Ok(short)) => self.put_long(TEXT_16, &short.to_be_bytes()),
            _ => {
                // Limits far below keep a length from reaching 32 bits.
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                self.put_long(TEXT_32, &length.to_be_bytes());
            }
        }
    }

    fn put_long(&mut self, first: u8, number: &[u8]) {
        self.put(&[first]);
        self.put(number);
    }
}

impl Sink for BytesMut {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Measures a message.
#[derive(Debug, Default)]
pub(super) struct Length(pub(super) usize);

impl Sink for Length {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}
