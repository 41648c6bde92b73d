//! Streams in pieces, cut off, silent, slow, or of another protocol.

use std::time::Duration;

use swim_core::wire::{self, Ack, Frame, Ping, Scope, User};
use swim_core::{
    ConnectionError, DropReason, Event, Failure, Output, Refused, StreamId, StreamInput, StreamOp,
    TlsFault,
};

use super::datagrams::STRANGERS;
use super::peer::{
    OWN, Peer, address, answers, claimed, complaints, dialled, events, framed, half, is_aborted,
    sent,
};

/// The bytes of peers on streams that they open.
fn exchanges() -> [(&'static str, Vec<u8>); 3] {
    let ping = Ping { sequence: 7, target: OWN, source: "n1", reply_to: None };
    let message = User { from: "n1", payload: b"a message", envelope: None };
    [
        ("push/pull", half(Scope::Join, 1, 3, b"state")),
        ("ping", framed(&Frame::Ping(ping))),
        ("user message", framed(&Frame::User(message))),
    ]
}

#[test]
fn an_exchange_that_comes_byte_by_byte_ends_as_one_that_comes_at_once() {
    for (kind, bytes) in exchanges() {
        let at_once = Peer::new().receive(address(1), &bytes);
        assert!(at_once.iter().any(is_sent), "{kind} is answered");

        let mut peer = Peer::new();
        let stream = peer.accept(address(1));
        let mut outputs = Vec::new();
        for byte in &bytes {
            assert!(outputs.is_empty(), "{kind}: an answer before the end");
            outputs = peer.stream(stream, StreamInput::Data(std::slice::from_ref(byte)));
        }
        assert_eq!(outputs, at_once, "{kind}");
    }
}

#[test]
fn an_exchange_that_is_cut_anywhere_leaves_nothing_behind() {
    for (kind, bytes) in exchanges() {
        for end in 0..bytes.len() {
            for news in [StreamInput::Finished, StreamInput::Failed(ConnectionError::Reset)] {
                let mut peer = Peer::new();
                let stream = peer.accept(address(1));
                assert_eq!(peer.stream(stream, StreamInput::Data(&bytes[..end])), []);
                let outputs = peer.stream(stream, news);
                assert_eq!(events(&outputs), [], "{kind} cut at {end}");
                assert_eq!(peer.node.stats().streams_open, 0);
                assert_eq!(peer.node.members_live(), 1);
            }
        }
    }
}

#[test]
fn an_answer_that_is_cut_anywhere_fails_the_join() {
    let bytes = half(Scope::Join, 1, 3, b"state");
    for end in 0..bytes.len() {
        let (mut peer, stream) = joining();
        peer.stream(stream, StreamInput::Data(&bytes[..end]));
        let outputs = peer.stream(stream, StreamInput::Finished);
        let failure = match end {
            0 => Failure::Refused,
            _ => Failure::BadAnswer { reason: DropReason::Truncated },
        };
        assert_eq!(failures(&outputs), [failure], "cut at {end}");
        assert_eq!(peer.node.members_live(), 1);
    }
}

/// The frame's length is that of the rest, so only its content shows the cut.
#[test]
fn a_member_list_that_is_cut_anywhere_within_its_frame_breaks_nothing() {
    let whole = half(Scope::Join, 1, 5, b"");
    let header = wire::header_len(b"") + wire::FRAME_HEADER_LEN;
    for end in header..whole.len() {
        let mut bytes = claimed(u32::try_from(end - header).unwrap());
        bytes.extend_from_slice(&whole[header..end]);
        let mut peer = Peer::new();
        let stream = peer.accept(address(1));
        let outputs = peer.stream(stream, StreamInput::Data(&bytes));
        assert!(is_aborted(&outputs, stream), "cut at {end}");
        assert_eq!(complaints(&outputs), [(DropReason::Malformed, true)], "cut at {end}");
        assert_eq!(peer.node.members_live(), 1, "cut at {end}");
    }
}

#[test]
fn a_wrong_byte_anywhere_in_an_exchange_breaks_nothing() {
    for (_, bytes) in exchanges() {
        for place in 0..bytes.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff, bytes[place] ^ 1] {
                let mut wrong = bytes.clone();
                wrong[place] = byte;
                let mut peer = Peer::new();
                let stream = peer.accept(address(1));
                peer.stream(stream, StreamInput::Data(&wrong));
                peer.stream(stream, StreamInput::Finished);
                assert_eq!(peer.node.stats().streams_open, 0);
            }
        }
    }
}

#[test]
fn a_frame_that_claims_gigabytes_is_refused_at_its_header() {
    for length in [20 << 21, 1 << 31, u32::MAX] {
        let mut peer = Peer::new();
        let stream = peer.accept(address(1));
        let outputs = peer.stream(stream, StreamInput::Data(&claimed(length)));
        assert!(is_aborted(&outputs, stream), "{length}");
        assert_eq!(complaints(&outputs), [(DropReason::TooLarge, true)]);

        let (mut peer, stream) = joining();
        let outputs = peer.stream(stream, StreamInput::Data(&claimed(length)));
        assert!(is_aborted(&outputs, stream), "{length}");
        let failure = Failure::BadAnswer { reason: DropReason::TooLarge };
        assert_eq!(failures(&outputs), [failure]);
    }
}

