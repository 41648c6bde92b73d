//! How much work few bytes can cause. `swim-attacks run S94` counts it in instructions; here it is
//! counted in messages.

use bytes::{BufMut, BytesMut};
use swim_core::channel::{Channel, Side, StreamBuffer};
use swim_core::wire::{self, Claim, Message, Update, Wire, memberlist};
use swim_core::{
    DropReason, Event, Incarnation, Key, Keyring, MemberRef, Output, State, StreamInput, StreamOp,
    Versions,
};

use super::peer::{Peer, address, alive, events, packet, packets};

/// A node on this wire, which breaks the rule if `broken`.
fn peer(wire: Wire, broken: bool) -> Peer {
    Peer::with(|config| {
        if wire == Wire::Memberlist {
            *config = config.clone().memberlist();
        }
        #[cfg(feature = "sabotage")]
        {
            config.sabotage = broken.then_some(swim_core::Sabotage::ReadsAllThatIsPacked);
        }
        assert!(cfg!(feature = "sabotage") || !broken);
    })
}

fn accusation() -> Message<'static> {
    let claim = Claim::Suspect { accuser: "m" };
    Message::Update(Update { name: "x", incarnation: Incarnation(1), claim })
}

/// A datagram of these messages, compressed as no node would.
fn packed(wire: Wire, messages: &[Message<'_>]) -> Vec<u8> {
    match wire {
        Wire::Swim => {
            let datagram = packet(b"", messages);
            let (head, text) = datagram.split_at(3);
            let mut out = BytesMut::from(head);
            out[1] |= 2;
            out.put_u16(text.len().try_into().unwrap());
            out.put_slice(&lz4_flex::block::compress(text));
            out.to_vec()
        }
        Wire::Memberlist => {
            let (mut out, mut parts) = (BytesMut::new(), Vec::new());
            for message in messages.iter().take(memberlist::COMPOUND_PARTS_MAX) {
                let before = out.len();
                memberlist::encode(message, &mut out);
                parts.push(u16::try_from(out.len() - before).unwrap());
            }
            memberlist::make_compound(&mut out, 0, &parts);
            lzw(&mut out)
        }
    }
}

/// Compresses as Go does, even if that makes the text longer.
fn lzw(text: &mut BytesMut) -> Vec<u8> {
    memberlist::compress_stream(text, 0, &mut memberlist::Lzw::default());
    text.to_vec()
}

/// How many messages of a datagram a node read, and how many texts it left unread.
fn read(peer: &mut Peer, datagram: &[u8]) -> (u64, u64) {
    peer.datagram(address(9), datagram);
    (peer.node.stats().received.total(), peer.drops(DropReason::Overpacked))
}

#[test]
fn s94_a_compressed_datagram_holds_no_more_than_its_bytes_pay_for() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        let many = packed(wire, &vec![accusation(); 255]);
        assert_eq!(read(&mut peer(wire, false), &many), (0, 1), "{wire:?}, {} bytes", many.len());
        let few = packed(wire, &[accusation(); 3]);
        assert_eq!(read(&mut peer(wire, false), &few), (3, 0), "{wire:?}, {} bytes", few.len());
        let price = if wire == Wire::Swim { 3 } else { 6 };
        for count in 1..255 {
            let datagram = packed(wire, &vec![accusation(); count]);
            let (messages, _) = read(&mut peer(wire, false), &datagram);
            assert!(messages <= 8 + datagram.len() as u64 / price, "{wire:?}: {messages}");
        }
    }
}

#[test]
fn s94_a_compressed_stream_holds_no_more_than_its_bytes_pay_for() {
    let (table, blob) = (look_alikes(2_000, 0), zeros(1 << 20));
    assert_eq!(joined(false, &table, 2_000), 0);
    assert!(!is_delivered(false, &blob));
}

