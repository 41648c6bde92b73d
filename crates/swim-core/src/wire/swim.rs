//! The native wire format: packets of a header and messages. `docs/reference/wire.md` is the
//! specification, `docs/swim.proto` the schema.

use core::net::{Ipv6Addr, SocketAddr};

use bytes::BytesMut;

use super::allowance::{Allowance, Weight};
use super::messages::decode_nack;
use super::protobuf::{Body, Fields, Length, Sink, delimited_len, put_message};
use super::{Ack, Broadcast, IndirectPing, LABEL_SIZE_MAX, Message, Ping, Update, User};
use crate::member::{NAME_SIZE_MAX, State, Versions};
use crate::stats::DropReason;

/// The first byte of every packet and stream.
///
/// It does not start a memberlist message (0 to 14, 244), a TLS record (20 to 23), text in ASCII or
/// UTF-8, or a MessagePack value.
pub const MAGIC: u8 = 0xC1;

/// The first byte of a stream that carries packets.
///
/// Drivers handle such streams. Here the byte only distinguishes them from unknown input.
pub const LINK_MAGIC: u8 = 0xC2;
/// The version of the format, in the high half of the second byte.
///
/// The low half has flags: 1 for a seal, 2 for a compressed packet, 4 for a stream with greetings.
/// The other bit must be 0.
pub const WIRE_VERSION: u8 = 1;
/// In the second byte: the content after the header is encrypted.
const FLAG_SEALED: u8 = 1;
/// In the second byte, packets only: the text is compressed, and may be sealed.
const FLAG_COMPRESSED: u8 = 2;
/// In the second byte, streams only: a greeting follows the header.
const FLAG_GREETS: u8 = 4;
/// All flags.
const FLAGS: u8 = FLAG_SEALED | FLAG_COMPRESSED | FLAG_GREETS;

/// The bytes of the header before the label: magic, version and flags, label length.
pub(super) const HEADER_SIZE_MIN: usize = 3;
/// The length of the longest header.
pub(crate) const HEADER_SIZE_MAX: usize = HEADER_SIZE_MIN + LABEL_SIZE_MAX;

/// The field numbers of a packet, one for each kind of message. 11 to 15 are reserved.
const PING: u32 = 1;
const INDIRECT_PING: u32 = 2;
const ACK: u32 = 3;
const NACK: u32 = 4;
const ALIVE: u32 = 5;
const SUSPECT: u32 = 6;
const FAILED: u32 = 7;
const LEFT: u32 = 8;
const USER: u32 = 9;
const BROADCAST: u32 = 10;

/// Appends the header of a packet or stream.
///
/// Append messages after it with [`Message::encode`].
///
/// `label` has at most [`LABEL_SIZE_MAX`] bytes; the rest is ignored.
pub fn begin_packet(label: &[u8], out: &mut BytesMut) {
    let label = cut_label(label);
    out.reserve(HEADER_SIZE_MIN + label.len());
    out.extend_from_slice(&[MAGIC, WIRE_VERSION << 4, label_len(label)]);
    out.extend_from_slice(label);
}

/// Marks the packet with this header as sealed.
pub(crate) fn mark_sealed(bytes: &mut [u8]) {
    bytes[1] |= FLAG_SEALED;
}

/// Marks the stream with this header as sealed, with a greeting.
pub(crate) fn mark_sealed_stream(bytes: &mut [u8]) {
    bytes[1] |= FLAG_SEALED | FLAG_GREETS;
}

/// Marks the packet with this header as compressed.
pub(super) fn mark_compressed(bytes: &mut [u8]) {
    bytes[1] |= FLAG_COMPRESSED;
}

/// The number of bytes that [`begin_packet`] appends.
#[must_use]
pub fn header_len(label: &[u8]) -> usize {
    HEADER_SIZE_MIN + cut_label(label).len()
}

