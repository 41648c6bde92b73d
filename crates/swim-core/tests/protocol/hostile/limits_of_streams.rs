//! Limits of the configuration that streams can reach: input at the limit is accepted; input one
//! above it is refused and counted.

use std::time::Duration;

use bytes::Bytes;
use swim_core::wire::{self, Ack, Frame, Scope, User};
use swim_core::{
    Answer, CommandError, ConnectionError, DropReason, Event, Failure, Refused, StreamId,
    StreamInput, StreamResource,
};

use super::peer::{
    Peer, address, answers, claimed, complaints, dialled, events, framed, half, is_aborted, sent,
};

#[test]
fn streams_max() {
    let mut peer = Peer::with(|config| config.streams_max = 3);
    let open: Vec<StreamId> = (1..=3).map(|number| peer.accept(address(number))).collect();
    for &stream in &open {
        // Each has begun a frame.
        peer.stream(stream, StreamInput::Data(&claimed(100)));
    }
    let accept = |peer: &mut Peer| peer.node.handle_accept(peer.now, address(9)).map(|_| ());
    assert_eq!(accept(&mut peer), Err(Refused::TooManyStreams));
    assert_eq!(peer.drops(DropReason::StreamRefused), 1);
    let outputs = peer.outputs();
    assert!(open.iter().all(|&stream| !is_aborted(&outputs, stream)), "nobody had to make way");
    let told = events(&outputs);
    let [Event::StreamsShort { resource: StreamResource::Places, sources, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|source| source.streams == 1));
    peer.stream(open[1], StreamInput::Failed(ConnectionError::Reset));
    assert_eq!(accept(&mut peer), Ok(()));
}

#[test]
fn streams_per_source_max() {
    let mut peer = Peer::with(|config| config.streams_per_source_max = 2);
    let accept =
        |peer: &mut Peer, number| peer.node.handle_accept(peer.now, address(number)).map(|_| ());
    assert_eq!(accept(&mut peer, 1), Ok(()));
    assert_eq!(accept(&mut peer, 1), Ok(()));
    assert_eq!(accept(&mut peer, 1), Err(Refused::TooManyFromSource));
    assert_eq!(accept(&mut peer, 2), Ok(()));
    assert_eq!(peer.drops(DropReason::StreamRefused), 1);
}

#[test]
fn reliable_size_max() {
    let max = 200_000;
    let mut peer = Peer::with(|config| config.reliable_size_max = max);
    peer.meet(1);
    let send = |peer: &mut Peer, size: usize| {
        peer.node.send_reliable(peer.now, "n1", &vec![7; size]).map(|_| ())
    };
    assert_eq!(send(&mut peer, max + 1), Err(CommandError::TooLarge { size: max + 1, max }));
    assert_eq!(send(&mut peer, max), Ok(()));
    let outputs = peer.outputs();
    let (stream, _) = dialled(&outputs)[0];
    let bytes = sent(&outputs, stream).unwrap();

    // A node with the same limit takes it, even from the longest name.
    let payload = vec![7; max];
    let from = "n".repeat(255);
    let longest = framed(&Frame::User(User { from: &from, payload: &payload, envelope: None }));
    for bytes in [&bytes[..], &longest] {
        let mut receiver = Peer::with(|config| config.reliable_size_max = max);
        let received = events(&receiver.receive(address(1), bytes));
        assert!(matches!(&received[..], [Event::Message { payload, .. }] if payload.len() == max));
    }
    // Anything above the room for the name and the fields is refused at the header.
    let mut receiver = Peer::with(|config| config.reliable_size_max = max);
    let header = claimed(u32::try_from(max + 1_025).unwrap());
    let outputs = receiver.receive(address(1), &header);
    assert_eq!(complaints(&outputs), [(DropReason::TooLarge, true)]);
}

