//! Ends of streams: each stream ends once, with any behaviour of the peer, and by its deadline.

use std::time::Duration;

use swim_core::wire::{Frame, Message, Ping, Scope, Wire, memberlist};
use swim_core::{ConnectionError, DropReason, Output, Status, StreamId, StreamInput, StreamOp};

use super::peer::{OWN, Peer, address, dialled, half, name};
use super::scene::{MEMBER, Scene, settings};

/// The ends of a stream among these outputs.
fn ends(outputs: &[Output], stream: StreamId) -> Vec<&StreamOp> {
    let end = |output| match output {
        &Output::Stream { id, op: ref op @ (StreamOp::Close | StreamOp::Abort) }
            if id == stream =>
        {
            Some(op)
        }
        _ => None,
    };
    outputs.iter().filter_map(end).collect()
}

/// Everything that may still be reported about a stream that is over.
const LATE: [StreamInput<'static>; 4] = [
    StreamInput::Opened,
    StreamInput::Data(b"more"),
    StreamInput::Finished,
    StreamInput::Failed(ConnectionError::Reset),
];

/// Asserts that an ended stream causes no output after any report and any time.
fn stays_ended(peer: &mut Peer, stream: StreamId) {
    let mut outputs = Vec::new();
    for news in LATE {
        outputs.extend(peer.stream(stream, news));
    }
    outputs.extend(peer.run(peer.node.config().stream_timeout * 3));
    let of_stream = |output: &&Output| matches!(output, Output::Stream { id, .. } if *id == stream);
    assert_eq!(outputs.iter().find(of_stream), None);
}

/// Returns the bytes that a peer sends on a stream that it opened.
type Question = fn(&mut Scene, StreamId) -> Vec<u8>;

const QUESTIONS: [(&str, Question); 3] = [
    ("ping", |scene, _| {
        let source = name(MEMBER);
        let ping = Ping { sequence: 7, target: OWN, source: &source, reply_to: None };
        scene.part(|wire, out| match wire {
            Wire::Swim => Frame::Ping(ping).encode(out),
            Wire::Memberlist => memberlist::encode(&Message::Ping(ping), out),
        })
    }),
    ("push/pull", |scene, _| scene.push_pull(Scope::Full, MEMBER, 1)),
    ("message", |scene, stream| scene.message_on(stream, &name(MEMBER), 10)),
];

/// Plays an ending in every setting, after each question was asked and answered.
fn after_an_answer(play: impl Fn(&mut Scene, StreamId) -> Vec<Output>, expected: &[StreamOp]) {
    for setting in settings() {
        for (kind, question) in QUESTIONS {
            let mut scene = Scene::new(setting);
            let stream = scene.connect(address(MEMBER)).unwrap();
            let question = question(&mut scene, stream);
            let outputs = scene.data(stream, &question);
            let finish = Output::Stream { id: stream, op: StreamOp::Finish };
            assert!(outputs.contains(&finish), "{kind}, {setting:?}: no answer");
            assert_eq!(ends(&outputs, stream), [] as [&StreamOp; 0], "{kind}, {setting:?}");

            let outputs = play(&mut scene, stream);
            let expected: Vec<&StreamOp> = expected.iter().collect();
            assert_eq!(ends(&outputs, stream), expected, "{kind}, {setting:?}");
            assert_eq!(scene.peer.node.stats().streams_open, 0);
            stays_ended(&mut scene.peer, stream);
        }
    }
}

#[test]
fn a_peer_that_closes_its_side_is_closed_once() {
    let play = |scene: &mut Scene, stream| scene.peer.stream(stream, StreamInput::Finished);
    after_an_answer(play, &[StreamOp::Close]);
}

#[test]
fn a_peer_that_never_closes_its_side_is_aborted_once_at_its_deadline() {
    let play = |scene: &mut Scene, _| {
        let timeout = scene.peer.node.config().stream_timeout;
        scene.run(timeout * 2)
    };
    after_an_answer(play, &[StreamOp::Abort]);
}