#[test]
fn s94_what_members_that_look_alike_say_is_read_however_well_it_compresses() {
    for meta in [1, 64, 500] {
        let members = if meta == 1 { 3_000 } else { 1_000 };
        let table = look_alikes(members, meta);
        let known = asked(&mut peer(Wire::Memberlist, false), &table);
        assert_eq!(known, members, "{} bytes with {meta}", table.len());
    }
    assert!(is_delivered(false, &zeros(16 << 10)));
    for wire in [Wire::Swim, Wire::Memberlist] {
        // As long as a node's packets.
        let names: Vec<String> = (1..=255).map(|number| format!("node-{number:03}")).collect();
        let claims = [Claim::Suspect { accuser: "node-001" }, Claim::Left];
        for claim in claims {
            let say = |name| Message::Update(Update { name, incarnation: Incarnation(1), claim });
            let messages: Vec<Message<'_>> = names.iter().map(|name| say(name)).collect();
            let fit = 1_300 / messages[0].encoded_len();
            let datagram = packed(wire, &messages[..fit.min(255)]);
            let per = datagram.len() * 10 / messages.len().min(fit);
            assert_eq!(
                read(&mut peer(wire, false), &datagram).1,
                0,
                "{wire:?}, {claim:?}: {per}/10"
            );
        }
        let alive: Vec<Message<'_>> = (1..)
            .zip(&names)
            .map(|(number, name)| {
                let incarnation = Incarnation(1);
                Message::Update(Update { name, incarnation, claim: alive(number) })
            })
            .take(50)
            .collect();
        let datagram = packed(wire, &alive);
        assert_eq!(read(&mut peer(wire, false), &datagram).1, 0, "{wire:?}, alive");
    }
}

#[test]
fn s94_a_table_that_nobody_asked_for_brings_as_many_new_members_as_its_bytes_pay_for() {
    let table = look_alikes(3_000, 1);
    let paid = u16::try_from(8 + table.len() / 16).unwrap();
    assert!(paid < 3_000 && joined(false, &table, 3_000) == paid, "{paid}");
    let apart = look_alikes(1_000, 500);
    assert_eq!(joined(false, &apart, 1_000), 1_000, "as those of most clusters");

    // The rest comes with the next streams; a table that this node asked for is read whole.
    let mut peer = peer(Wire::Memberlist, false);
    let mut told = 0;
    while peer.node.members_live() - 1 < 3_000 {
        peer.receive(address(9), &table);
        told += 1;
    }
    assert_eq!(told, 3_000_u16.div_ceil(paid));
    assert_eq!(peer.drops(DropReason::Overpacked), u64::from(told) - 1);
}

#[test]
fn s94_accusations_behind_the_members_that_are_paid_for_are_not_read() {
    let mut peer = peer(Wire::Memberlist, false);
    for known in [1..2, 9..10, 2_999..3_000] {
        peer.receive(address(9), &table(known, 1, &[]));
    }
    peer.receive(address(9), &table(0..3_000, 1, &[1, 2_999]));
    assert_eq!(peer.drops(DropReason::Overpacked), 1);
    let state = |name| peer.node.member(name).unwrap().state;
    assert_eq!(
        [state("1"), state("9"), state("2999")],
        [State::Suspect, State::Alive, State::Alive]
    );
}

#[test]
fn s94_what_holders_of_a_key_say_is_read_whole() {
    let mut peer = Peer::with(|config| {
        *config = config.clone().memberlist();
        config.keyring = Keyring::new(Key::aes(&[7; 32]).unwrap());
    });
    let mut channel = Channel::new(peer.node.config(), [8; 32]);
    let table = look_alikes(3_000, 1);
    let framed = channel.framed(|_, out| out.put_slice(&table));
    let sealed = channel.sealed(&mut StreamBuffer::default(), Side::Dialler, framed);
    peer.receive(address(9), &sealed);
    assert_eq!(peer.node.members_live() - 1, 3_000);
}

#[cfg(feature = "sabotage")]
#[test]
fn s94_few_bytes_are_much_work_where_all_that_is_compressed_is_read() {
    for wire in [Wire::Swim, Wire::Memberlist] {
        let many = packed(wire, &vec![accusation(); 255]);
        assert_eq!(read(&mut peer(wire, true), &many), (255, 0), "{wire:?}");
    }
    assert_eq!(joined(true, &look_alikes(2_000, 0), 2_000), 2_000);
    assert_eq!(joined(true, &look_alikes(3_000, 1), 3_000), 3_000);
    assert!(is_delivered(true, &zeros(1 << 20)));
}