/// Checks the header of a datagram and returns its messages. Nothing is copied or allocated.
///
/// # Errors
///
/// The probable kind of a datagram that does not start with this format's header.
/// [`DropReason::Sealed`] if a [`Sealer`](crate::channel::Sealer) must open it first;
/// [`DropReason::Compressed`] if [`unpack_packet`](super::unpack_packet) must come first.
pub fn open_packet<'a>(datagram: &'a [u8], label: &[u8]) -> Result<Messages<'a>, DropReason> {
    let size = open_header(datagram, label)?.ok_or(DropReason::Truncated)?;
    let body = datagram.get(size..).ok_or(DropReason::Truncated)?;
    Ok(Messages::new(body))
}

/// Checks the header at the start of a stream that has received `bytes` so far.
///
/// Returns `Some(n)` if the header is complete and right, and `n` bytes long; `None` if it needs
/// more bytes.
///
/// # Errors
///
/// The probable kind of the stream, as soon as a byte shows that it has another format.
pub fn open_header(bytes: &[u8], label: &[u8]) -> Result<Option<usize>, DropReason> {
    match read_header(bytes, &Labels { own: cut_label(label), also: None })? {
        Some(header) if header.greets => Err(DropReason::WireVersion),
        Some(header) if header.sealed => Err(DropReason::Sealed),
        Some(header) if header.compressed => Err(DropReason::Compressed),
        header => Ok(header.map(|header| header.size)),
    }
}

/// The accepted labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    pub(crate) own: &'a [u8],
    pub(crate) also: Option<&'a [u8]>,
}

impl Labels<'_> {
    pub(crate) fn accept(&self, label: &[u8]) -> bool {
        self.any(|accepted| accepted == label)
    }

    #[inline]
    fn any(&self, is_it: impl Fn(&[u8]) -> bool) -> bool {
        is_it(self.own) || self.also.is_some_and(is_it)
    }
}

/// The header of a packet or stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) size: usize,
    /// The content is sealed.
    pub(crate) sealed: bool,
    /// The text of the content is compressed. Only in packets.
    pub(crate) compressed: bool,
    /// A greeting follows. Only on streams.
    pub(crate) greets: bool,
}

/// Like [`open_header`], but also for sealed or compressed input, and for two labels.
#[inline]
pub(crate) fn read_header(bytes: &[u8], labels: &Labels<'_>) -> Result<Option<Header>, DropReason> {
    match *bytes {
        [] => return Ok(None),
        [first, ..] if first != MAGIC => return Err(classify(bytes)),
        [_, version, ..] if version & !FLAGS != WIRE_VERSION << 4 => {
            return Err(DropReason::WireVersion);
        }
        [_, version, length, ref theirs @ ..] => {
            let theirs = &theirs[..theirs.len().min(length.into())];
            let agrees =
                |label: &[u8]| label_len(label) == length && label[..theirs.len()] == *theirs;
            if !labels.any(agrees) {
                return Err(DropReason::LabelMismatch);
            }
            if theirs.len() == usize::from(length) {
                let size = HEADER_SIZE_MIN + theirs.len();
                return Ok(Some(Header {
                    size,
                    sealed: version & FLAG_SEALED != 0,
                    compressed: version & FLAG_COMPRESSED != 0,
                    greets: version & FLAG_GREETS != 0,
                }));
            }
        }
        _ => {}
    }
    Ok(None)
}

/// The messages of a packet. See [`open_packet`].
///
/// A message with bad content is an error, and the next one follows. A broken structure is an error
/// and ends the walk. Messages of unknown kinds are skipped silently.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    fields: Fields<'a>,
}

impl<'a> Messages<'a> {
    /// The messages after a header.
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Messages { fields: Fields::new(body) }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DropReason>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next_bytes(PING..=BROADCAST).transpose()?;
        Some(field.and_then(|(number, body)| decode_message(number, body)))
    }
}

impl core::iter::FusedIterator for Messages<'_> {}

impl Message<'_> {
    /// Appends the message as one field of a packet.
    ///
    /// Packets can therefore also be made by copying messages that were encoded earlier.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        put_message(out, self.number(), self);
    }

    /// The number of bytes that [`encode`](Message::encode) appends.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        delimited_len(self.body_len())
    }

    fn number(&self) -> u32 {
        match self {
            Message::Ping(_) => PING,
            Message::IndirectPing(_) => INDIRECT_PING,
            Message::Ack(_) => ACK,
            Message::Nack { .. } => NACK,
            Message::Update(update) => match update.state() {
                State::Alive => ALIVE,
                State::Suspect => SUSPECT,
                State::Failed => FAILED,
                State::Left => LEFT,
            },
            Message::User(_) => USER,
            Message::Broadcast(_) => BROADCAST,
        }
    }
}

