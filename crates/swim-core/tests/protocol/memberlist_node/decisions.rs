//! Deliberate differences from Go that no vector shows. The reasons are in
//! `docs/reference/differences-from-memberlist.md`.

use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value;
use swim_core::channel::Sealer;
use swim_core::wire::memberlist::{
    COMPRESSED, Lzw, StreamMessage, decode_stream, encode, encode_push_pull, make_compound,
    read_packet,
};
use swim_core::wire::{Ack, Claim, Message, Ping, SealVersion, Update, User};
use swim_core::{
    Config, DropReason, Event, Hooks, Incarnation, Instant, Key, Keyring, MemberRef, Merge, Node,
    Output, State, StreamInput, StreamOp, Versions,
};

use super::harness::{Peer, SENDER, Said, at, config, dialled, events, secured, written};
use crate::memberlist::vectors::hex;

const NODE_B: &str = "127.0.0.2:7946";
const KEY: &[u8] = b"0123456789abcdef";

fn bytes_of(message: &Message<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(message, &mut out);
    out.to_vec()
}

fn update(name: &str, incarnation: u32, claim: Claim<'_>) -> Vec<u8> {
    let incarnation = Incarnation(incarnation);
    bytes_of(&Message::Update(Update { name, incarnation, claim }))
}

fn alive(address: &str) -> Claim<'static> {
    Claim::Alive { address: at(address), meta: b"", versions: Versions::MEMBERLIST }
}