#[test]
fn a_stranger_that_connects_is_named_once_per_host_and_minute() {
    for (bytes, reason) in STRANGERS {
        let mut peer = Peer::new();
        let stream = peer.accept(address(9));
        let outputs = peer.stream(stream, StreamInput::Data(bytes));
        assert_eq!(complaints(&outputs), [(reason, true)], "{reason}");
        assert!(is_aborted(&outputs, stream), "and shown the door");
        assert!(!outputs.iter().any(is_sent), "without an answer");
        assert_eq!(complaints(&peer.receive(address(9), bytes)), []);
        assert_eq!(complaints(&peer.receive(address(8), bytes)), [(reason, true)]);
        peer.run(Duration::from_secs(60));
        assert_eq!(complaints(&peer.receive(address(9), bytes)), [(reason, true)]);
    }
}

#[test]
fn a_stranger_that_is_joined_fails_the_join() {
    for (bytes, reason) in STRANGERS {
        let (mut peer, stream) = joining();
        let outputs = peer.stream(stream, StreamInput::Data(bytes));
        assert_eq!(failures(&outputs), [Failure::BadAnswer { reason }]);
    }
}

#[test]
fn silent_connections_block_neither_a_join_nor_a_ping() {
    let mut peer = Peer::new();
    let silent: Vec<StreamId> = (0..127).map(|number| peer.accept(address(500 + number))).collect();
    for (_, bytes) in exchanges() {
        let from = address(1);
        let stream = peer.accept(from);
        let outputs = peer.stream(stream, StreamInput::Data(&bytes));
        assert!(sent(&outputs, stream).is_some());
        peer.stream(stream, StreamInput::Finished);
    }
    // This node itself can still join and deliver.
    peer.node.join(peer.now, address(7)).unwrap();
    let opened = dialled(&peer.outputs());
    assert_eq!(opened.len(), 1);
    let outputs = peer.stream(opened[0].0, StreamInput::Data(&half(Scope::Join, 7, 2, b"")));
    assert!(answers(&outputs).iter().all(Result::is_ok));
    assert_eq!(peer.node.stats().streams_open, silent.len());
}

#[test]
fn the_oldest_silent_connection_makes_way() {
    let mut peer = Peer::new();
    let spoken = peer.accept(address(400));
    peer.stream(spoken, StreamInput::Data(b"\xc1"));
    let silent: Vec<StreamId> = (0..127).map(|number| peer.accept(address(500 + number))).collect();
    let refused = peer.node.handle_accept(peer.now, address(700));
    assert_eq!(refused, Err(Refused::TooManyStreams), "all of them have only come");
    peer.outputs();
    peer.run(Duration::from_secs(1));
    for (number, oldest) in (0..).zip(silent) {
        peer.accept(address(700 + number));
        let outputs = peer.outputs();
        assert!(is_aborted(&outputs, oldest));
        assert_eq!(outputs.len(), 1, "and nobody else does");
        assert_eq!(peer.node.stats().streams_open, 128);
    }
    let outputs = peer.stream(spoken, StreamInput::Data(b"not ours"));
    assert!(is_aborted(&outputs, spoken), "who had begun to speak was still there");
}

#[test]
fn a_silent_connection_is_closed_when_its_time_is_over() {
    let mut peer = Peer::new();
    let timeout = peer.node.config().stream_timeout;
    let stream = peer.accept(address(1));
    assert!(!is_aborted(&peer.run(timeout - Duration::from_millis(1)), stream));
    assert!(is_aborted(&peer.run(Duration::from_millis(1)), stream));
    assert_eq!(peer.drops(DropReason::StreamTimeout), 1);
}

#[test]
fn a_peer_that_trickles_gets_no_more_time_than_one_that_is_silent() {
    let mut peer = Peer::new();
    let bytes = half(Scope::Join, 1, 3, b"");
    let stream = peer.accept(address(1));
    let mut outputs = Vec::new();
    for byte in bytes.chunks(1).take(20) {
        outputs.extend(peer.stream(stream, StreamInput::Data(byte)));
        outputs.extend(peer.run(Duration::from_secs(1)));
    }
    assert!(is_aborted(&outputs, stream));
}

#[test]
fn a_peer_that_does_not_read_the_answer_is_given_up() {
    let mut peer = Peer::new();
    let stream = peer.accept(address(1));
    let outputs = peer.stream(stream, StreamInput::Data(&half(Scope::Full, 1, 1, b"")));
    assert!(sent(&outputs, stream).is_some());
    // The peer neither closes its side nor takes the bytes sent.
    let timeout = peer.node.config().stream_timeout;
    assert!(is_aborted(&peer.run(timeout * 2), stream));
    assert_eq!(peer.node.stats().streams_open, 0);
}

