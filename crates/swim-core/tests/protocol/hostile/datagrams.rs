//! Malformed datagrams, and questions that should cost the asker more than the answer.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use swim_core::wire::{self, Ack, Claim, IndirectPing, Message, Ping, Update};
use swim_core::{DropReason, Event, Incarnation, Output, State};

use super::peer::{OWN, Peer, address, alive, complaints, events, name, packet, packets};

/// The first bytes of other protocols, and the reasons to drop them.
pub(crate) const STRANGERS: [(&[u8], DropReason); 10] = [
    (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", DropReason::Http),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", DropReason::Http),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", DropReason::Tls),
    // memberlist: a ping, a compound message, an encrypted one, and one with a label.
    (b"\x00\x82\xa5SeqNo\x01\xa4Node\xa1a", DropReason::Memberlist),
    (b"\x07\x02\x00\x10\x00\x20", DropReason::Memberlist),
    (b"\x0a\x01\x02\x03", DropReason::Memberlist),
    (b"\xf4\x05label\x00", DropReason::Memberlist),
    (b"\xc1\x20\x00", DropReason::WireVersion),
    (b"\xc1\x10\x05other", DropReason::LabelMismatch),
    (b"SSH-2.0-OpenSSH_9.6\r\n", DropReason::Unrecognised),
];

#[test]
fn a_stranger_on_the_port_is_named_once_per_host_and_minute() {
    for (bytes, reason) in STRANGERS {
        let mut peer = Peer::new();
        let (from, mut other_port) = (address(9), address(9));
        other_port.set_port(1);
        assert_eq!(complaints(&peer.datagram(from, bytes)), [(reason, false)], "{reason}");
        for from in [from, other_port] {
            assert_eq!(complaints(&peer.datagram(from, bytes)), [], "{reason}, told already");
        }
        assert_eq!(complaints(&peer.datagram(address(8), bytes)), [(reason, false)]);
        assert_eq!(peer.drops(reason), 4, "all of them are counted");

        peer.run(Duration::from_secs(59));
        assert_eq!(complaints(&peer.datagram(from, bytes)), []);
        peer.run(Duration::from_secs(1));
        assert_eq!(complaints(&peer.datagram(from, bytes)), [(reason, false)]);
    }
}

#[test]
fn strangers_are_never_answered() {
    for (bytes, reason) in STRANGERS {
        let outputs = Peer::new().datagram(address(9), bytes);
        assert_eq!(packets(&outputs), [], "{reason}");
    }
}

#[test]
fn an_empty_datagram_is_dropped() {
    let mut peer = Peer::new();
    assert_eq!(complaints(&peer.datagram(address(9), b"")), [(DropReason::Truncated, false)]);
}

#[test]
fn a_flood_from_made_up_hosts_does_not_become_a_flood_of_events() {
    let mut peer = Peer::new();
    let told: usize = (1..2000)
        .map(|number| complaints(&peer.datagram(address(number), b"GET / HTTP/1.1\r\n")).len())
        .sum();
    assert!(told <= 64, "{told} events");
    assert_eq!(peer.drops(DropReason::Http), 1999);
}

#[test]
fn a_datagram_of_a_thousand_pings_is_answered_once() {
    let mut peer = Peer::new();
    let pings: Vec<Message<'_>> =
        (0..1000).map(|sequence| ping(sequence, "self", "stranger")).collect();
    let answers = packets(&peer.say(address(9), &pings));
    assert_eq!(answers.len(), 1);
    assert_eq!(peer.drops(DropReason::TooManyQuestions), 999);
}

#[test]
fn a_thousand_indirect_pings_in_a_datagram_ping_one_member_once() {
    let mut peer = Peer::new();
    peer.meet(1);
    let target = name(1);
    let asked: Vec<Message<'_>> =
        (0..1000).map(|sequence| indirect_ping(sequence, &target, 1)).collect();
    let sent = packets(&peer.say(address(9), &asked));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, address(1));
}

