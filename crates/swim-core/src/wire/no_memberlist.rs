//! Replaces `memberlist` without that feature: the names that this crate uses for
//! [`Format::Memberlist`](super::Format), which has no value then. Nothing here is ever called, or
//! gets into a program.

use alloc::vec::Vec;
use core::iter::Empty;

use bytes::BytesMut;

use super::{Allowance, Message, Opening};
use crate::member::MemberRef;
use crate::stats::DropReason;

pub(crate) const COMPOUND_PARTS_MAX: usize = 255;
pub(crate) const COMPOUND_OVERHEAD: usize = 2;
pub(crate) const COMPOUND_PART_OVERHEAD: usize = 2;
pub(crate) const CHECKSUM_OVERHEAD: usize = 5;
pub(crate) const SEAL_HEADER_LEN: usize = 5;
pub(crate) const SEALED: u8 = 10;
pub(crate) const COMPRESSED: u8 = 9;
pub(crate) const CHECKSUM_VERSION: u8 = 5;
pub(crate) const STREAM_PING_VERSION: u8 = 3;
pub(crate) const NACK_VERSION: u8 = 4;

type Split<'a> = (&'a [u8], &'a [u8]);

/// Marks the format as supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {}

#[derive(Debug, Default)]
pub(crate) struct Lzw(());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamLimits;

#[derive(Debug)]
pub(crate) struct Scanner(());

impl StreamLimits {
    pub(crate) const fn within(_user_state_max: usize, _user_message_max: usize) -> Self {
        StreamLimits
    }
}

impl Scanner {
    pub(crate) fn new(_limits: StreamLimits) -> Self {
        never()
    }

    pub(crate) fn of_unpacked(_limits: StreamLimits) -> Self {
        never()
    }

    pub(crate) fn needs_more_than(&self, _bytes: usize) -> bool {
        never()
    }

    pub(crate) fn advance(&mut self, _bytes: &[u8]) -> Result<Option<usize>, DropReason> {
        never()
    }
}

pub(crate) fn encode(_message: &Message<'_>, _out: &mut BytesMut) {
    never()
}

pub(crate) fn encoded_len(_message: &Message<'_>) -> usize {
    never()
}

pub(crate) fn encode_push_pull<'a>(
    _join: bool,
    _members: impl Iterator<Item = MemberRef<'a>> + Clone,
    _user_state: &[u8],
    _out: &mut BytesMut,
) {
    never()
}

pub(crate) fn encode_user(_payload: &[u8], _out: &mut BytesMut) {
    never()
}

pub(crate) fn encode_error(_text: &str, _out: &mut BytesMut) {
    never()
}

pub(crate) fn make_compound(_out: &mut BytesMut, _start: usize, _parts: &[u16]) {
    never()
}

pub(crate) fn compress_packet_within(
    _out: &mut BytesMut,
    _start: usize,
    _lzw: &mut Lzw,
    _allowed: impl Fn(usize) -> Allowance,
) -> bool {
    never()
}

pub(crate) fn add_checksum(_out: &mut BytesMut, _start: usize) {
    never()
}

pub(crate) fn put_label(_label: &[u8], _out: &mut BytesMut, _start: usize) {
    never()
}

pub(crate) fn label_header_len(_label: &[u8]) -> usize {
    never()
}

pub(crate) fn split_label(_packet: &[u8]) -> Result<Split<'_>, DropReason> {
    never()
}

pub(crate) fn split_stream_label(_bytes: &[u8]) -> Result<Option<Split<'_>>, DropReason> {
    never()
}

pub(crate) fn check_first_byte(_text: &[u8]) -> Result<(), DropReason> {
    never()
}

pub(crate) fn lacks_body(_text: &[u8]) -> bool {
    never()
}

pub(crate) fn looks_plain(_text: &[u8]) -> bool {
    never()
}

pub(crate) fn looks_sealed(_text: &[u8]) -> bool {
    never()
}

pub(crate) fn read_packet_within(
    _text: &[u8],
    _default_port: u16,
    _lzw: &mut Lzw,
    _allowance: Allowance,
    _visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
) {
    never()
}

pub(crate) fn unpack_stream_within(
    _message: &[u8],
    _size_max: usize,
    _allowance: Allowance,
    _lzw: &mut Lzw,
    _out: &mut Vec<u8>,
) -> Result<(), DropReason> {
    never()
}

pub(crate) fn opening(_text: &[u8], _port: u16) -> Result<Opening<'_>, DropReason> {
    never()
}

pub(crate) fn members<'a>(
    _text: &'a [u8],
    _port: u16,
) -> Option<Empty<Result<MemberRef<'a>, DropReason>>> {
    never()
}

pub(crate) fn user_state(_text: &[u8], _port: u16) -> Result<&[u8], DropReason> {
    never()
}

fn never() -> ! {
    unreachable!("this build does not speak memberlist's wire")
}