#[test]
fn a_peer_that_talks_on_after_its_answer_gets_no_more_time() {
    let play = |scene: &mut Scene, stream| {
        let timeout = scene.peer.node.config().stream_timeout;
        let mut outputs = Vec::new();
        for _ in 0..20 {
            outputs.extend(scene.data(stream, &[7; 64 << 10]));
            outputs.extend(scene.run(timeout / 10));
        }
        outputs
    };
    after_an_answer(play, &[StreamOp::Abort]);
}

#[test]
fn a_peer_that_talks_on_and_then_closes_is_closed_once() {
    let play = |scene: &mut Scene, stream| {
        let mut outputs = scene.data(stream, &[7; 64 << 10]);
        outputs.extend(scene.peer.stream(stream, StreamInput::Finished));
        outputs
    };
    after_an_answer(play, &[StreamOp::Close]);
}

#[test]
fn a_connection_that_breaks_after_the_answer_has_ended_by_that() {
    let play = |scene: &mut Scene, stream| {
        scene.peer.stream(stream, StreamInput::Failed(ConnectionError::Reset))
    };
    after_an_answer(play, &[]);
}

#[test]
fn a_peer_that_closes_its_side_within_its_question_is_aborted_once() {
    for setting in settings() {
        for (kind, question) in QUESTIONS {
            let mut scene = Scene::new(setting);
            let stream = scene.connect(address(MEMBER)).unwrap();
            let question = question(&mut scene, stream);
            let mut outputs = scene.data(stream, &question[..question.len() - 1]);
            outputs.extend(scene.peer.stream(stream, StreamInput::Finished));
            assert_eq!(ends(&outputs, stream), [&StreamOp::Abort], "{kind}, {setting:?}");
            stays_ended(&mut scene.peer, stream);
        }
    }
}

#[test]
fn a_peer_that_says_nothing_is_aborted_once_when_it_closes_or_at_its_deadline() {
    for closes in [true, false] {
        let mut peer = Peer::new();
        let stream = peer.accept(address(1));
        let outputs = match closes {
            true => peer.stream(stream, StreamInput::Finished),
            false => peer.run(peer.node.config().stream_timeout),
        };
        assert_eq!(ends(&outputs, stream), [&StreamOp::Abort]);
        stays_ended(&mut peer, stream);
    }
}

#[test]
fn a_complaint_of_memberlist_ends_as_an_answer_does() {
    for setting in settings().into_iter().filter(|setting| setting.wire == Wire::Memberlist) {
        let mut scene = Scene::new(setting);
        let stream = scene.connect(address(MEMBER)).unwrap();
        // Sealed with a key that is not the cluster's, or where nothing is sealed.
        let stranger = [&[memberlist::SEALED][..], &29_u32.to_be_bytes(), &[1; 29]].concat();
        let mut outputs = scene.data(stream, &stranger);
        let complained = outputs.contains(&Output::Stream { id: stream, op: StreamOp::Finish });
        outputs.extend(scene.peer.stream(stream, StreamInput::Finished));
        let end = if complained { StreamOp::Close } else { StreamOp::Abort };
        assert_eq!(ends(&outputs, stream), [&end], "{setting:?}");
        assert!(complained || !setting.sealed, "{setting:?}");
        stays_ended(&mut scene.peer, stream);
    }
}

/// A joining node, and the stream on which it waits for the answer.
fn joining() -> (Peer, StreamId) {
    let mut peer = Peer::new();
    peer.node.join(peer.now, address(1)).unwrap();
    let stream = dialled(&peer.outputs())[0].0;
    peer.stream(stream, StreamInput::Opened);
    (peer, stream)
}

#[test]
fn a_stream_of_the_node_itself_is_aborted_once_when_its_answer_is_there() {
    let (mut peer, stream) = joining();
    let answer = half(Scope::Join, 1, 3, b"state");
    let outputs = peer.stream(stream, StreamInput::Data(&answer));
    assert_eq!(ends(&outputs, stream), [&StreamOp::Abort]);
    stays_ended(&mut peer, stream);
}

