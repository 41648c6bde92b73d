//! What is in packets and streams: opened as a node with the same configuration would, and made as
//! one would, by the same [`Channel`].

use bytes::Bytes;
use swim_core::channel::{Channel, Received, Scratch, Side, StreamBuffer};
use swim_core::wire::{Half, Message, Opening, Wire};
use swim_core::{Config, DropReason};

/// Opens what nodes send.
#[derive(Debug, Default)]
pub(crate) struct Opener {
    channel: Option<Channel>,
    scratch: Scratch,
}

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

    /// What a node with this configuration sends on a stream: one part, and nothing behind it.
    /// `dialled` says whether it opened the stream.
    pub(crate) fn stream(
        &mut self,
        config: &Config,
        bytes: &[u8],
        dialled: bool,
    ) -> Result<Part, DropReason> {
        let side = if dialled { Side::Dialler } else { Side::Acceptor };
        let read =
            match (self.read(config, bytes, side, StreamBuffer::default()), &config.label_also) {
                // On memberlist's wire an answer is sealed for the label that the dialler said.
                (Err(DropReason::WrongKey), Some(label))
                    if !dialled && config.wire == Wire::Memberlist =>
                {
                    self.read(config, bytes, side, StreamBuffer::dialled_as(label.clone()))
                }
                (read, _) => read,
            };
        let received = read?;
        if received.bytes_behind() > 0 {
            return Err(DropReason::Malformed);
        }
        if seals(config) && !received.was_sealed() {
            return Err(DropReason::Plaintext);
        }
        part(received.half())
    }

    fn read(
        &mut self,
        config: &Config,
        bytes: &[u8],
        side: Side,
        mut buffer: StreamBuffer,
    ) -> Result<Received, DropReason> {
        buffer.push(bytes);
        let channel = following(&mut self.channel, config);
        let read = channel.read_half(&mut buffer, side, usize::MAX);
        read.map_err(|rejected| rejected.reason)?.ok_or(DropReason::Truncated)
    }
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
    config.verify_outgoing && !config.keyring.is_empty()
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
    channel.sealed(Side::Dialler, None, framed)
}

/// A channel that speaks as a node with this configuration, and compresses nothing.
fn forging(config: &Config, seed: u64) -> Channel {
    let mut of_channel = [0xf0; 32];
    of_channel[..8].copy_from_slice(&seed.to_le_bytes());
    Channel::new(&config.clone().with(|config| config.compression = false), of_channel)
}
