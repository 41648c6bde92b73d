//! Traces: one piece of news after the other, and the effect of each.

use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};
use swim_core::wire::memberlist::{encode_push_pull, read_packet};
use swim_core::wire::{Claim, Message, Update};
use swim_core::{Incarnation, MemberRef, Output, State, VersionRange, Versions};

use super::differences::Found;
use super::harness::{Peer, Row, SENDER, at, config, sorted};
use crate::memberlist::vectors::{self, case, hex, unhex};

/// A case, the steps (counted from 1) and aspects that differ, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "address_change_alive",
        "2 events, 2 queued, 3 events",
        "the known address is asked first; a conflict is that both answer. The candidate is passed \
         on, so that all ask at the same time; a Go member reports its conflict as it would anyway",
    ),
    (
        "address_change_dead_no_reclaim",
        "2 events, 2 queued, 2 table, 3 events, 3 queued, 3 table",
        ASKED_FIRST,
    ),
    (
        "address_change_dead_reclaim",
        "2 events, 2 queued, 2 table, 3 events, 3 queued, 3 table",
        ASKED_FIRST,
    ),
    ("address_change_left", "3 events, 3 queued, 3 table", MONOTONE_MOVE),
    (
        "address_change_suspect_reclaim",
        "3 events, 3 queued",
        "the known address is asked first, as for one that is alive",
    ),
    ("alive_incarnations", "4 events", "a higher incarnation alone is told, too: it restarted"),
    (
        "dead_rules",
        "3 events, 3 queued, 3 table, 4 table, 5 queued, 5 table, 6 table, 7 events, 7 queued, \
         7 table",
        "a member held alive is asked before a dead is believed; a dead at a higher incarnation \
         raises it, and what is not higher does not resurrect",
    ),
    (
        "dead_then_left",
        "2 events, 2 queued, 2 table, 3 events, 3 queued, 3 table",
        "a member held alive is asked before a dead is believed; a goodbye at a higher incarnation \
         is the last that is known of it",
    ),
    ("dead_while_suspect", "3 events, 3 queued, 3 table", ASKED_FIRST),
    (
        "left_then_dead",
        "3 events, 3 queued, 3 table",
        "who failed at a higher incarnation was back after its goodbye",
    ),
    ("merge_self_dead", "1 health", EARLIER_LIFE),
    (
        "merge_suspect",
        "2 queued",
        "who sends its table need not have probed the suspect: no accusation in one's own name",
    ),
    ("self_alive", "2 health, 3 health", EARLIER_LIFE),
    ("self_dead_refute", "3 health", EARLIER_LIFE),
    (
        "self_leaving",
        "2 queued, 2 table, 3 queued, 3 table, 3 health, 4 table, 5 queued, 5 table, 6 events, \
         6 queued, 6 table",
        "it has said goodbye from the first step on (in Go that is another step), refutes nothing \
         and stays left; where it is held for something newer, its goodbye becomes newer",
    ),
    (
        "suspect_confirmations_k2",
        "5 queued, 6 queued, 8 queued, 8 table",
        "accusers that nobody knows confirm nothing; a suspicion at a higher incarnation raises \
         it: the older one was refuted somewhere",
    ),
];

const ASKED_FIRST: &str = "a verdict about somebody held alive, or suspected just now, is a \
     suspicion first, and the member is asked";

const MONOTONE_MOVE: &str = "a lower incarnation never replaces a higher one: it is told of that, \
     and comes back with a higher one";

const EARLIER_LIFE: &str = "only an accusation of this life says something about its health";

/// A member unknown to the traces, to which queued news is sent.
const LISTENER: &str = "listener";
const LISTENER_ADDRESS: &str = "127.0.0.3:7947";