#[test]
fn the_answer_to_a_stranger_is_no_larger_than_the_question() {
    let mut peer = with_news();
    let question = packet(b"", &[ping(7, "self", "s")]);
    let answers = packets(&peer.datagram(address(999), &question));
    assert_eq!(answers.len(), 1);
    assert!(answers[0].1.len() <= question.len(), "{} bytes", answers[0].1.len());
    assert_eq!(messages_in(&answers[0].1), 1, "an ack and nothing else");
}

#[test]
fn who_bears_a_members_name_at_another_address_gets_no_gossip() {
    let mut peer = with_news();
    peer.greet(1);
    let member = name(1);
    let answers = packets(&peer.say(address(999), &[ping(7, "self", &member)]));
    assert_eq!(messages_in(&answers[0].1), 1);
    let answers = packets(&peer.say(address(1), &[ping(7, "self", &member)]));
    assert!(messages_in(&answers[0].1) > 1, "the member itself does");
}

#[test]
fn s91_a_member_that_never_answered_gets_no_more_than_it_sent() {
    let mut peer = with_news();
    peer.node.set_ack_payload(peer.now, vec![1; 200].into()).unwrap();
    let member = name(1);
    let question = packet(b"", &[ping(7, "self", &member)]);
    let sent = packets(&peer.datagram(address(1), &question));
    // Because something was withheld, it is also asked whether it is there.
    let [(_, answer), (_, asked)] = &sent[..] else { panic!("{sent:?}") };
    assert!(answer.len() <= question.len(), "{} bytes", answer.len());
    assert_eq!([answer, asked].map(|it| messages_in(it)), [1, 1]);
    for _ in 0..100 {
        peer.datagram(address(1), &question);
    }
    let short = packet(b"", &[ping(7, "self", "n")]);
    assert_eq!(packets(&peer.datagram(address(1), &short)).len(), 1);
    peer.greet(1);
    let sent = packets(&peer.datagram(address(1), &question));
    assert!(sent[0].1.len() > 1_000, "{} bytes", sent[0].1.len());
    let lengths: Vec<usize> =
        (0..10).map(|_| packets(&peer.datagram(address(1), &question))[0].1.len()).collect();
    assert_eq!(lengths.iter().filter(|&&length| length > question.len()).count(), 3, "{lengths:?}");
}

#[test]
fn a_member_that_answers_a_ping_of_the_application_is_told_news() {
    let mut peer = with_news();
    let member = name(1);
    let question = packet(b"", &[ping(7, "self", &member)]);
    peer.node.ping(peer.now, &member).unwrap();
    let sent = packets(&peer.outputs());
    let [(_, asked)] = &sent[..] else { panic!("{sent:?}") };
    let sequence = sequence_in(asked);
    let ack = Message::Ack(Ack { sequence, payload: b"", view: 0 });
    peer.say(address(2), &[ack]);
    let answer = packets(&peer.datagram(address(1), &question)).remove(0).1;
    assert!(answer.len() <= question.len(), "an ack from elsewhere proves nothing");
    assert_eq!(peer.say(address(1), &[ack]).len(), 1, "the command is answered");
    let answer = packets(&peer.datagram(address(1), &question)).remove(0).1;
    assert!(answer.len() > 1_000, "{} bytes", answer.len());
}

/// The incarnation of an earlier life's accusation or announcement, as high as a clock.
const EARLIER: u32 = 1_700_000_000;

#[test]
fn a_suspect_that_announces_itself_far_below_is_told_what_its_earlier_life_announced() {
    let told = |incarnation| {
        let mut peer = Peer::new();
        peer.hear(1, EARLIER, alive(1));
        peer.hear(1, EARLIER, Claim::Suspect { accuser: "n2" });
        packets(&peer.hear(1, incarnation, alive(1)))
    };
    let [(to, told_far)] = &told(1)[..] else { panic!("{:?}", told(1)) };
    assert_eq!((*to, messages_in(told_far)), (address(1), 2), "announcement and accusation");
    assert_eq!(told(EARLIER - 1), [], "old news, which it follows");
}

