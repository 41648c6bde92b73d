//! A list of operations on one node: time, packets, streams, commands.
//!
//! After each operation all that is visible from outside must be consistent.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use swim_core::wire::memberlist;
use swim_core::wire::{Ack, Claim, Frame, Message, Update, Wire};
use swim_core::{ConnectionError, Encryption, Instant, Output, StreamId, StreamInput};

use super::draft;
use super::input::Input;
use super::settings::{self, LABELS, NAMES, address, home};
use super::voice::{Awaited, Side, Voice};
use super::watched::Watched;

/// More operations only make an input slow.
const OPERATIONS_MAX: usize = 200;

/// Steps of the clock, from zero to hours.
const STEPS: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(1),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(35),
    Duration::from_secs(600),
    Duration::from_secs(9 * 3600),
];

/// Runs the operations of the input.
///
/// # Panics
///
/// If an invariant does not hold.
pub fn run(data: &[u8]) {
    operate(data, false);
}

/// Runs the operations, and returns all outputs: the same ones for the same input.
///
/// # Panics
///
/// If an invariant does not hold.
#[must_use]
pub fn outputs(data: &[u8]) -> Vec<Output> {
    operate(data, true)
}

fn operate(data: &[u8], record: bool) -> Vec<Output> {
    let mut input = Input::new(data);
    let kind = input.byte();
    let mut config = settings::config(&mut input);
    settings::vary(&mut config, kind);
    let mut watched = Watched::new(config);
    watched.varied = kind != 0;
    watched.record = record.then(Vec::new);
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        operation(&mut watched, &mut input);
    }
    watched.node.check_invariants();
    watched.run_until_answered();
    watched.node.check_invariants();
    watched.record.take().unwrap_or_default()
}

fn operation(watched: &mut Watched, input: &mut Input<'_>) {
    match input.below(if watched.varied { 24 } else { 20 }) {
        0 | 1 => {
            watched.keep_next_deadline();
        }
        2 => {
            watched.now += input.pick(&STEPS);
            watched.timeout();
        }
        // Packets may arrive before the node has handled passed deadlines.
        3 => watched.now += input.pick(&STEPS),
        4 => set_back(watched, input),
        5..=7 => {
            let voice = voice(watched, input);
            let packet = draft::packet(input, &voice);
            watched.packet(address(input), &packet);
        }
        8 => question(watched, input),
        9 => answer(watched, input),
        10 => answer_all(watched),
        11 => bytes(watched, input),
        12 => {
            // Full tables refuse streams, which is no finding.
            _ = watched.accept(address(input));
        }
        13 => exchange(watched, input),
        14 => stream_news(watched, input),
        15 => deliver(watched, input),
        16 => form(watched, input),
        20 | 21 => change_keys(watched, input),
        22 => change_access(watched, input),
        23 => text(watched, input),
        _ => command(watched, input),
    }
}

/// Returns a peer's voice: mostly that of the node.
fn voice(watched: &Watched, input: &mut Input<'_>) -> Voice {
    let mut voice = Voice::of(watched.node.config());
    if !watched.varied {
        return voice;
    }
    match input.below(32) {
        0 => voice.label = Bytes::from_static(input.pick(&LABELS)),
        1 => voice.key = None,
        number @ 2..5 => {
            let native = usize::from(voice.wire == Wire::Swim);
            voice.key = settings::keys().into_iter().nth(number - 2 + native);
        }
        5 => voice.compression = !voice.compression,
        6 => voice.checksum = true,
        7 => voice.version = draft::other(voice.version),
        _ => {}
    }
    voice
}

fn change_keys(watched: &mut Watched, input: &mut Input<'_>) {
    let key = input.pick(&[0, 1, 2, 3]);
    let [a, b, c, d] = settings::keys();
    let key = [a, b, c, d].into_iter().nth(key).expect("there are four");
    match input.below(3) {
        0 => watched.command(|node, now| node.install_key(now, key).map(|_| ())),
        1 => watched.command(|node, now| node.use_key(now, &key)),
        _ => watched.command(|node, now| node.remove_key(now, &key)),
    }
}

