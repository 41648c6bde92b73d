//! Streams and datagrams that were recorded on the path, with keys on the native wire: sent again
//! to the same member, to another one, and back to their sender (S86).

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, FRAME_HEADER_LEN};
use swim_core::{Answer, DropReason, Event, StreamInput};

use super::peer::address;
use super::scene::GREETING_SIZE;
use super::wiretap::{A, B, Broken, C, Talk, Wiretap};

/// All that three members said while one sent the others a message and its state.
fn recorded(broken: Broken) -> Wiretap {
    let mut tap = Wiretap::new(broken);
    let now = tap.now;
    tap.nodes[A].send_reliable(now, "b", b"a stream").unwrap();
    tap.settle();
    let messages: Vec<usize> = [A, B, C].map(|it| tap.delivered(it)[0]).into();
    assert_eq!(messages, [0, 1, 0]);
    assert!(tap.delivered(B)[2] > 0, "b was told the state of a");
    assert_eq!(delivered_answers(&tap), 1);
    tap
}

fn delivered_answers(tap: &Wiretap) -> usize {
    let is = |event: &&Event| matches!(event, Event::Answer { result: Ok(Answer::Delivered), .. });
    tap.events[A].iter().filter(is).count()
}

fn is_taken_once(broken: Broken) -> bool {
    let mut tap = recorded(broken);
    let before = [A, B, C].map(|member| tap.delivered(member));
    for member in [A, B, C] {
        tap.repeat_all(member);
    }
    [A, B, C].map(|member| tap.delivered(member)) == before
}

#[test]
fn s86_a_recorded_stream_delivers_nothing_to_anybody() {
    assert!(is_taken_once(None));
}

#[test]
fn s86_a_recorded_stream_is_refused_for_a_reason() {
    let mut tap = recorded(None);
    let talk = tap.talks.last().unwrap().clone();
    let drops = |tap: &Wiretap, reason| tap.nodes[B].stats().drops[reason];
    let before = drops(&tap, DropReason::Unbound);
    tap.say(B, &[talk.dialler.concat().into()]);
    assert_eq!(drops(&tap, DropReason::Unbound), before + 1, "its frames came unasked");
    let before = drops(&tap, DropReason::WrongKey);
    tap.say(B, &talk.dialler);
    assert_eq!(drops(&tap, DropReason::WrongKey), before + 1, "they belong to another greeting");
}

fn is_delivered_only_if_it_is(broken: Broken) -> bool {
    let mut tap = recorded(broken);
    let (before, answers) = (tap.delivered(B), delivered_answers(&tap));
    for Talk { dialler, acceptor } in tap.talks.clone() {
        for said in [acceptor, dialler] {
            tap.answer = Some(said.concat().into());
            let now = tap.now;
            tap.nodes[A].send_reliable(now, "b", b"never delivered").unwrap();
            tap.settle();
        }
    }
    assert_eq!(tap.delivered(B), before);
    delivered_answers(&tap) == answers
}

#[test]
fn s86_a_recorded_answer_is_no_delivery() {
    assert!(is_delivered_only_if_it_is(None));
}

fn is_delivered_to_its_recipient(broken: Broken) -> bool {
    let mut tap = recorded(broken);
    let answers = delivered_answers(&tap);
    tap.led = Some((B, C));
    let now = tap.now;
    tap.nodes[A].send_reliable(now, "b", b"for b").unwrap();
    tap.settle();
    tap.delivered(C)[0] == 0 && delivered_answers(&tap) == answers
}

#[test]
fn s86_a_stream_that_is_led_to_another_member_delivers_nothing_there() {
    assert!(is_delivered_to_its_recipient(None));
}

/// The header and greeting of what was said on a stream, and each frame.
fn parts(said: &[u8]) -> Vec<&[u8]> {
    let (beginning, mut rest) = said.split_at(wire::header_len(b"") + GREETING_SIZE);
    let mut parts = vec![beginning];
    while let Some(length) = wire::frame_len(rest) {
        let (frame, after) = rest.split_at(FRAME_HEADER_LEN + length);
        parts.push(frame);
        rest = after;
    }
    parts
}

