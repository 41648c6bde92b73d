//! The native wire format: packets, which are a header and then messages. `docs/reference/wire.md`
//! is the specification, `docs/swim.proto` the schema.

use core::net::{Ipv6Addr, SocketAddr};

use bytes::BytesMut;

use super::allowance::{Allowance, Weight};
use super::messages::decode_nack;
use super::protobuf::{Body, Fields, Length, Sink, delimited_len, put_message};
use super::{Ack, Broadcast, IndirectPing, LABEL_SIZE_MAX, Message, Ping, Update, User};
use crate::member::{NAME_SIZE_MAX, State, Versions};
use crate::stats::DropReason;

/// The first byte of every packet and every stream. It opens no memberlist message (0 to 14, 244),
/// no TLS record (20 to 23), no text in ASCII or UTF-8, and no MessagePack value.
pub const MAGIC: u8 = 0xC1;

/// The first byte of a stream that carries packets, which is a driver's business: here it is only
/// told from other things that make no sense.
pub const LINK_MAGIC: u8 = 0xC2;
/// The version of the format, in the high half of the second byte. The low half has flags: 1 for
/// what is sealed, 2 for a packet that is compressed, 4 for a stream whose sides greet each other;
/// the other must be 0.
pub const WIRE_VERSION: u8 = 1;
/// In the second byte: what follows the header is encrypted.
const FLAG_SEALED: u8 = 1;
/// In the second byte, of packets only: the text, which may be sealed, is compressed.
const FLAG_COMPRESSED: u8 = 2;
/// In the second byte, of streams only: a greeting follows the header.
const FLAG_GREETS: u8 = 4;
/// All that there are.
const FLAGS: u8 = FLAG_SEALED | FLAG_COMPRESSED | FLAG_GREETS;

/// The bytes of the header before the label: magic, version and flags, label length.
pub(super) const HEADER_SIZE_MIN: usize = 3;
/// The bytes of the longest header.
pub(crate) const HEADER_SIZE_MAX: usize = HEADER_SIZE_MIN + LABEL_SIZE_MAX;

/// The field numbers of a packet: what kind of message follows. 11 to 15 are reserved.
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

/// Appends the header that every packet and every stream starts with. Messages are appended after
/// it with [`Message::encode`].
///
/// `label` has at most [`LABEL_SIZE_MAX`] bytes; what exceeds them is ignored.
pub fn begin_packet(label: &[u8], out: &mut BytesMut) {
    let label = cut_label(label);
    out.reserve(HEADER_SIZE_MIN + label.len());
    out.extend_from_slice(&[MAGIC, WIRE_VERSION << 4, label_len(label)]);
    out.extend_from_slice(label);
}

/// Marks the packet that starts so as sealed.
pub(crate) fn mark_sealed(bytes: &mut [u8]) {
    bytes[1] |= FLAG_SEALED;
}

/// Marks the stream that starts so as sealed, behind a greeting.
pub(crate) fn mark_sealed_stream(bytes: &mut [u8]) {
    bytes[1] |= FLAG_SEALED | FLAG_GREETS;
}

/// Marks the packet that starts so as compressed.
pub(super) fn mark_compressed(bytes: &mut [u8]) {
    bytes[1] |= FLAG_COMPRESSED;
}

/// How many bytes [`begin_packet`] appends.
#[must_use]
pub fn header_len(label: &[u8]) -> usize {
    HEADER_SIZE_MIN + cut_label(label).len()
}

/// Checks the header of a datagram and walks over the messages behind it. Nothing is copied or
/// allocated.
///
/// # Errors
///
/// What the datagram seems to be instead, when it does not start with our header.
/// [`DropReason::Sealed`] when it is sealed and has to be opened with a [`Sealer`](crate::channel::Sealer)
/// first, and [`DropReason::Compressed`] when [`unpack_packet`](super::unpack_packet) comes before.
pub fn open_packet<'a>(datagram: &'a [u8], label: &[u8]) -> Result<Messages<'a>, DropReason> {
    let size = open_header(datagram, label)?.ok_or(DropReason::Truncated)?;
    let body = datagram.get(size..).ok_or(DropReason::Truncated)?;
    Ok(Messages::new(body))
}

/// Checks the header at the start of a stream, of which `bytes` came in so far: `Some(n)` when the
/// header is complete, right, and `n` bytes long; `None` when more bytes are needed.
///
/// # Errors
///
/// What the stream seems to be instead, as soon as the first byte shows that it is not ours.
pub fn open_header(bytes: &[u8], label: &[u8]) -> Result<Option<usize>, DropReason> {
    match read_header(bytes, &Labels { own: cut_label(label), also: None })? {
        Some(header) if header.greets => Err(DropReason::WireVersion),
        Some(header) if header.sealed => Err(DropReason::Sealed),
        Some(header) if header.compressed => Err(DropReason::Compressed),
        header => Ok(header.map(|header| header.size)),
    }
}

/// The labels that are accepted.
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

/// What stands before the content of a packet or stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) size: usize,
    /// What follows is sealed.
    pub(crate) sealed: bool,
    /// The text of what follows is compressed. Packets alone may be.
    pub(crate) compressed: bool,
    /// A greeting follows. Streams alone have one.
    pub(crate) greets: bool,
}

/// Like [`open_header`], also for what is sealed or compressed, and where more than one label is
/// accepted.
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
/// A message whose content is wrong yields an error, and the next one follows; a broken structure
/// yields one error and ends the walk. Messages of unknown kinds are passed over in silence.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    fields: Fields<'a>,
}

impl<'a> Messages<'a> {
    /// The messages that stand behind a header.
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
    /// Appends the message as one field of a packet, so that packets can also be put together from
    /// messages that were encoded earlier, by copying.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        put_message(out, self.number(), self);
    }

    /// How many bytes [`encode`](Message::encode) appends.
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
    /// Appends the update as one field of a packet: the same bytes as [`Message::encode`] of a
    /// [`Message::Update`].
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) {
        Message::Update(*self).encode(out);
    }

    /// How many bytes [`encode`](Update::encode) appends.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        Message::Update(*self).encoded_len()
    }
}

/// Whether the messages of a compressed text, unknown ones too, are no more work than it may be.
pub(super) fn affords(text: &[u8], mut allowance: Allowance) -> bool {
    let mut fields = Fields::new(text);
    // What is broken ends the walk here as it does when the messages are read.
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

/// How long an alive with the longest name and metadata of this length is.
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

/// What bytes of another format seem to be. The first few may still be missing.
pub(super) fn classify(bytes: &[u8]) -> DropReason {
    /// How HTTP requests start, and the preface of HTTP/2.
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
        // The drivers' links begin so.
        [LINK_MAGIC, ..] => DropReason::Links,
        // A handshake record; the second byte is the major version of TLS, or of DTLS.
        [0x16] | [0x16, 0x03 | 0xFE, ..] => DropReason::Tls,
        // An alert of TLS: what this node sent is not TLS.
        [0x15, 0x03, ..] => DropReason::TlsRequired,
        // Letters alone are compared: this is asked of every byte that somebody sends by itself.
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

/// Of a label that was cut.
fn label_len(label: &[u8]) -> u8 {
    u8::try_from(label.len()).unwrap_or(u8::MAX)
}
