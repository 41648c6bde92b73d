//! Streams and datagrams recorded on the path, with keys on the native wire: sent again to the same
//! member, to another one, and back to their sender (S86).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use swim_core::channel::Channel;
use swim_core::wire::{self, Envelope, FRAME_HEADER_LEN, Message, User};
use swim_core::{Answer, DropReason, Event, State, StreamInput};

use super::peer::address;
use super::scene::GREETING_SIZE;
use super::wiretap::{A, B, Broken, C, Talk, Wiretap};

/// The traffic of three members while one sends messages, a broadcast and its state.
fn recorded(broken: Broken) -> Wiretap {
    let mut tap = Wiretap::new(broken);
    tap.run(A_WHILE);
    let now = tap.now;
    tap.nodes[A].send_reliable(now, "b", b"a stream").unwrap();
    tap.nodes[A].send(now, "b", b"a datagram").unwrap();
    tap.nodes[A].broadcast(now, b"a broadcast").unwrap();
    tap.run(A_WHILE);
    let told = [A, B, C].map(|it| tap.delivered(it)).map(|[messages, told, _]| [messages, told]);
    assert_eq!(told, [[0, 0], [2, 1], [0, 1]]);
    assert!(tap.delivered(B)[2] > 0, "b was told the state of a");
    assert_eq!(delivered_answers(&tap), 1);
    tap
}

/// Long enough for gossip to reach all members.
const A_WHILE: Duration = Duration::from_secs(3);