#[test]
fn user_state_size_max() {
    let max = 100_000;
    let new = || Peer::with(|config| config.user_state_size_max = max);
    let mut peer = new();
    let set = |peer: &mut Peer, size: usize| {
        peer.node.set_user_state(peer.now, Bytes::from(vec![7; size]))
    };
    assert_eq!(set(&mut peer, max + 1), Err(CommandError::TooLarge { size: max + 1, max }));
    assert_eq!(set(&mut peer, max), Ok(()));
    let stream = peer.accept(address(1));
    let outputs = peer.stream(stream, StreamInput::Data(&half(Scope::Full, 1, 1, b"")));
    let answer = sent(&outputs, stream).unwrap();
    assert!(answer.len() > max);

    // A state as large as the limit comes in several frames, and is joined.
    for (size, complained) in [(max, false), (max + 1, true)] {
        let mut peer = new();
        let state = vec![7; size];
        let outputs = peer.receive(address(1), &half(Scope::Full, 1, 1, &state));
        let told = events(&outputs)
            .iter()
            .any(|event| matches!(event, Event::UserState { state, .. } if state.len() == size));
        assert_eq!(told, !complained, "{size} bytes");
        let expected: &[_] = if complained { &[(DropReason::TooLarge, true)] } else { &[] };
        assert_eq!(complaints(&outputs), expected, "{size} bytes");
    }
}

#[test]
fn stream_buffer_max() {
    let new = || {
        Peer::with(|config| {
            config.reliable_size_max = 1_000;
            config.user_state_size_max = 1_000;
            config.stream_buffer_max = 3_000;
        })
    };
    // Two connections share it; the header is not kept.
    for (second, refused) in [(1_500, false), (1_501, true)] {
        let mut peer = new();
        let header = wire::header_len(b"");
        let open: Vec<StreamId> = (1..=2).map(|number| peer.accept(address(number))).collect();
        for (stream, size) in [(open[0], 1_500), (open[1], second)] {
            // A frame that is never complete.
            let begin = claimed(100_000);
            peer.stream(stream, StreamInput::Data(&begin[..header]));
            peer.stream(stream, StreamInput::Data(&begin[header..]));
            let rest = vec![7; size - wire::FRAME_HEADER_LEN];
            let outputs = peer.stream(stream, StreamInput::Data(&rest));
            assert_eq!(is_aborted(&outputs, stream), refused && stream == open[1], "{second}");
        }
        // A refused stream makes room at once. Otherwise the stream that holds the most does, and
        // the later one of two that hold the same.
        let stream = peer.accept(address(3));
        let outputs = peer.stream(stream, StreamInput::Data(&half(Scope::Full, 3, 1, b"")));
        assert!(sent(&outputs, stream).is_some(), "{second}");
        assert!(!is_aborted(&outputs, open[0]), "{second}");
        assert_eq!(is_aborted(&outputs, open[1]), !refused, "{second}");
    }
}

#[test]
fn frames_of_a_push_pull() {
    let edge = u32::try_from(wire::PUSH_PULL_FRAME_SIZE_MAX).unwrap();
    for (length, refused) in [(edge, false), (edge + 1, true)] {
        let mut peer = Peer::with(|config| config.reliable_size_max = 1_000);
        let stream = peer.accept(address(1));
        let outputs = peer.stream(stream, StreamInput::Data(&claimed(length)));
        assert_eq!(is_aborted(&outputs, stream), refused, "{length}");
    }
}

#[test]
fn a_reliable_message_is_answered_once_whatever_becomes_of_its_stream() {
    let ack = framed(&Frame::Ack(Ack { sequence: 0, payload: b"", view: 0 }));
    let delivered = Ok(Answer::Delivered);
    let cases: [(&str, Vec<StreamInput<'_>>, Result<Answer, Failure>); 5] = [
        ("acknowledged", vec![StreamInput::Data(&ack), StreamInput::Finished], delivered),
        ("closed", vec![StreamInput::Opened, StreamInput::Finished], Err(Failure::Refused)),
        (
            "failed",
            vec![
                StreamInput::Failed(ConnectionError::Reset),
                StreamInput::Failed(ConnectionError::Reset),
            ],
            Err(Failure::Connection(ConnectionError::Reset)),
        ),
        (
            "cut",
            vec![StreamInput::Data(&ack[..5]), StreamInput::Finished],
            Err(Failure::BadAnswer { reason: DropReason::Truncated }),
        ),
        ("silent", vec![StreamInput::Opened], Err(Failure::Timeout)),
    ];
    for (how, news, expected) in cases {
        let mut peer = Peer::new();
        peer.meet(1);
        peer.node.send_reliable(peer.now, "n1", b"payload").unwrap();
        let (stream, to) = dialled(&peer.outputs())[0];
        assert_eq!(to, address(1));
        let mut outputs = Vec::new();
        news.into_iter().for_each(|news| outputs.extend(peer.stream(stream, news)));
        outputs.extend(peer.run(Duration::from_secs(60)));
        assert_eq!(answers(&outputs), [expected], "{how}");
    }
}