/// A node that sends each update once, so that it next sends the news that a step queues.
fn peer(trace: &str) -> Peer {
    let mut config = config("local").with(|config| {
        config.retransmit_mult = 1;
        config.gossip_nodes = 1;
    });
    if trace == "cidr" {
        config.allowed_networks = vec!["127.0.0.0/29".parse().unwrap()];
    }
    let mut peer = Peer::new(config);
    let listener = alive(LISTENER_ADDRESS, b"", Versions::MEMBERLIST);
    peer.datagram(at(LISTENER_ADDRESS), &update(LISTENER, 1, listener));
    drained(&mut peer);
    peer
}

fn alive(address: &str, meta: &'static [u8], versions: Versions) -> Claim<'static> {
    Claim::Alive { address: at(address), meta, versions }
}

fn update(name: &str, incarnation: u32, claim: Claim<'_>) -> Vec<u8> {
    let mut out = BytesMut::new();
    let incarnation = Incarnation(incarnation);
    let message = Message::Update(Update { name, incarnation, claim });
    swim_core::wire::memberlist::encode(&message, &mut out);
    out.to_vec()
}

/// The news queued, as the vectors write it: it goes out with the next gossip ticks.
fn drained(peer: &mut Peer) -> Vec<String> {
    let outputs = peer.run(Duration::from_millis(600));
    let mut queued = vec![];
    for message in peer.messages(&outputs) {
        let lzw = &mut swim_core::wire::memberlist::Lzw::default();
        read_packet(&message, 7946, lzw, &mut |message| match message.unwrap() {
            Message::Update(update) => queued.push(in_go(&update)),
            // A member is asked because of another address.
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        });
    }
    queued.sort();
    queued
}

fn in_go(update: &Update<'_>) -> String {
    let (node, incarnation) = (update.name, update.incarnation.0);
    let accusation = |kind, from| {
        format!("{kind} {}", json!({"From": from, "Incarnation": incarnation, "Node": node}))
    };
    match update.claim {
        Claim::Alive { address, meta, versions } => {
            let member = MemberRef {
                name: node,
                address,
                state: State::Alive,
                incarnation: update.incarnation,
                meta,
                versions,
            };
            let row = super::harness::row(&member);
            let (ip, port) = row.address.split_once(':').unwrap();
            let meta = if meta.is_empty() { Value::Null } else { hex(meta).into() };
            let fields = json!({
                "Addr": ip, "Incarnation": incarnation, "Meta": meta, "Node": node,
                "Port": port.parse::<u16>().unwrap(), "Vsn": hex(&row.versions),
            });
            format!("alive {fields}")
        }
        Claim::Suspect { accuser } => accusation("suspect", accuser),
        Claim::Failed { accuser } => accusation("dead", accuser),
        Claim::Left => accusation("dead", node),
    }
}

/// Runs a step, given in the words of the vectors.
fn step(peer: &mut Peer, text: &str) -> Vec<Output> {
    let words: Vec<&str> = text.split(' ').collect();
    if text == "(local node begins to leave)" {
        peer.node.leave(peer.now).unwrap();
        return peer.outputs();
    }
    if let ["(4", "more", "alive", "nodes", "x0..)"] = words[..] {
        let outputs = (0..4).flat_map(|number| {
            let claim =
                alive(format!("127.0.0.{}:7946", 50 + number).leak(), b"", Versions::MEMBERLIST);
            peer.datagram(at(SENDER), &update(&format!("x{number}"), 1, claim))
        });
        return outputs.collect();
    }
    let field = |name: &str| {
        let word = words.iter().find_map(|word| word.strip_prefix(name));
        word.unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    let incarnation = field("inc=").parse().unwrap();
    let name = words[1];
    let datagram = match words[0] {
        "alive" => {
            let (ip, port) = field("addr=").split_once(':').unwrap();
            let ip = <[u8; 4]>::try_from(&unhex(ip)[..]).unwrap();
            let versions = text.split_once("vsn=[").unwrap().1.trim_end_matches(']');
            let v: Vec<u8> = versions.split(' ').map(|number| number.parse().unwrap()).collect();
            let range = |at: usize| VersionRange { min: v[at], max: v[at + 1], current: v[at + 2] };
            let claim = Claim::Alive {
                address: (ip, port.parse().unwrap()).into(),
                meta: field("meta=").trim_matches('"').as_bytes(),
                versions: Versions { protocol: range(0), application: range(3) },
            };
            update(name, incarnation, claim)
        }
        "suspect" => update(name, incarnation, Claim::Suspect { accuser: field("from=") }),
        "dead" if field("from=") == name => update(name, incarnation, Claim::Left),
        "dead" => update(name, incarnation, Claim::Failed { accuser: field("from=") }),
        "merge" => return merge(peer, name, field("state=").parse().unwrap(), incarnation),
        other => panic!("{other}"),
    };
    let from = if peer.node.config().allowed_networks.is_empty() { SENDER } else { "127.0.0.2:9" };
    peer.datagram(at(from), &datagram)
}

fn merge(peer: &mut Peer, name: &str, state: usize, incarnation: u32) -> Vec<Output> {
    let local = name == "local";
    let member = MemberRef {
        name,
        address: at(if local { "127.0.0.1:7946" } else { "127.0.0.2:7946" }),
        state: State::ALL[state],
        incarnation: Incarnation(incarnation),
        meta: if local { b"" } else { b"m" },
        versions: Versions::MEMBERLIST,
    };
    // A table contains its sender.
    let sender = MemberRef {
        name: LISTENER,
        address: at(LISTENER_ADDRESS),
        state: State::Alive,
        incarnation: Incarnation(1),
        meta: b"",
        versions: Versions::MEMBERLIST,
    };
    let mut text = BytesMut::new();
    encode_push_pull(false, [member, sender].into_iter(), &[], &mut text);
    peer.receive(at("127.0.0.3:9999"), &text).1
}

fn line(row: &Row) -> String {
    let Row { name, incarnation, address, meta, .. } = row;
    let timer = if row.state == State::Suspect { " timer" } else { "" };
    let (state, meta) = (row.state_in_go(), str::from_utf8(meta).unwrap());
    format!("{name} {state} inc={incarnation} {address} meta={meta}{timer}")
}

/// Queued news without the name under which Go queues it.
fn unkeyed(queued: &Value) -> Vec<String> {
    let mut queued: Vec<String> = sorted(queued)
        .iter()
        .map(|entry| {
            let (kind, fields) = entry.split_once("] ").unwrap().1.split_once(' ').unwrap();
            format!("{kind} {}", serde_json::from_str::<Value>(fields).unwrap())
        })
        .collect();
    queued.sort();
    queued
}

#[test]
fn each_step_of_a_trace_does_what_it_does_in_go() {
    let mut found = Found::default();
    for vector in vectors::read("state.json") {
        let name = case(&vector);
        let mut peer = peer(name);
        for (number, expected) in (1..).zip(vector["steps"].as_array().unwrap()) {
            let health = peer.node.health();
            let outputs = step(&mut peer, expected["step"].as_str().unwrap());
            let told = peer.told(&outputs);
            let mut compare = |aspect: &str, ours: &Vec<String>, go: &Vec<String>| {
                found.compare(name, &format!("{number} {aspect}"), ours, go);
            };
            compare("events", &told, &sorted(&expected["events"]));
            let mut queued: Vec<String> = peer
                .messages(&outputs)
                .iter()
                .filter(|_| peer.node.status() != swim_core::Status::Running)
                .map(|_| "goodbye".to_owned())
                .collect();
            queued.extend(drained(&mut peer));
            compare("queued", &queued, &unkeyed(&expected["queued"]));
            let hidden = |row: &Row| row.name == LISTENER || row.name.starts_with('x');
            let table = peer.table();
            let table: Vec<String> = table.iter().filter(|r| !hidden(r)).map(line).collect();
            compare("table", &table, &sorted(&expected["table"]));
            let go = expected["health"].as_u64().map_or(health.into(), |health| health);
            found.compare(name, &format!("{number} health"), &peer.node.health().into(), &go);
        }
    }
    found.check(DIFFERENCES);
}