fn delivered_answers(tap: &Wiretap) -> usize {
    tap.answers[A].iter().filter(|(_, result)| *result == Ok(Answer::Delivered)).count()
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
fn s86_recorded_streams_and_packets_deliver_nothing_to_anybody() {
    assert!(is_taken_once(None));
}

/// A member restarts, receives all recordings, joins, and receives them again.
fn a_fresh_member_takes_nothing(broken: Broken) -> bool {
    let mut tap = recorded(broken);
    // C is gone for good; no member knows that yet.
    tap.restart(B, 2000);
    tap.nodes.truncate(C);
    let before = tap.delivered(B);
    tap.repeat_all(B);
    let alone = tap.delivered(B);
    tap.join(B, A);
    tap.repeat_all(B);
    let state_of_a = tap.delivered(B)[2] - alone[2];
    let joined = tap.delivered(B);
    alone == before && joined[..2] == before[..2] && state_of_a == 1
}

#[test]
fn s86_a_member_that_starts_takes_nothing_of_recordings() {
    assert!(a_fresh_member_takes_nothing(None));
}

#[test]
fn s86_members_in_recordings_are_gone_within_a_suspicion() {
    let mut tap = recorded(None);
    let mut names = vec!["a", "c"];
    for joins in [false, true] {
        tap.restart(B, 2000 + u32::from(joins));
        if joins {
            names.remove(0);
            tap.join(B, A);
        } else {
            // No other member is there to help.
            tap.away = vec![A, C];
        }
        tap.repeat_all(B);
        let config = tap.nodes[B].config().clone();
        let bound = config.probe_interval * 8 + config.suspicion_timeouts(3).max;
        tap.run(bound);
        for name in &names {
            let live = tap.nodes[B].member(name).is_some_and(|member| member.state.is_live());
            assert!(!live, "{name} is taken for live, joined: {joins}");
        }
        tap.away = vec![C];
    }
}

#[test]
fn s86_recorded_failures_and_leaves_hold_for_nobody_who_is_there() {
    let mut tap = recorded(None);
    // C is declared failed and comes back; A leaves and comes back.
    tap.away = vec![C];
    tap.run(Duration::from_secs(60));
    tap.away.clear();
    tap.join(C, A);
    let now = tap.now;
    tap.nodes[A].leave(now).unwrap();
    tap.run(Duration::from_secs(30));
    tap.join(A, B);
    tap.run(A_WHILE);
    let state = |tap: &Wiretap, name: &str| tap.nodes[B].member(name).map(|it| it.state);
    for name in ["a", "c"] {
        assert_eq!(state(&tap, name), Some(State::Alive), "{name} is back");
    }
    for joins_first in [true, false] {
        tap.restart(B, 3000 + u32::from(joins_first));
        if joins_first {
            tap.join(B, A);
        }
        tap.repeat_all(B);
        let config = tap.nodes[B].config().clone();
        tap.run(config.probe_interval * 8 + config.suspicion_timeouts(3).max);
        if !joins_first {
            tap.join(B, A);
        }
        tap.run(A_WHILE);
        for name in ["a", "c"] {
            let state = state(&tap, name);
            assert_eq!(state, Some(State::Alive), "{name}, joins first: {joins_first}");
        }
    }
}

/// An origin has more lives than a member remembers, and a broadcast of each life is sent again
/// when all is quiet.
fn what_is_forgotten_is_not_taken_again(broken: Broken) -> bool {
    let mut tap = Wiretap::new(broken);
    tap.run(A_WHILE);
    for life in 0..20 {
        tap.restart(A, 2000 + life);
        tap.join(A, B);
        tap.run(A_WHILE);
        let now = tap.now;
        tap.nodes[A].broadcast(now, b"a broadcast").unwrap();
        tap.run(A_WHILE);
    }
    let before = tap.delivered(B);
    assert_eq!(before[1], 20);
    tap.run(Duration::from_secs(120));
    tap.repeat_all(B);
    tap.delivered(B) == before
}

#[test]
fn s86_what_a_member_forgot_is_not_taken_again() {
    assert!(what_is_forgotten_is_not_taken_again(None));
}

#[test]
fn s86_a_forged_message_silences_its_sender_for_a_renewal_only() {
    let mut tap = recorded(None);
    let mut channel = Channel::new(tap.nodes[A].config(), [3; 32]);
    for _ in 0..3 {
        let envelope = Envelope {
            to: wire::recipient("b"),
            incarnation: tap.nodes[B].local().incarnation,
            life: u32::MAX,
            sequence: u32::MAX,
        };
        let forged = User { from: "a", payload: b"forged", envelope: Some(envelope) };
        let mut draft = channel.datagram();
        draft.append(&Message::User(forged));
        let forged = draft.into_datagram(false).unwrap();
        tap.nodes[B].handle_packet(tap.now, address(66), &forged);
        tap.settle();
        let before = tap.delivered(B)[0];
        for _ in 0..2 {
            let now = tap.now;
            tap.nodes[A].send(now, "b", b"a datagram").unwrap();
            tap.run(A_WHILE);
        }
        assert_eq!(tap.delivered(B)[0] - before, 1, "one is lost, the next one arrives");
        tap.run(Duration::from_secs(30));
    }
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

#[test]
fn s86_a_recorded_message_in_a_packet_is_refused_for_a_reason() {
    let mut tap = recorded(None);
    let drops = |tap: &Wiretap, it: usize, reason| tap.nodes[it].stats().drops[reason];
    let (b, c) = (DropReason::RepeatedMessage, DropReason::WrongName);
    let before = [drops(&tap, B, b), drops(&tap, C, c)];
    tap.repeat_all(B);
    tap.repeat_all(C);
    assert_eq!(drops(&tap, B, b) - before[0], 2);
    assert!(drops(&tap, C, c) - before[1] >= 2, "pings for b count, too");
    tap.restart(B, 2000);
    tap.repeat_all(B);
    assert!(drops(&tap, B, DropReason::Predates) >= 4, "the message and the broadcast");
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

/// The header and greeting of one side of a stream, and each of its frames.
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

/// A joiner merges an answer only if all of its frames come from one answer to it.
fn frames_do_not_mix(broken: Broken) -> bool {
    let mut tap = Wiretap::new(broken);
    // Two answers to two questions, each with two frames of one state.
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
    // The connection is accepted, and then stays silent.
    let request = tap.nodes[A].send_reliable(now, "b", b"a stream").unwrap();
    while tap.nodes[A].poll_output().is_some() {}
    let timeout = tap.nodes[A].config().stream_timeout;
    tap.run(timeout * 2);
    assert_eq!(tap.answers[A].iter().filter(|(of, _)| *of == request).count(), 1);
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

/// Each attack succeeds if the rule against it is broken.
#[cfg(feature = "sabotage")]
mod broken {
    use swim_core::Sabotage;

    use super::*;

    #[test]
    fn s86_recorded_messages_deliver_where_they_are_not_remembered() {
        assert!(!is_taken_once(Some(Sabotage::TakesRepeatedMessages)));
    }

    #[test]
    fn s86_recorded_messages_deliver_elsewhere_where_nobody_looks_for_whom_they_are() {
        assert!(!is_taken_once(Some(Sabotage::TakesWhatIsForOthers)));
    }

    #[test]
    fn s86_recordings_deliver_to_a_member_that_starts_where_it_takes_what_predates_it() {
        assert!(!a_fresh_member_takes_nothing(Some(Sabotage::TakesWhatPredates)));
    }

    #[test]
    fn s86_recordings_deliver_where_a_member_forgets_and_stays() {
        assert!(!what_is_forgotten_is_not_taken_again(Some(Sabotage::ForgetsAndStays)));
    }

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