/// What joiners are answered is taken in only if it all comes from one answer to them.
fn frames_do_not_mix(broken: Broken) -> bool {
    let mut tap = Wiretap::new(broken);
    // Two answers to two questions, each of two frames of one state.
    let mut answers = Vec::new();
    for state in [b'x', b'y'] {
        let now = tap.now;
        tap.nodes[A].set_user_state(now, Bytes::from(vec![state; 100 << 10])).unwrap();
        tap.join(B, A);
        answers.push(Bytes::from(tap.talks.last().unwrap().acceptor.concat()));
    }
    let [one, other] = [parts(&answers[0]), parts(&answers[1])];
    assert_eq!([one.len(), other.len()], [3, 3]);
    let mixed = [one[0], one[1], other[2]].concat();
    tap.answer = Some(mixed.into());
    tap.join(B, A);
    let is_mixed = |event: &Event| match event {
        Event::UserState { state, .. } => state.iter().any(|&byte| byte != state[0]),
        _ => false,
    };
    !tap.events[B].iter().any(is_mixed)
}

#[test]
fn s86_frames_of_two_recordings_do_not_mix() {
    assert!(frames_do_not_mix(None));
}

#[test]
fn a_dialler_that_is_never_greeted_is_given_up() {
    let mut tap = Wiretap::new(None);
    let now = tap.now;
    // Somebody takes the connection and says nothing.
    let request = tap.nodes[A].send_reliable(now, "b", b"a stream").unwrap();
    while tap.nodes[A].poll_output().is_some() {}
    let timeout = tap.nodes[A].config().stream_timeout;
    tap.run(timeout * 2);
    let is = |event: &&Event| matches!(event, Event::Answer { request: it, .. } if *it == request);
    assert_eq!(tap.events[A].iter().filter(is).count(), 1);
    assert_eq!(tap.delivered(B)[0], 0);
}

#[test]
fn a_greeting_byte_by_byte_is_answered_once() {
    let mut tap = recorded(None);
    let greeting = tap.talks.last().unwrap().dialler[0].clone();
    let id = tap.nodes[B].handle_accept(tap.now, address(66)).unwrap();
    let mut answered = BytesMut::new();
    for byte in &greeting {
        tap.nodes[B].handle_stream(tap.now, id, StreamInput::Data(&[*byte]));
        while let Some(output) = tap.nodes[B].poll_output() {
            if let swim_core::Output::Stream { op: swim_core::StreamOp::Send(bytes), .. } = output {
                answered.extend_from_slice(&bytes);
            }
        }
    }
    assert_eq!(answered.len(), greeting.len());
    assert_eq!(answered[..3], greeting[..3], "the same header");
    assert_ne!(answered[4..], greeting[4..], "another number");
}

/// Each attack succeeds where the rule against it is broken.
#[cfg(feature = "sabotage")]
mod broken {
    use swim_core::Sabotage;

    use super::*;

    #[test]
    fn s86_recorded_streams_deliver_where_greetings_are_alike() {
        assert!(!is_taken_once(Some(Sabotage::GreetsAlike)));
    }

    #[test]
    fn s86_recorded_streams_deliver_where_nobody_waits_for_a_greeting() {
        assert!(!is_taken_once(Some(Sabotage::WaitsForNoGreeting)));
    }

    #[test]
    fn s86_recorded_answers_deliver_where_greetings_are_alike() {
        assert!(!is_delivered_only_if_it_is(Some(Sabotage::GreetsAlike)));
    }

    #[test]
    fn s86_frames_mix_where_greetings_are_alike() {
        assert!(!frames_do_not_mix(Some(Sabotage::GreetsAlike)));
    }

    #[test]
    fn s86_a_stream_that_is_led_elsewhere_delivers_where_nobody_looks_for_whom_it_is() {
        assert!(!is_delivered_to_its_recipient(Some(Sabotage::TakesWhatIsForOthers)));
    }
}