#[test]
fn a_stream_of_the_node_itself_that_is_not_answered_is_aborted_once() {
    let answer = half(Scope::Join, 1, 3, b"state");
    let ends_of = |play: &dyn Fn(&mut Peer, StreamId) -> Vec<Output>| {
        let (mut peer, stream) = joining();
        let outputs = play(&mut peer, stream);
        assert_eq!(ends(&outputs, stream), [&StreamOp::Abort]);
        stays_ended(&mut peer, stream);
    };
    // The peer closes at once, within its answer, or never; or it sends something else.
    ends_of(&|peer, stream| peer.stream(stream, StreamInput::Finished));
    ends_of(&|peer, stream| {
        peer.stream(stream, StreamInput::Data(&answer[..answer.len() - 1]));
        peer.stream(stream, StreamInput::Finished)
    });
    ends_of(&|peer, _| peer.run(peer.node.config().stream_timeout * 2));
    ends_of(&|peer, stream| peer.stream(stream, StreamInput::Data(b"HTTP/1.1 400 Bad Request")));
}

#[test]
fn a_stream_of_the_node_itself_that_fails_has_ended_by_that() {
    let (mut peer, stream) = joining();
    let outputs = peer.stream(stream, StreamInput::Failed(ConnectionError::Refused));
    assert_eq!(ends(&outputs, stream), [] as [&StreamOp; 0]);
    stays_ended(&mut peer, stream);
}

#[test]
fn a_node_that_leaves_ends_all_of_its_streams_once() {
    let (mut peer, own) = joining();
    let silent = peer.accept(address(2));
    let answered = peer.accept(address(3));
    let question = half(Scope::Full, 3, 1, b"");
    peer.stream(answered, StreamInput::Data(&question));
    peer.node.leave(peer.now).unwrap();
    let mut outputs = peer.outputs();
    outputs.extend(peer.run(Duration::from_secs(60)));
    outputs.extend(peer.stream(answered, StreamInput::Finished));
    assert_eq!(peer.node.status(), Status::Left);
    for stream in [own, silent, answered] {
        assert_eq!(ends(&outputs, stream), [&StreamOp::Abort]);
        stays_ended(&mut peer, stream);
    }
}

#[test]
fn a_node_that_left_still_closes_what_its_peers_close() {
    let mut peer = Peer::new();
    let stream = peer.accept(address(3));
    peer.node.leave(peer.now).unwrap();
    peer.run(Duration::from_secs(1));
    let mut outputs = peer.stream(stream, StreamInput::Data(&half(Scope::Full, 3, 1, b"")));
    outputs.extend(peer.stream(stream, StreamInput::Finished));
    assert_eq!(ends(&outputs, stream), [&StreamOp::Close]);
    stays_ended(&mut peer, stream);
}

#[test]
fn who_makes_way_for_another_is_aborted_once() {
    let mut peer = Peer::with(|config| config.streams_max = 1);
    let first = peer.accept(address(1));
    peer.run(Duration::from_secs(2));
    peer.accept(address(2));
    let outputs = peer.outputs();
    assert_eq!(ends(&outputs, first), [&StreamOp::Abort]);
    assert_eq!(peer.drops(DropReason::StreamRefused), 1);
    stays_ended(&mut peer, first);
}

#[test]
fn a_ping_for_another_member_is_aborted_once() {
    let setting = settings().into_iter().find(|it| it.sealed && it.wire == Wire::Swim).unwrap();
    let mut scene = Scene::new(setting);
    let ping = Ping { sequence: 7, target: "somebody else", source: "n1", reply_to: None };
    let question = scene.part(|_, out| Frame::Ping(ping).encode(out));
    let stream = scene.connect(address(MEMBER)).unwrap();
    let outputs = scene.data(stream, &question);
    assert_eq!(ends(&outputs, stream), [&StreamOp::Abort]);
    assert_eq!(scene.peer.drops(DropReason::WrongName), 1);
    stays_ended(&mut scene.peer, stream);
}