fn member(name: &'static str, address: &str, state: State, incarnation: u32) -> MemberRef<'static> {
    MemberRef {
        name,
        address: at(address),
        state,
        incarnation: Incarnation(incarnation),
        meta: b"",
        versions: Versions::MEMBERLIST,
    }
}

fn push_pull(members: &[MemberRef<'_>]) -> BytesMut {
    let mut text = BytesMut::new();
    encode_push_pull(false, members.iter().copied(), &[], &mut text);
    text
}

/// A node that knows `node-b`, and has nothing to gossip.
fn peer(config: Config) -> Peer {
    let mut peer = Peer::new(config);
    let text = peer.dialled_with(&push_pull(&[member("node-b", NODE_B, State::Alive, 5)]));
    peer.receive(at(NODE_B), &text);
    assert_eq!(peer.node.members().count(), 2);
    peer
}

#[test]
fn an_address_is_passed_on_in_the_form_in_which_it_came() {
    for (announced, form) in [
        ("127.0.0.5:7946", "7f000005"),
        ("[::ffff:127.0.0.5]:7946", "00000000000000000000ffff7f000005"),
    ] {
        let mut peer = peer(config("local"));
        let said = update("node-c", 1, alive(announced));
        peer.datagram(at(NODE_B), &said);
        let outputs = peer.run(Duration::from_millis(200));
        assert!(peer.messages(&outputs).contains(&said));
        let row = peer.table().into_iter().find(|row| row.name == "node-c").unwrap();
        assert_eq!(row.address, format!("{form}:7946"));
        // The application sees one address.
        assert_eq!(peer.node.member("node-c").unwrap().address, at("127.0.0.5:7946"));
    }
}

#[test]
fn a_checksum_is_left_out_under_a_seal() {
    for keyed in [false, true] {
        let key = if keyed { hex(KEY).into() } else { Value::Null };
        let mut peer = peer(secured(config("local"), &key, &Value::Null));
        peer.node.set_meta(peer.now, "other".into()).unwrap();
        let outputs = peer.run(Duration::from_millis(200));
        let sent = peer.sent(&outputs);
        assert!(!sent.is_empty());
        // Type 12 comes first, for a member that understands it.
        assert!(sent.iter().all(|(_, text)| text.starts_with("0c") != keyed), "{sent:?}");
    }
}

#[test]
fn a_stream_is_compressed_only_where_that_makes_it_shorter() {
    let mut peer = peer(config("local").with(|config| config.compression = true));
    let ping = Ping { sequence: 7, target: "local", source: "", reply_to: None };
    let (id, outputs) = peer.receive(at(SENDER), &bytes_of(&Message::Ping(ping)));
    assert_eq!(written(&outputs, id)[0], 2);
    let (id, outputs) = peer.receive(at(SENDER), &push_pull(&[]));
    assert_eq!(written(&outputs, id)[0], COMPRESSED);
}

#[test]
fn one_ping_of_a_packet_is_answered() {
    let mut peer = peer(config("local"));
    let ping =
        bytes_of(&Message::Ping(Ping { sequence: 7, target: "local", source: "", reply_to: None }));
    let mut packet = BytesMut::from(&ping.repeat(3)[..]);
    let length = u16::try_from(ping.len()).unwrap();
    make_compound(&mut packet, 0, &[length; 3]);
    let outputs = peer.datagram(at(SENDER), &packet);
    assert_eq!(peer.sent(&outputs).len(), 1);
    assert_eq!(peer.node.stats().drops[DropReason::TooManyQuestions], 2);
}

/// A Go member complains about a connection that is closed before its label was sent. Seen when a
/// member was restarted while peers found that it did not answer.
#[test]
fn a_stream_that_is_not_needed_any_more_still_says_what_it_was_opened_for() {
    let probe_interval = Duration::from_secs(1);
    let mut peer = peer(config("local").with(|config| config.probe_interval = probe_interval));
    let mut outputs = vec![];
    let id = loop {
        outputs.extend(peer.run(Duration::from_millis(10)));
        if let Some(id) = dialled(&outputs) {
            break id;
        }
    };
    let mut sequence = None;
    for message in peer.messages(&outputs) {
        read_packet(&message, 7946, &mut Lzw::default(), &mut |message| {
            if let Ok(Message::Ping(ping)) = message {
                sequence = Some(ping.sequence);
            }
        });
    }
    let ack = Ack { sequence: sequence.unwrap(), payload: b"", view: 0 };
    let answered = peer.datagram(at(NODE_B), &bytes_of(&Message::Ack(ack)));
    assert_eq!(peer.node.stats().drops[DropReason::UnexpectedAck], 0);
    outputs.extend(answered);
    outputs.extend(peer.run(Duration::from_millis(100)));
    assert!(!written(&outputs, id).is_empty());
    let aborted = |output: &Output| matches!(output, Output::Stream { op: StreamOp::Abort, .. });
    assert!(!outputs.iter().any(aborted), "{outputs:?}");
}

#[test]
fn what_a_user_says_is_not_passed_on() {
    let mut peer = peer(config("local"));
    let user = Message::User(User { from: "", payload: b"hear, hear", envelope: None });
    let outputs = peer.datagram(at(NODE_B), &bytes_of(&user));
    assert_eq!(peer.told(&outputs), [format!("NotifyMsg {}", hex(b"hear, hear"))]);
    assert_eq!(peer.run(Duration::from_secs(2)), []);
}

#[test]
fn s94_a_message_without_content_is_told_only_with_a_checksum_around_it() {
    let mut peer = peer(config("local"));
    let mut message = bytes_of(&Message::User(User { from: "", payload: b"", envelope: None }));
    let outputs = peer.datagram(at(NODE_B), &message);
    assert!(peer.told(&outputs).is_empty(), "{outputs:?}");
    assert_eq!(peer.node.stats().drops[DropReason::Malformed], 1);
    // As a member sends it to a peer that announces protocol version 5.
    peer.node.send(peer.now, "node-b", b"").unwrap();
    let sent = peer.outputs();
    let [Output::Packet { payload, .. }] = &sent[..] else { panic!("{sent:?}") };
    message = payload.to_vec();
    // The type of a checksum, the checksum, and the type of the message.
    assert_eq!((message[0], message.len(), message[5]), (12, 6, 8));
    let outputs = peer.datagram(at(NODE_B), &message);
    assert_eq!(peer.told(&outputs), ["NotifyMsg "]);
}

#[test]
fn networks_that_are_not_allowed_say_nothing_at_all() {
    let allowed_networks = vec!["127.0.0.0/29".parse().unwrap()];
    let mut peer = peer(config("local").with(|config| config.allowed_networks = allowed_networks));
    let suspect = update("node-b", 5, Claim::Suspect { accuser: "q" });
    peer.datagram(at(SENDER), &suspect);
    assert_eq!(peer.node.member("node-b").unwrap().state, State::Alive);
    assert_eq!(peer.node.stats().drops[DropReason::NotAllowed], 1);
    assert!(peer.node.handle_accept(peer.now, at(SENDER)).is_err());
    // From an allowed address it is accepted.
    peer.datagram(at(NODE_B), &suspect);
    assert_eq!(peer.node.member("node-b").unwrap().state, State::Suspect);
}

#[test]
fn an_answer_does_not_go_to_a_network_that_is_not_allowed() {
    let allowed_networks = vec!["127.0.0.0/29".parse().unwrap()];
    let mut peer = peer(config("local").with(|config| config.allowed_networks = allowed_networks));
    for (reply_to, to) in [("127.0.0.9:7946", NODE_B), ("127.0.0.3:9", "127.0.0.3:9")] {
        let reply_to = Some(at(reply_to));
        let ping = Message::Ping(Ping { sequence: 7, target: "local", source: "", reply_to });
        let outputs = peer.datagram(at(NODE_B), &bytes_of(&ping));
        assert_eq!(peer.sent(&outputs)[0].0, at(to));
    }
}

#[test]
fn a_node_that_joins_passes_on_itself_alone() {
    let mut peer = Peer::new(config("local"));
    peer.node.join(peer.now, at(NODE_B)).unwrap();
    let outputs = peer.outputs();
    let answer = push_pull(&[
        member("node-b", NODE_B, State::Alive, 5),
        member("node-c", "127.0.0.3:7946", State::Alive, 1),
    ]);
    let outputs = peer.answered(dialled(&outputs).unwrap(), &answer);
    assert_eq!(peer.told(&outputs), ["NotifyJoin node-b", "NotifyJoin node-c"]);
    let outputs = peer.run(Duration::from_secs(5));
    let said = peer.messages(&outputs);
    assert!(!said.is_empty());
    assert!(said.iter().all(|m| *m == update("local", 1, alive("127.0.0.1:7946"))), "{said:?}");
}

#[test]
fn a_member_elsewhere_is_not_taken_in_from_a_push_pull_either() {
    let allowed_networks = vec!["127.0.0.0/29".parse().unwrap()];
    let mut peer = peer(config("local").with(|config| config.allowed_networks = allowed_networks));
    let far = member("far", "127.0.0.9:7946", State::Alive, 1);
    let near = member("near", "127.0.0.3:7946", State::Alive, 1);
    let (_, outputs) = peer.receive(at(NODE_B), &push_pull(&[far, near]));
    assert_eq!(peer.told(&outputs), ["NotifyJoin near"]);
}

#[test]
fn an_accusation_is_told_to_the_accused_and_not_gossiped() {
    let mut peer = peer(config("local"));
    peer.datagram(at(NODE_B), &update("node-c", 1, alive("127.0.0.3:7946")));
    peer.datagram(at(NODE_B), &update("node-c", 7, Claim::Failed { accuser: "node-b" }));
    peer.run(Duration::from_secs(5));
    // It restarted, and a peer that never heard of its failure announces it.
    let outputs = peer.datagram(at(NODE_B), &update("node-c", 1, alive("127.0.0.3:7946")));
    let accusation = update("node-c", 7, Claim::Failed { accuser: "local" });
    assert_eq!(peer.sent(&outputs), [(at("127.0.0.3:7946"), hex(&accusation))]);
    assert_eq!(peer.run(Duration::from_secs(5)), []);
}

#[test]
fn who_accuses_this_node_in_a_push_pull_hears_the_refutation_in_the_answer() {
    for (incarnation, answered) in [(0, 1), (7, 8)] {
        let mut peer = peer(config("local"));
        let dead = member("local", "127.0.0.1:7946", State::Failed, incarnation);
        let (id, outputs) = peer.receive(at(NODE_B), &push_pull(&[dead]));
        let said = peer.said(&written(&outputs, id), false);
        let Said::PushPull { rows, .. } = said else { panic!("{said:?}") };
        assert_eq!((rows[0].name.as_str(), rows[0].incarnation), ("local", answered));
        assert_eq!(peer.node.stats().sent[swim_core::MessageKind::PushPull], 2);
    }
}

/// Hands in a table whose sender holds `node-c` failed, after the datagrams in `before`. Returns
/// whether the node then suspects `node-c`, and in whose name.
fn suspected(before: &[Vec<u8>], from: &str, dials: bool, table: &[MemberRef<'_>]) -> Vec<Event> {
    let mut peer = peer(config("local"));
    peer.datagram(at(NODE_B), &update("node-c", 1, alive("127.0.0.3:7946")));
    for datagram in before {
        peer.datagram(at("127.0.0.3:7946"), datagram);
    }
    let text = push_pull(table);
    // A verdict is a suspicion first, as long as in the node of the vectors.
    while peer.node.member("node-b").unwrap().state == State::Suspect {
        peer.run(Duration::from_secs(60));
    }
    let expected = if before.is_empty() { State::Alive } else { State::Failed };
    let states = ["node-b", "node-c"].map(|name| peer.node.member(name).unwrap().state);
    assert_eq!(states, [expected, State::Alive]);
    let outputs = if dials {
        peer.node.join(peer.now, at(from)).unwrap();
        let outputs = peer.outputs();
        peer.answered(dialled(&outputs).unwrap(), &text)
    } else {
        peer.receive(at(from), &text).1
    };
    peer.node.check_invariants();
    let suspected = |event: &&Event| matches!(event, Event::Suspected { .. });
    events(&outputs).filter(suspected).cloned().collect()
}

#[test]
fn s61_the_sender_of_a_table_is_known_by_its_address_or_its_word_starts_nothing() {
    let sender = member("node-b", NODE_B, State::Alive, 5);
    let accused = member("node-c", "127.0.0.3:7946", State::Failed, 1);
    let neighbour = member("node-d", "127.0.0.2:8000", State::Alive, 1);
    let failed = update("node-b", 5, Claim::Failed { accuser: "node-c" });
    for (from, dialled) in [(NODE_B, true), ("127.0.0.2:5555", false)] {
        for table in [[sender, accused], [accused, sender]] {
            let [Event::Suspected { member, accuser, .. }] =
                &suspected(&[], from, dialled, &table)[..]
            else {
                panic!("{from}: not suspected")
            };
            assert_eq!((member.name.as_str(), accuser.as_str()), ("node-c", "node-b"));
            // A sender held failed accuses nobody.
            let told = suspected(std::slice::from_ref(&failed), from, dialled, &table);
            assert_eq!(told, [], "{from}");
        }
        // A dialler may be either of two members at one host.
        let told = suspected(&[], from, dialled, &[accused, sender, neighbour]);
        assert_eq!(told.len(), usize::from(dialled), "{told:?}");
        // A table without its sender.
        assert_eq!(suspected(&[], from, dialled, &[accused]), []);
    }
    let elsewhere = suspected(&[], "127.0.0.4:5555", false, &[sender, accused]);
    assert_eq!(elsewhere, [], "from where no member is");
}

/// How many members are in each push/pull that the node opened.
fn asked(peer: &Peer, outputs: &[Output]) -> Vec<usize> {
    let streams = outputs.iter().filter_map(|output| match output {
        Output::Stream { op: StreamOp::Send(bytes), .. } => Some(peer.said(bytes, true)),
        _ => None,
    });
    let halves = streams.filter_map(|said| match said {
        Said::PushPull { rows, .. } => Some(rows.len()),
        _ => None,
    });
    halves.collect()
}

#[test]
fn only_an_accuser_asks_a_suspect_once_more_and_with_two_members() {
    // A suspicion that peers report, while its own pings are answered.
    let mut hearer = peer(lan());
    hearer.datagram(at(SENDER), &update("node-b", 5, Claim::Suspect { accuser: "q" }));
    for _ in 0..350 {
        let outputs = hearer.run(Duration::from_millis(10));
        assert_eq!(asked(&hearer, &outputs), [0; 0]);
        for message in hearer.messages(&outputs) {
            if let Ok(StreamMessage::Ping(ping)) = decode_stream(&message, 7946) {
                let ack = Ack { sequence: ping.sequence, payload: &[], view: 0 };
                hearer.datagram(at(NODE_B), &bytes_of(&Message::Ack(ack)));
            }
        }
    }
    assert_eq!(hearer.node.stats().probes_failed, 0);
    assert_eq!(hearer.node.member("node-b").unwrap().state, State::Suspect);

    // A suspicion by its own failed probe.
    let mut accuser = peer(lan());
    let outputs = accuser.run(Duration::from_secs(5));
    assert!(accuser.node.stats().probes_failed > 0);
    let asked = asked(&accuser, &outputs);
    assert!(!asked.is_empty() && asked.iter().all(|&members| members == 2), "{asked:?}");
}

/// The timing of a local network: it probes, and a suspicion lasts four seconds.
fn lan() -> Config {
    let config = Config::lan("local".parse().unwrap(), at("127.0.0.1:7946")).memberlist();
    config.with(|config| {
        (config.compression, config.push_pull_interval) = (false, Duration::ZERO);
    })
}

#[derive(Debug)]
struct TurnsAway;

impl Hooks for TurnsAway {
    fn accept_merge(&mut self, _: &Merge<'_>) -> bool {
        false
    }
}

#[test]
fn who_is_turned_away_gets_no_answer() {
    let now = Instant::ORIGIN;
    let mut node = Node::with_hooks(config("local"), Box::new(TurnsAway), [7; 32], now).unwrap();
    let id = node.handle_accept(now, at(NODE_B)).unwrap();
    let text = push_pull(&[member("node-b", NODE_B, State::Alive, 5)]);
    node.handle_stream(now, id, StreamInput::Data(&text));
    let outputs: Vec<Output> = std::iter::from_fn(|| node.poll_output()).collect();
    assert_eq!(written(&outputs, id), b"");
    assert!(outputs.contains(&Output::Stream { id, op: StreamOp::Abort }));
    assert_eq!(node.members().count(), 1);
}

#[test]
fn attacks_with_the_right_key_are_not_answered() {
    let key = Key::aes(KEY).unwrap();
    let mut peer = peer(config("local").with(|config| config.keyring = Keyring::new(key.clone())));
    // Sealed as version 1, in which the last byte has no meaning. The version is not authenticated,
    // and in version 0 that byte is the length of the padding.
    let mut sealer = Sealer::new(Keyring::new(key), [3; 32]);
    let mut stream = BytesMut::from(&[8; 31][..]);
    stream.extend_from_slice(&[255]);
    sealer.seal_memberlist_stream(SealVersion::V1, b"", &mut stream, 0);
    stream[5] = 0;
    let (id, outputs) = peer.receive(at(SENDER), &stream);
    assert_eq!(written(&outputs, id), b"");
    let complaint = events(&outputs).next().unwrap();
    assert!(
        matches!(complaint, Event::BadInput { reason: DropReason::Malformed, .. }),
        "{complaint:?}"
    );
}