fn change_access(watched: &mut Watched, input: &mut Input<'_>) {
    let switches = input.byte();
    if switches & 1 == 0 {
        let encryption = match (switches & 2 != 0, switches & 4 != 0) {
            (true, _) => Encryption::Required,
            (false, true) => Encryption::Outgoing,
            (false, false) => Encryption::Off,
        };
        return watched.command(|node, now| node.set_encryption(now, encryption));
    }
    let label = Bytes::from_static(input.pick(&LABELS));
    let also = (switches & 2 != 0).then(|| Bytes::from_static(input.pick(&LABELS)));
    watched.command(|node, now| node.set_label(now, label, also));
}

/// Sends arbitrary bytes inside the correct label and seal.
fn text(watched: &mut Watched, input: &mut Input<'_>) {
    let voice = voice(watched, input);
    let packet = voice.packet_around(input.bytes());
    watched.packet(address(input), &packet);
}

fn set_back(watched: &mut Watched, input: &mut Input<'_>) {
    let back = input.pick(&STEPS);
    let nanos = u64::try_from(back.as_nanos()).unwrap_or(u64::MAX);
    watched.now = Instant::from_nanos(watched.now.as_nanos().saturating_sub(nanos));
}

/// A few members announce themselves from their own addresses.
fn form(watched: &mut Watched, input: &mut Input<'_>) {
    let voice = Voice::of(watched.node.config());
    let (first, count) = (1 + input.below(NAMES.len() - 1), 1 + input.below(8));
    let incarnation = draft::incarnation(input);
    for number in (first..NAMES.len()).take(count) {
        let versions = draft::usual_versions(voice.wire);
        let claim = Claim::Alive { address: home(number), meta: b"", versions };
        let name = NAMES[number];
        let alive = Message::Update(Update { name, incarnation, claim });
        watched.packet(home(number), &voice.packet(&[alive]));
    }
}

/// Sends a ping for the node itself, from a member that it may know.
fn question(watched: &mut Watched, input: &mut Input<'_>) {
    let voice = voice(watched, input);
    let ping = draft::question(input, voice.wire);
    let packet = voice.packet(&[Message::Ping(ping)]);
    watched.packet(address(input), &packet);
}

/// Sends an ack or nack to one of the node's pings.
fn answer(watched: &mut Watched, input: &mut Input<'_>) {
    let choice = usize::from(input.byte());
    let Some(asked) = watched.asked.get(choice % watched.asked.len().max(1)) else {
        return;
    };
    let (to, sequence) = (asked.to, asked.sequence);
    let message = if input.byte() < 200 {
        let payload = input.bytes();
        let view = if input.flag() { input.number() } else { 0 };
        Message::Ack(Ack { sequence, payload, view })
    } else {
        Message::Nack { sequence }
    };
    let from: SocketAddr = if input.flag() { address(input) } else { to };
    let voice = voice(watched, input);
    watched.packet(from, &voice.packet(&[message]));
}

/// Answers all of the node's pings.
fn answer_all(watched: &mut Watched) {
    let voice = Voice::of(watched.node.config());
    for asked in std::mem::take(&mut watched.asked) {
        let ack = Message::Ack(Ack { sequence: asked.sequence, payload: b"", view: 0 });
        watched.packet(asked.to, &voice.packet(&[ack]));
    }
}