#[test]
fn an_accuser_of_an_earlier_life_hears_that_this_one_lives() {
    let answers = |from: u16| {
        let mut peer = Peer::new();
        peer.meet(1);
        let own = peer.node.local().incarnation;
        let incarnation = Incarnation(own.0 + 100_000);
        let (name, accuser) = ("self", name(1));
        let claim = Claim::Suspect { accuser: &accuser };
        let update = Update { name, incarnation, claim };
        let sent = packets(&peer.say(address(from), &[Message::Update(update)]));
        assert_eq!(peer.node.local().incarnation, own, "nobody asked");
        sent
    };
    let [(to, answer)] = &answers(1)[..] else { panic!("{:?}", answers(1)) };
    assert_eq!((*to, messages_in(answer)), (address(1), 1));
    assert_eq!(answers(2), [], "not who names it");
}

#[test]
fn a_ping_for_another_name_is_not_answered() {
    let mut peer = Peer::new();
    assert_eq!(peer.say(address(9), &[ping(7, "somebody", "s")]), []);
    assert_eq!(peer.drops(DropReason::WrongName), 1);
}

#[test]
fn an_indirect_ping_to_an_address_that_is_no_members_sends_nothing_there() {
    let mut peer = with_news();
    let (known, unknown) = (name(1), name(777));
    for (target, number) in [(&known, 2), (&known, 777), (&unknown, 777), (&unknown, 1)] {
        let question = packet(b"", &[indirect_ping(7, target, number)]);
        let sent = packets(&peer.datagram(address(999), &question));
        // A nack shows that this node itself can be reached.
        assert_eq!(sent.len(), 1, "{target} at {number}");
        assert_eq!(sent[0].0, address(999));
        assert!(sent[0].1.len() <= question.len());
    }
}

#[test]
fn what_a_helper_tells_the_asker_is_no_larger_than_the_question() {
    for answered in [false, true] {
        let mut peer = with_news();
        let target = name(1);
        let question = packet(b"", &[indirect_ping(7, &target, 1)]);
        let relayed = packets(&peer.datagram(address(999), &question));
        let mut outputs = Vec::new();
        if answered {
            let sequence = match wire::open_packet(&relayed[0].1, b"").unwrap().next() {
                Some(Ok(Message::Ping(ping))) => ping.sequence,
                other => panic!("a ping, not {other:?}"),
            };
            let ack = Ack { sequence, payload: b"", view: 0 };
            outputs.extend(peer.say(address(1), &[Message::Ack(ack)]));
        }
        outputs.extend(peer.run(Duration::from_secs(1)));
        for (_, payload) in packets(&outputs).iter().filter(|(to, _)| *to == address(999)) {
            assert!(payload.len() <= question.len(), "{} bytes", payload.len());
        }
    }
}

#[test]
fn s65_an_ack_in_this_nodes_own_name_does_not_end_the_question_about_its_address() {
    let mut peer = Peer::new();
    (1..4).for_each(|number| peer.greet(number));
    let own = peer.node.member(OWN).unwrap().incarnation;
    let claim = Claim::Suspect { accuser: "n1" };
    peer.say(address(1), &[Message::Update(Update { name: OWN, incarnation: own, claim })]);
    let mut told = Vec::new();
    for _ in 0..50 {
        let outputs = peer.run(Duration::from_millis(100));
        told.extend(events(&outputs));
        let asked = questions_about(OWN, &outputs);
        for &(_, sequence) in &asked {
            // A relay knows the number, and can forge the source of a datagram.
            let ack = Message::Ack(Ack { sequence, payload: b"", view: 0 });
            assert_eq!(packets(&peer.say(address(0), &[ack])), []);
        }
        if !asked.is_empty() {
            peer.run(peer.node.config().probe_timeout);
        }
        for (relay, sequence) in asked {
            peer.say(relay, &[Message::Nack { sequence }]);
        }
        peer.node.check_invariants();
    }
    let unreachable = |event: &&Event| matches!(event, Event::AddressUnreachable { .. });
    assert_eq!(told.iter().filter(unreachable).count(), 1, "{told:?}");
}

