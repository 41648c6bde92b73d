//! What is in packets and streams: opened as a node with the same configuration would, and made as
//! one would, by the same [`Channel`].

use bytes::Bytes;
use swim_core::channel::{Channel, Received, Scratch, Side, StreamBuffer};
use swim_core::wire::{Half, Message, Opening, Wire};
use swim_core::{Config, DropReason, Encryption, MemberRef};

/// Opens what nodes send.
#[derive(Debug, Default)]
pub(crate) struct Opener {
    channel: Option<Channel>,
    scratch: Scratch,
}

/// One stream of a node, as one who listens to both sides hears it.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// What the node says.
    own: StreamBuffer,
    /// How the peer began, until that is known.
    peer: Vec<u8>,
    overheard: bool,
}

impl Talk {
    /// Whether a part was begun and is not complete.
    pub(crate) fn goes_on(&self) -> bool {
        !self.own.is_empty()
    }
}

/// No header and greeting is longer.
const BEGINNING_MAX: usize = 300;

/// What one side sends on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A reliable message of so many bytes.
    User(usize),
    /// A push/pull with so many bytes of application state.
    PushPull(usize),
    /// A ping, an ack, or a complaint.
    Other,
}

impl Opener {
    /// Tells `visit` of each message of a packet that a node with this configuration sent. An error
    /// for a packet that such a node could not read itself, or would have sealed.
    pub(crate) fn packet(
        &mut self,
        config: &Config,
        payload: &[u8],
        visit: &mut dyn FnMut(Result<Message<'_>, DropReason>),
    ) -> Result<(), DropReason> {
        let channel = following(&mut self.channel, config);
        let opened = channel.open(payload, &mut self.scratch)?;
        if seals(config) && !opened.is_sealed() {
            return Err(DropReason::Plaintext);
        }
        opened.read(visit);
        Ok(())
    }

    /// Listens to what the peer of a node with this configuration says on a stream; `dialled` says
    /// whether the node opened it.
    pub(crate) fn overhear(
        &mut self,
        config: &Config,
        talk: &mut Talk,
        bytes: &[u8],
        dialled: bool,
    ) {
        if talk.overheard || config.wire == Wire::Memberlist {
            return;
        }
        talk.peer.extend_from_slice(&bytes[..bytes.len().min(BEGINNING_MAX - talk.peer.len())]);
        let peer_side = if dialled { Side::Acceptor } else { Side::Dialler };
        let channel = following(&mut self.channel, config);
        // What is refused is not answered.
        let known = channel.overhear(&mut talk.own, peer_side, &talk.peer).unwrap_or(true);
        talk.overheard = known || talk.peer.len() == BEGINNING_MAX;
    }

    /// What a node with this configuration sends on a stream: one part, and nothing behind it; none
    /// while some of it is still to come. `dialled` says whether it opened the stream.
    pub(crate) fn stream(
        &mut self,
        config: &Config,
        talk: &mut Talk,
        bytes: &[u8],
        dialled: bool,
    ) -> Result<Option<Part>, DropReason> {
        self.stream_with(config, talk, bytes, dialled, &mut |_| {})
    }

    /// The same; tells `visit` of each member in it.
    pub(crate) fn stream_with(
        &mut self,
        config: &Config,
        talk: &mut Talk,
        bytes: &[u8],
        dialled: bool,
        visit: &mut dyn FnMut(MemberRef<'_>),
    ) -> Result<Option<Part>, DropReason> {
        let side = if dialled { Side::Dialler } else { Side::Acceptor };
        let channel = following(&mut self.channel, config);
        let read = match (read(channel, &mut talk.own, bytes, side), &config.label_also) {
            // On memberlist's wire an answer is sealed for the label that the dialler said.
            (Err(DropReason::WrongKey), Some(label))
                if !dialled && config.wire == Wire::Memberlist =>
            {
                read(channel, &mut StreamBuffer::dialled_as(label.clone()), bytes, side)
            }
            (read, _) => read,
        };
        let Some(received) = read? else {
            return Ok(None);
        };
        if received.bytes_behind() > 0 {
            return Err(DropReason::Malformed);
        }
        if seals(config) && !received.was_sealed() {
            return Err(DropReason::Plaintext);
        }
        received.half().members().flatten().for_each(visit);
        part(received.half()).map(Some)
    }
}

fn read(
    channel: &mut Channel,
    buffer: &mut StreamBuffer,
    bytes: &[u8],
    side: Side,
) -> Result<Option<Received>, DropReason> {
    buffer.push(bytes);
    channel.read_half(buffer, side, usize::MAX).map_err(|rejected| rejected.reason)
}

fn part(half: Half<'_>) -> Result<Part, DropReason> {
    Ok(match half.opening()? {
        Opening::User(user) => Part::User(user.payload.len()),
        Opening::PushPull { .. } => Part::PushPull(half.user_state(usize::MAX)?.len()),
        Opening::Ping(_) | Opening::Ack { .. } | Opening::Complaint(_) => Part::Other,
    })
}

/// The channel as a node with this configuration has it. It seals nothing, so its nonces do not
/// matter.
fn following<'a>(channel: &'a mut Option<Channel>, config: &Config) -> &'a mut Channel {
    let channel = channel.get_or_insert_with(|| Channel::new(config, [0; 32]));
    channel.reconfigure(config);
    channel
}

/// Whether a node with this configuration seals.
fn seals(config: &Config) -> bool {
    config.encryption != Encryption::Off && !config.keyring.is_empty()
}

/// Whether a node with this configuration takes nothing that no key opens.
pub(crate) fn requires_seals(config: &Config) -> bool {
    config.encryption == Encryption::Required && !config.keyring.is_empty()
}

/// A packet with these messages, as a node with this configuration would send it; two packets of
/// one seed are sealed alike.
pub(crate) fn packet(config: &Config, messages: &[Message<'_>], seed: u64) -> Bytes {
    let mut channel = forging(config, seed);
    let mut draft = channel.datagram();
    messages.iter().for_each(|message| draft.append(message));
    draft.into_datagram(false).expect("a packet with messages")
}

/// What the one who dials sends on a stream, as a node with this configuration would: frames of the
/// native wire, or a message of memberlist's.
pub(crate) fn stream(config: &Config, plain: &[u8], seed: u64) -> Bytes {
    let mut channel = forging(config, seed);
    let framed = channel.framed(|_, out| out.extend_from_slice(plain));
    channel.sealed(&mut StreamBuffer::default(), Side::Dialler, framed)
}

/// A channel that speaks as a node with this configuration, and compresses nothing.
fn forging(config: &Config, seed: u64) -> Channel {
    let mut of_channel = [0xf0; 32];
    of_channel[..8].copy_from_slice(&seed.to_le_bytes());
    Channel::new(&config.clone().with(|config| config.compression = false), of_channel)
}
