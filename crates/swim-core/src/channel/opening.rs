//! Reads datagrams: removes label, seal and compression, and walks over the messages.

use alloc::vec::Vec;

use super::Channel;
use super::LastKey;
use crate::stats::DropReason;
use crate::wire::memberlist::Lzw;
use crate::wire::{self, Allowance, Format, Message, Messages, Wire, memberlist};

/// Memory for opening datagrams, used again for each.
///
/// It is separate from the channel, which may write answers while the messages in this memory are
/// handled.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The text of a sealed packet.
    opened: Vec<u8>,
    /// The text of a compressed packet of the native wire.
    unpacked: Vec<u8>,
    /// Decompresses packets of memberlist's wire.
    lzw: Lzw,
    last_key: LastKey,
}

/// A datagram without label, seal and, on the native wire, compression.
#[derive(Debug)]
pub struct Opened<'a> {
    wire: Wire,
    text: &'a [u8],
    port: u16,
    lzw: &'a mut Lzw,
    /// The number of received bytes. On memberlist's wire they pay for the work of its compressed
    /// parts.
    paid: usize,
    sealed: bool,
}

impl Channel {
    /// Opens a datagram of this cluster.
    ///
    /// # Errors
    ///
    /// A datagram that a node with this configuration drops: another format, label or key, or
    /// plaintext if seals are required.
    #[inline]
    pub fn open<'a>(
        &self,
        datagram: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Opened<'a>, DropReason> {
        let Scratch { opened, unpacked, lzw, last_key } = scratch;
        let (text, sealed) = match self.framing.wire.format() {
            Format::Swim => self.open_swim(datagram, last_key, opened, unpacked)?,
            Format::Memberlist(_) => self.open_memberlist(datagram, last_key, opened)?,
        };
        let (wire, port) = (self.framing.wire, self.framing.port);
        let paid = self.framing.paid(datagram.len());
        Ok(Opened { wire, text, port, lzw, paid, sealed })
    }

    #[inline]
    fn open_swim<'a>(
        &self,
        datagram: &'a [u8],
        last_key: &mut LastKey,
        opened: &'a mut Vec<u8>,
        unpacked: &'a mut Vec<u8>,
    ) -> Result<(&'a [u8], bool), DropReason> {
        let labels = self.framing.labels();
        let header = wire::read_header(datagram, &labels)?.ok_or(DropReason::Truncated)?;
        let (head, body) = datagram.split_at_checked(header.size).ok_or(DropReason::Truncated)?;
        if header.greets {
            return Err(DropReason::WireVersion);
        }
        self.framing.check_sealed(header.sealed)?;
        let body = match header.sealed {
            true => {
                let sealed = refilled(opened, body);
                self.sealer
                    .open_native_with(last_key, &[head], sealed)
                    .or(Err(DropReason::WrongKey))?
            }
            false => body,
        };
        // Regardless of whether this node compresses its output.
        let text = match header.compressed {
            true => {
                let allowance = self.framing.allowance(datagram.len());
                wire::unpack_packet_within(body, unpacked, allowance)?
            }
            false => body,
        };
        Ok((text, header.sealed))
    }

    fn open_memberlist<'a>(
        &self,
        datagram: &'a [u8],
        last_key: &mut LastKey,
        opened: &'a mut Vec<u8>,
    ) -> Result<(&'a [u8], bool), DropReason> {
        let (label, text) = memberlist::split_label(datagram)?;
        memberlist::check_first_byte(text)?;
        if !self.framing.labels().accept(label) {
            return Err(DropReason::LabelMismatch);
        }
        if memberlist::lacks_body(text) {
            return Err(DropReason::Malformed);
        }
        let is_plain = memberlist::looks_plain(text);
        if !self.framing.has_keys() {
            let sealed = !is_plain && memberlist::looks_sealed(text);
            return if sealed { Err(DropReason::Sealed) } else { Ok((text, false)) };
        }
        match self.sealer.open_memberlist_packet_with(last_key, label, refilled(opened, text)) {
            Ok(text) => Ok((text, true)),
            Err(_) if is_plain && !self.framing.requires_seals() => Ok((text, false)),
            Err(_) if is_plain => Err(DropReason::Plaintext),
            Err(_) => Err(DropReason::WrongKey),
        }
    }
}

impl Opened<'_> {
    /// Passes each message to `visit`.
    ///
    /// A message with bad content is an error, and the next one follows.
    #[inline]
    pub fn read(self, mut visit: impl FnMut(Result<Message<'_>, DropReason>)) {
        match self.wire.format() {
            Format::Swim => Messages::new(self.text).for_each(visit),
            Format::Memberlist(_) => {
                let Opened { text, port, lzw, paid, .. } = self;
                let allowance = Allowance::memberlist(paid);
                memberlist::read_packet_within(text, port, lzw, allowance, &mut visit);
            }
        }
    }

    /// Whether it was sealed.
    #[must_use]
    #[inline]
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }
}

/// The scratch memory filled with these bytes, to be opened in place.
fn refilled<'a>(scratch: &'a mut Vec<u8>, bytes: &[u8]) -> &'a mut [u8] {
    scratch.clear();
    scratch.extend_from_slice(bytes);
    scratch
}