/// Sends the bytes that the node waits for on a stream: an ack, or a push/pull.
fn deliver(watched: &mut Watched, input: &mut Input<'_>) {
    let streams = watched.open_streams();
    if streams.is_empty() {
        return;
    }
    let stream = input.pick(&streams);
    let (voice, side) = (Voice::of(watched.node.config()), watched.peer_side(stream));
    greet(watched, input, stream, &voice);
    let talk = watched.talk(stream);
    let bytes = match watched.awaited(stream) {
        Some(Awaited::Ack(sequence)) => {
            let (ack, mut text) = (Ack { sequence, payload: b"", view: 0 }, BytesMut::new());
            match voice.wire {
                Wire::Swim => Frame::Ack(ack).encode(&mut text),
                Wire::Memberlist => memberlist::encode(&Message::Ack(ack), &mut text),
            }
            voice.stream(side, &text, &talk)
        }
        Some(Awaited::End) => BytesMut::new(),
        None => draft::half(input, &voice, side, &talk),
    };
    if !bytes.is_empty() {
        watched.stream(stream, StreamInput::Data(&bytes));
    }
    watched.stream(stream, StreamInput::Finished);
}

/// Sends a peer's greeting alone, which may wait for the node's greeting.
fn greet(watched: &mut Watched, input: &mut Input<'_>, stream: StreamId, voice: &Voice) {
    if voice.greets() && input.flag() {
        let dials = watched.peer_side(stream) == Side::Dialler;
        let greeting = voice.greeting(dials && input.flag());
        watched.stream(stream, StreamInput::Data(&greeting));
    }
}

/// Sends bytes that are no packet of the protocol.
fn bytes(watched: &mut Watched, input: &mut Input<'_>) {
    let datagram = input.bytes();
    watched.packet(address(input), datagram);
}

/// Sends a peer's part of an exchange, in two pieces, on one of the open streams.
fn exchange(watched: &mut Watched, input: &mut Input<'_>) {
    let streams = watched.open_streams();
    if streams.is_empty() {
        return;
    }
    let stream = input.pick(&streams);
    let voice = voice(watched, input);
    watched.stream(stream, StreamInput::Opened);
    greet(watched, input, stream, &voice);
    let talk = watched.talk(stream);
    let bytes = draft::exchange(input, &voice, watched.peer_side(stream), &talk);
    let (first, second) = bytes.split_at(bytes.len() * input.below(4) / 3);
    watched.stream(stream, StreamInput::Data(first));
    watched.stream(stream, StreamInput::Data(second));
}

fn stream_news(watched: &mut Watched, input: &mut Input<'_>) {
    let streams = watched.open_streams();
    if streams.is_empty() {
        return;
    }
    let stream = input.pick(&streams);
    let news = match input.below(4) {
        0 => StreamInput::Opened,
        1 => StreamInput::Finished,
        2 => StreamInput::Failed(ConnectionError::Reset),
        _ => StreamInput::Data(input.bytes()),
    };
    watched.stream(stream, news);
}

fn command(watched: &mut Watched, input: &mut Input<'_>) {
    let payload = input.bytes();
    match input.below(11) {
        0 => {
            for _ in 0..input.below(4) {
                let contact = address(input);
                watched.request(|node, now| node.join(now, contact));
            }
        }
        1 => watched.request(|node, now| node.leave(now)),
        2 => {
            let meta = Bytes::copy_from_slice(payload);
            watched.request(|node, now| node.set_meta(now, meta));
        }
        3 => watched.request(|node, now| node.broadcast(now, payload)),
        4 => {
            let to = draft::name(input);
            watched.command(|node, now| node.send(now, to, payload));
        }
        5 => {
            let to = draft::name(input);
            watched.request(|node, now| node.send_reliable(now, to, payload));
        }
        6 => {
            let to = draft::name(input);
            watched.request(|node, now| node.ping(now, to));
        }
        7 => {
            let ack_payload = Bytes::copy_from_slice(payload);
            watched.command(|node, now| node.set_ack_payload(now, ack_payload));
        }
        8 => {
            let key = draft::name(input);
            watched.request(|node, now| node.broadcast_keyed(now, key.as_bytes(), payload));
        }
        9 => {
            let name = draft::name(input);
            watched.command(|node, now| node.forget(now, name));
        }
        _ => {
            let user_state = Bytes::copy_from_slice(payload);
            watched.command(|node, now| node.set_user_state(now, user_state));
        }
    }
}