impl Update<'_> {
    /// Appends the update as one field of a packet.
    ///
    /// The bytes are those of [`Message::encode`] for a [`Message::Update`].
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        Message::Update(*self).encode(out);
    }

    /// The number of bytes that [`encode`](Update::encode) appends.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        Message::Update(*self).encoded_len()
    }
}

/// Whether the messages of a compressed text, even unknown ones, are within the allowance.
pub(super) fn affords(text: &[u8], mut allowance: Allowance) -> bool {
    let mut fields = Fields::new(text);
    // A broken structure ends the walk here, as it does for reading.
    while let Ok(Some(key)) = fields.key() {
        let before = fields.len();
        if fields.skip(key).is_err() {
            break;
        }
        let weight = match key.number() {
            ALIVE => Weight::Member,
            USER | BROADCAST => Weight::Payload,
            _ => Weight::Other,
        };
        if !allowance.take(weight, before - fields.len()) {
            return false;
        }
    }
    true
}

/// The length of an alive message with the longest name and this much metadata.
pub(crate) fn alive_len_max(meta: usize) -> usize {
    let address = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0);
    let mut length = Length::default();
    length.bytes(1, &[b'n'; NAME_SIZE_MAX]);
    length.fixed32(2, u32::MAX);
    length.address(3, address);
    length.bytes(5, &[0; Versions::SIZE]);
    delimited_len(length.0 + delimited_len(meta))
}

#[inline]
fn decode_message(number: u32, body: &[u8]) -> Result<Message<'_>, DropReason> {
    let update = |state| Update::decode(state, body).map(Message::Update);
    match number {
        PING => Ping::decode(body).map(Message::Ping),
        INDIRECT_PING => IndirectPing::decode(body).map(Message::IndirectPing),
        ACK => Ack::decode(body).map(Message::Ack),
        NACK => decode_nack(body).map(|sequence| Message::Nack { sequence }),
        ALIVE => update(State::Alive),
        SUSPECT => update(State::Suspect),
        FAILED => update(State::Failed),
        LEFT => update(State::Left),
        USER => User::decode(body).map(Message::User),
        BROADCAST => Broadcast::decode(body).map(Message::Broadcast),
        _ => Err(DropReason::Malformed),
    }
}

/// The probable format of foreign bytes. The first few may be incomplete.
pub(super) fn classify(bytes: &[u8]) -> DropReason {
    /// The starts of HTTP requests, and the preface of HTTP/2.
    const HTTP: [&[u8]; 10] = [
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"DELETE ",
        b"CONNECT ",
        b"OPTIONS ",
        b"TRACE ",
        b"PATCH ",
        b"PRI * HTTP/2",
    ];
    match *bytes {
        [] => DropReason::Truncated,
        [MAGIC, ..] => DropReason::Swim,
        [0..=14 | 244, ..] => DropReason::Memberlist,
        // The first byte of the drivers' links.
        [LINK_MAGIC, ..] => DropReason::Links,
        // A handshake record; the second byte is the major version of TLS or DTLS.
        [0x16] | [0x16, 0x03 | 0xFE, ..] => DropReason::Tls,
        // A TLS alert: this node sent something other than TLS.
        [0x15, 0x03, ..] => DropReason::TlsRequired,
        // Only letters are compared, because this runs for every byte that arrives alone.
        [b'A'..=b'Z', ..]
            if HTTP.iter().any(|it| it.starts_with(bytes) || bytes.starts_with(it)) =>
        {
            DropReason::Http
        }
        _ => DropReason::Unrecognised,
    }
}

fn cut_label(label: &[u8]) -> &[u8] {
    &label[..label.len().min(LABEL_SIZE_MAX)]
}

/// The length of a truncated label.
fn label_len(label: &[u8]) -> u8 {
    u8::try_from(label.len()).unwrap_or(u8::MAX)
}
