//! Arbitrary bytes on streams that a peer opened and on streams that the node opened.
//!
//! The pieces in which they arrive must make no difference.

use bytes::BytesMut;
use swim_core::wire;
use swim_core::{Config, Event, Output, StreamId, StreamInput, StreamOp};

use super::draft;
use super::input::Input;
use super::packet::node_with_members;
use super::settings::{self, LABEL, home};
use super::voice::{Side, Talk, Voice};
use super::watched::Watched;

/// Feeds the input in pieces to one node, and all at once to another.
///
/// # Panics
///
/// If an invariant does not hold, or if the pieces make a difference.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let switches = input.byte();
    let with_label = switches & 1 == 1;
    let label: &[u8] = if with_label { LABEL } else { b"" };
    let steps = [(); 4].map(|()| 1 + usize::from(input.byte()));
    let config = settings::usual(with_label);
    let bytes = match switches >> 1 & 3 {
        0 => BytesMut::from(input.remainder()),
        1 => framed(label, input.remainder()),
        _ => {
            // Without keys both sides write the same way.
            let mut bytes =
                draft::exchange(&mut input, &Voice::of(&config), Side::Dialler, &Talk::default());
            bytes.extend_from_slice(input.remainder());
            bytes
        }
    };
    let open = opening(switches >> 3);
    let piecewise = outcome(&config, open, &bytes, &steps);
    let at_once = outcome(&config, open, &bytes, &[bytes.len().max(1)]);
    assert_eq!(piecewise, at_once, "the pieces make a difference");
}

/// Returns one frame with this body, after a correct header.
fn framed(label: &[u8], body: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    wire::begin_packet(label, &mut bytes);
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Returns the outputs of a node that gets these bytes on each of its streams.
pub(super) fn outcome(
    config: &Config,
    open: fn(&mut Watched) -> Vec<StreamId>,
    bytes: &[u8],
    steps: &[usize],
) -> Vec<Output> {
    let mut watched = node_with_members(config.clone());
    let streams = open(&mut watched);
    watched.record = Some(Vec::new());
    for stream in streams {
        let (mut rest, mut steps) = (bytes, steps.iter().cycle());
        while !rest.is_empty() {
            let step = steps.next().map_or(rest.len(), |&step| step.min(rest.len()));
            let (piece, after) = rest.split_at(step);
            watched.stream(stream, StreamInput::Data(piece));
            rest = after;
        }
        watched.stream(stream, StreamInput::Finished);
    }
    while watched.keep_next_deadline() && !watched.open_streams().is_empty() {}
    let mut outputs = watched.record.take().unwrap_or_default();
    // The kind of unreadable bytes is a guess, which depends on how many came first.
    outputs.retain(|output| !matches!(output, Output::Event(Event::BadInput { .. })));
    for output in &mut outputs {
        forget_guess(output);
    }
    outputs
}

/// Removes the guess about unreadable bytes from an answer.
fn forget_guess(output: &mut Output) {
    use swim_core::{DropReason, Failure};
    let guess = |failure: &mut Failure| {
        if let Failure::BadAnswer { reason } = failure {
            *reason = DropReason::Malformed;
        }
    };
    if let Output::Answer { result: Err(failure), .. } = output {
        guess(failure);
    }
}

/// Returns the way to open streams.
pub(super) fn opening(choice: u8) -> fn(&mut Watched) -> Vec<StreamId> {
    match choice & 3 {
        0 => accepted,
        1 => joining,
        2 => delivering,
        _ => probing,
    }
}

fn accepted(watched: &mut Watched) -> Vec<StreamId> {
    let accepted = [home(1), home(100)].map(|from| watched.accept(from));
    accepted.into_iter().flatten().collect()
}

fn joining(watched: &mut Watched) -> Vec<StreamId> {
    for contact in [home(1), home(100)] {
        watched.request(|node, now| node.join(now, contact));
    }
    opened(watched)
}

fn delivering(watched: &mut Watched) -> Vec<StreamId> {
    watched.request(|node, now| node.send_reliable(now, "b", b"payload"));
    opened(watched)
}

/// The node pings a member over a stream if datagrams do not reach it.
fn probing(watched: &mut Watched) -> Vec<StreamId> {
    watched.record = Some(Vec::new());
    for _ in 0..100 {
        watched.keep_next_deadline();
        let opened =
            |output: &Output| matches!(output, Output::Stream { op: StreamOp::Open { .. }, .. });
        if watched.record.iter().flatten().any(opened) {
            break;
        }
    }
    opened(watched)
}

fn opened(watched: &mut Watched) -> Vec<StreamId> {
    let streams = watched.open_streams();
    for &stream in &streams {
        watched.stream(stream, StreamInput::Opened);
    }
    streams
}