#[test]
fn bytes_after_the_end_of_an_exchange_are_ignored() {
    let mut peer = Peer::new();
    let stream = peer.accept(address(1));
    let mut bytes = half(Scope::Full, 1, 1, b"");
    bytes.extend_from_slice(b"and more");
    assert!(sent(&peer.stream(stream, StreamInput::Data(&bytes)), stream).is_some());
    assert_eq!(peer.stream(stream, StreamInput::Data(&[7; 100_000])), []);
    let close = Output::Stream { id: stream, op: StreamOp::Close };
    assert_eq!(peer.stream(stream, StreamInput::Finished), [close]);
    assert_eq!(peer.node.stats().streams_open, 0);
}

#[test]
fn an_answer_to_another_question_is_refused() {
    let ack = framed(&Frame::Ack(Ack { sequence: 9, payload: b"", view: 0 }));
    let (mut peer, stream) = joining();
    let outputs = peer.stream(stream, StreamInput::Data(&ack));
    assert_eq!(failures(&outputs), [Failure::BadAnswer { reason: DropReason::Malformed }]);
    let mut peer = Peer::new();
    let outputs = peer.receive(address(1), &ack);
    assert_eq!(complaints(&outputs), [(DropReason::Malformed, true)]);
}

#[test]
fn news_about_a_stream_that_is_over_is_ignored() {
    let mut peer = Peer::new();
    let stream = peer.accept(address(1));
    peer.stream(stream, StreamInput::Failed(ConnectionError::Reset));
    for news in [
        StreamInput::Opened,
        StreamInput::Data(b"\xc1"),
        StreamInput::Finished,
        StreamInput::Failed(ConnectionError::Reset),
    ] {
        assert_eq!(peer.stream(stream, news), []);
        assert_eq!(peer.stream(StreamId(999), news), []);
    }
}

#[test]
fn a_connection_without_tls_is_reported_once_a_minute_for_each_host_side_and_reason() {
    let failed = |fault| StreamInput::Failed(ConnectionError::Tls(fault));
    let (mut peer, stream) = joining();
    let outputs = peer.stream(stream, failed(TlsFault::UnknownCa));
    let told = Event::tls_failed(address(1), true, TlsFault::UnknownCa);
    assert_eq!(events(&outputs), [told]);
    assert_eq!(
        failures(&outputs),
        [Failure::Connection(ConnectionError::Tls(TlsFault::UnknownCa))]
    );

    let mut refuse = |from, fault| {
        let stream = peer.accept(from);
        events(&peer.stream(stream, failed(fault)))
    };
    let told = |from, fault| [Event::tls_failed(from, false, fault)];
    assert_eq!(refuse(address(1), TlsFault::UnknownCa), told(address(1), TlsFault::UnknownCa));
    assert_eq!(refuse(address(1), TlsFault::UnknownCa), []);
    assert_eq!(refuse(address(1), TlsFault::NotTls), told(address(1), TlsFault::NotTls));
    assert_eq!(refuse(address(2), TlsFault::NotTls), told(address(2), TlsFault::NotTls));
    assert_eq!(peer.node.stats().tls_failures, 5);
    peer.run(Duration::from_secs(60));
    let stream = peer.accept(address(2));
    assert_eq!(events(&peer.stream(stream, failed(TlsFault::NotTls))).len(), 1);
}

#[test]
fn a_peer_that_demands_tls_is_known_by_its_alert() {
    let (mut peer, stream) = joining();
    let outputs = peer.stream(stream, StreamInput::Data(&[0x15, 3, 3, 0, 2, 2, 50]));
    assert_eq!(complaints(&outputs), [(DropReason::TlsRequired, true)]);
    assert_eq!(failures(&outputs), [Failure::BadAnswer { reason: DropReason::TlsRequired }]);
}

#[test]
fn one_host_gets_no_more_than_its_share_of_connections() {
    let mut peer = Peer::new();
    let most = peer.node.config().streams_per_source_max;
    let from = |number: usize| (address(1).ip(), u16::try_from(1000 + number).unwrap()).into();
    let open: Vec<StreamId> = (0..most).map(|number| peer.accept(from(number))).collect();
    let refused = peer.node.handle_accept(peer.now, from(most));
    assert_eq!(refused, Err(Refused::TooManyFromSource));
    peer.accept(address(2));
    peer.stream(open[0], StreamInput::Failed(ConnectionError::Reset));
    peer.accept(from(most));
}

/// A node that joins at member 1, and the stream on which it waits for the answer.
fn joining() -> (Peer, StreamId) {
    let mut peer = Peer::new();
    peer.node.join(peer.now, address(1)).unwrap();
    let (stream, _) = dialled(&peer.outputs())[0];
    peer.stream(stream, StreamInput::Opened);
    (peer, stream)
}

fn is_sent(output: &Output) -> bool {
    matches!(output, Output::Stream { op: StreamOp::Send(_), .. })
}

/// The reasons of failed joins.
fn failures(outputs: &[Output]) -> Vec<Failure> {
    answers(outputs).into_iter().filter_map(Result::err).collect()
}
