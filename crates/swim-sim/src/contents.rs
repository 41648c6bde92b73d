//! The contents of packets and streams, read and written by the [`Channel`] of a node with the same
//! configuration.

use bytes::Bytes;
use swim_core::channel::{Channel, Received, Scratch, Side, StreamBuffer};
use swim_core::wire::{Half, Message, Opening, Wire, memberlist};
use swim_core::{Config, DropReason, Encryption, MemberRef};

/// Opens packets and streams of nodes.
#[derive(Debug, Default)]
pub(crate) struct Opener {
    channel: Option<Channel>,
    scratch: Scratch,
}

/// One stream of a node, with both sides overheard.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// The data of the node.
    own: StreamBuffer,
    /// The beginning of the peer's data, until it is understood.
    peer: Vec<u8>,
    overheard: bool,
}

impl Talk {
    /// Notes the label of a dialler on memberlist's wire: an answer to it is sealed for that label,
    /// also after the node has moved to another one.
    fn overhear_label(&mut self, dialled: bool) {
        if dialled {
            self.overheard = true;
            return;
        }
        match memberlist::split_stream_label(&self.peer) {
            Ok(None) => {}
            Ok(Some((label, _))) => {
                self.own = StreamBuffer::dialled_as(Bytes::copy_from_slice(label));
                self.overheard = true;
            }
            // The node drops the stream.
            Err(_) => self.overheard = true,
        }
    }

    /// Whether a part was begun and is not complete.
    pub(crate) fn goes_on(&self) -> bool {
        !self.own.is_empty()
    }
}

/// The longest header with greeting.
const BEGINNING_MAX: usize = 300;

/// The content that one side sends on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A reliable message with this many bytes.
    User(usize),
    /// A push/pull with this many bytes of application state.
    PushPull(usize),
    /// A ping, an ack, or a complaint.
    Other,
}

impl Opener {
    /// Calls `visit` with each message of a packet sent by a node with this configuration. Fails
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

    /// Overhears the peer of a node with this configuration on a stream; `dialled` if the node
    /// opened it.
    pub(crate) fn overhear(
        &mut self,
        config: &Config,
        talk: &mut Talk,
        bytes: &[u8],
        dialled: bool,
    ) {
        if talk.overheard {
            return;
        }
        talk.peer.extend_from_slice(&bytes[..bytes.len().min(BEGINNING_MAX - talk.peer.len())]);
        if config.wire == Wire::Memberlist {
            talk.overhear_label(dialled);
            return;
        }
        let peer_side = if dialled { Side::Acceptor } else { Side::Dialler };
        let channel = following(&mut self.channel, config);
        // Refused data is not answered.
        let known = channel.overhear(&mut talk.own, peer_side, &talk.peer).unwrap_or(true);
        talk.overheard = known || talk.peer.len() == BEGINNING_MAX;
    }

    /// Reads the content that a node with this configuration sends on a stream: one part, with
    /// nothing behind it; `None` while it is incomplete. `dialled` if the node opened the stream.
    pub(crate) fn stream(
        &mut self,
        config: &Config,
        talk: &mut Talk,
        bytes: &[u8],
        dialled: bool,
    ) -> Result<Option<Part>, DropReason> {
        self.stream_with(config, talk, bytes, dialled, &mut |_| {})
    }

    /// The same; calls `visit` with each member in it.
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
        let Some(received) = read(channel, &mut talk.own, bytes, side)? else {
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

/// The channel of a node with this configuration. It seals nothing, so its nonces do not matter.
fn following<'a>(channel: &'a mut Option<Channel>, config: &Config) -> &'a mut Channel {
    let channel = channel.get_or_insert_with(|| Channel::new(config, [0; 32]));
    channel.reconfigure(config);
    channel
}

/// Whether a node with this configuration seals.
fn seals(config: &Config) -> bool {
    config.encryption != Encryption::Off && !config.keyring.is_empty()
}

/// Whether a node with this configuration accepts only sealed data.
pub(crate) fn requires_seals(config: &Config) -> bool {
    config.encryption == Encryption::Required && !config.keyring.is_empty()
}

/// A packet with these messages, as a node with this configuration sends it. The sealing depends
/// only on the seed.
pub(crate) fn packet(config: &Config, messages: &[Message<'_>], seed: u64) -> Bytes {
    let mut channel = forging(config, seed);
    let mut draft = channel.datagram();
    messages.iter().for_each(|message| draft.append(message));
    draft.into_datagram(false).expect("a packet with messages")
}

/// The data of a dialler on a stream, as a node with this configuration sends it: frames of the
/// native wire, or a message of memberlist's.
pub(crate) fn stream(config: &Config, plain: &[u8], seed: u64) -> Bytes {
    let mut channel = forging(config, seed);
    let framed = channel.framed(|_, out| out.extend_from_slice(plain));
    channel.sealed(&mut StreamBuffer::default(), Side::Dialler, framed)
}

/// A channel as of a node with this configuration, without compression.
fn forging(config: &Config, seed: u64) -> Channel {
    let mut of_channel = [0xf0; 32];
    of_channel[..8].copy_from_slice(&seed.to_le_bytes());
    Channel::new(&config.clone().with(|config| config.compression = false), of_channel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swim_core::{Key, Keyring};

    /// Seed 10025355: the label moved between the dialler's part and the answer.
    #[test]
    fn an_answer_for_the_label_of_the_dialler_is_read_after_the_node_moved_to_another() {
        let config = |label: &'static [u8]| {
            let address = "10.0.0.1:7946".parse().expect("an address");
            Config::lan("a".parse().expect("a name"), address).memberlist().with(|config| {
                config.keyring = Keyring::new(Key::aes(&[7; 16]).expect("a key"));
                config.label = Bytes::from_static(label);
            })
        };
        let before = config(b"swarm");
        let ack = b"\x02\x81\xa5SeqNo\x07";
        let mut opener = Opener::default();
        let mut talk = Talk::default();
        let dialled = stream(&before, ack, 1);
        let mut heard = StreamBuffer::default();
        let mut channel = forging(&before, 2);
        assert!(read(&mut channel, &mut heard, &dialled, Side::Dialler).is_ok());
        let answered = {
            let framed = channel.framed(|_, out| out.extend_from_slice(ack));
            channel.sealed(&mut heard, Side::Acceptor, framed)
        };
        for byte in dialled.chunks(1) {
            opener.overhear(&before, &mut talk, byte, false);
        }
        let read = opener.stream(&config(b"moved"), &mut talk, &answered, false);
        assert_eq!(read, Ok(Some(Part::Other)));
    }
}