#[test]
fn s89_a_member_that_pings_all_the_time_is_told_what_it_has_to_outrank() {
    let mut peer = Peer::new();
    let name = name(1);
    // An attacker announced the member elsewhere, at an incarnation so high that it does not follow
    // an accusation alone.
    peer.hear(1, 2_000_000, alive(999));
    peer.hear(1, 2_000_000, Claim::Failed { accuser: "n2" });
    while peer.node.member(&name).unwrap().state != State::Failed {
        peer.run(peer.node.config().probe_interval);
    }
    for sequence in 0..5 {
        peer.run(peer.node.config().probe_interval);
        let answers = packets(&peer.say(address(1), &[ping(sequence, OWN, &name)]));
        let [Message::Ack(_), Message::Update(noted)] = messages_to_member(&answers)[..] else {
            panic!("{answers:?}");
        };
        assert!(matches!(noted.claim, Claim::Failed { .. }), "{noted:?}");
        // Its alive shows how far behind it is.
        let news = Update { name: &name, incarnation: Incarnation(1), claim: alive(1) };
        let told = packets(&peer.say(address(1), &[Message::Update(news)]));
        let [Message::Update(outranked), Message::Update(accusation)] =
            messages_to_member(&told)[..]
        else {
            panic!("{told:?}");
        };
        assert!(matches!(outranked.claim, Claim::Alive { address: at, .. } if at == address(999)));
        assert!(matches!(accusation.claim, Claim::Failed { .. }));
        assert_eq!([outranked, accusation].map(|it| it.incarnation.0), [2_000_000; 2]);
    }
}

#[test]
fn every_prefix_of_a_packet_and_every_wrong_byte_in_it_is_harmless() {
    let long = "n".repeat(255);
    let news = Update { name: &long, incarnation: Incarnation(1), claim: alive(3) };
    let target = name(1);
    let whole =
        packet(b"", &[ping(7, "self", "s"), Message::Update(news), indirect_ping(8, &target, 1)]);
    for end in 0..whole.len() {
        let mut peer = Peer::new();
        peer.datagram(address(9), &whole[..end]);
        assert!(peer.node.members_live() <= 2);
    }
    let mut peer = Peer::new();
    for place in 0..whole.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff, whole[place] ^ 1] {
            let mut bytes = whole.clone();
            bytes[place] = byte;
            let answers = packets(&peer.datagram(address(9), &bytes));
            assert!(answers.len() <= 3, "byte {place} as {byte}");
        }
    }
}

fn ping<'a>(sequence: u32, target: &'a str, source: &'a str) -> Message<'a> {
    Message::Ping(Ping { sequence, target, source, reply_to: None })
}

fn indirect_ping(sequence: u32, target: &str, at: u16) -> Message<'_> {
    Message::IndirectPing(IndirectPing::new(sequence, target, address(at)))
}

/// A node with a packet full of queued news.
fn with_news() -> Peer {
    let mut peer = Peer::new();
    for number in 1..100 {
        assert!(matches!(peer.meet(number)[..], [Output::Event(_)]));
    }
    peer
}

/// Relays asked to ping this member, each with the number of the request.
fn questions_about(name: &str, outputs: &[Output]) -> Vec<(SocketAddr, u32)> {
    let question = |(to, payload): (SocketAddr, Bytes)| {
        let Some(Ok(Message::IndirectPing(asked))) = wire::open_packet(&payload, b"").ok()?.next()
        else {
            return None;
        };
        (asked.target == name).then_some((to, asked.sequence))
    };
    packets(outputs).into_iter().filter_map(question).collect()
}

/// The number of the ping at the start of a datagram.
fn sequence_in(datagram: &[u8]) -> u32 {
    match wire::open_packet(datagram, b"").unwrap().next() {
        Some(Ok(Message::Ping(ping))) => ping.sequence,
        other => panic!("{other:?}"),
    }
}

/// The messages in the datagram to member 1.
fn messages_to_member(sent: &[(SocketAddr, Bytes)]) -> Vec<Message<'_>> {
    let (_, datagram) = sent.iter().find(|(to, _)| *to == address(1)).expect("a datagram");
    wire::open_packet(datagram, b"").unwrap().flatten().collect()
}

fn messages_in(datagram: &[u8]) -> usize {
    wire::open_packet(datagram, b"").unwrap().count()
}