/// A push/pull of this many members on memberlist's wire, compressed as by Go. With metadata they
/// have addresses of their own, as real members do.
fn look_alikes(count: u16, meta: usize) -> Vec<u8> {
    table(0..count, meta, &[])
}

/// The same with these members, some of them held failed.
fn table(numbers: core::ops::Range<u16>, meta: usize, failed: &[u16]) -> Vec<u8> {
    let count = numbers.end;
    let metas: Vec<String> =
        (0..count).map(|number| format!("{}{number:08}", "rack=7 ".repeat(80))).collect();
    let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let members: Vec<MemberRef<'_>> = numbers
        .map(|number| (number, (&names[usize::from(number)], &metas[usize::from(number)])))
        .map(|(number, (name, text))| MemberRef {
            name,
            address: address(if meta == 0 { 1 } else { number }),
            state: if failed.contains(&number) { State::Failed } else { State::Alive },
            incarnation: Incarnation(1),
            meta: &text.as_bytes()[text.len() - meta..],
            versions: Versions::MEMBERLIST,
        })
        .collect();
    let mut out = BytesMut::new();
    memberlist::encode_push_pull(true, members.iter().copied(), b"", &mut out);
    lzw(&mut out)
}

fn zeros(size: usize) -> Vec<u8> {
    let mut out = BytesMut::new();
    memberlist::encode_user(&vec![0; size], &mut out);
    lzw(&mut out)
}

/// How many of `count` members a node knows after a stream.
fn joined(broken: bool, stream: &[u8], count: u16) -> u16 {
    let mut peer = peer(Wire::Memberlist, broken);
    peer.receive(address(9), stream);
    let known = u16::try_from(peer.node.members_live() - 1).unwrap();
    assert_eq!(peer.drops(DropReason::Overpacked), u64::from(known < count));
    known
}

/// How many members a node knows after it joined, with this answer.
fn asked(peer: &mut Peer, answer: &[u8]) -> u16 {
    peer.node.join(peer.now, address(9)).unwrap();
    let opened = |output: &Output| match output {
        Output::Stream { id, op: StreamOp::Open { .. } } => Some(*id),
        _ => None,
    };
    let stream = peer.outputs().iter().find_map(opened).unwrap();
    peer.stream(stream, StreamInput::Opened);
    peer.stream(stream, StreamInput::Data(answer));
    u16::try_from(peer.node.members_live() - 1).unwrap()
}

fn is_delivered(broken: bool, stream: &[u8]) -> bool {
    let mut peer = peer(Wire::Memberlist, broken);
    let outputs = peer.receive(address(9), stream);
    let delivered = events(&outputs).iter().any(|event| matches!(event, Event::Message { .. }));
    assert_eq!(peer.drops(DropReason::Overpacked), u64::from(!delivered));
    delivered
}

#[test]
fn a_datagram_that_no_key_opens_is_not_answered() {
    let ping =
        |target| Message::Ping(wire::Ping { sequence: 7, target, source: "s", reply_to: None });
    for wire in [Wire::Swim, Wire::Memberlist] {
        let with_key = |key: u8| {
            Peer::with(|config| {
                if wire == Wire::Memberlist {
                    *config = config.clone().memberlist();
                }
                config.keyring = Keyring::new(Key::aes(&[key; 32]).unwrap());
            })
        };
        let sealed_by = |key: u8| {
            let mut channel = Channel::new(with_key(key).node.config(), [key; 32]);
            let mut draft = channel.datagram();
            draft.append(&ping("self"));
            draft.into_datagram(false).unwrap()
        };
        let mut target = with_key(1);
        let mut plain = BytesMut::new();
        match wire {
            Wire::Swim => plain.extend_from_slice(&packet(b"", &[ping("self")])),
            Wire::Memberlist => memberlist::encode(&ping("self"), &mut plain),
        }
        assert_eq!(packets(&target.datagram(address(9), &plain)), [], "{wire:?}, in the clear");
        assert_eq!(packets(&target.datagram(address(9), &sealed_by(2))), [], "{wire:?}");
        assert_eq!(packets(&target.datagram(address(9), &sealed_by(1))).len(), 1, "{wire:?}");
    }
}
