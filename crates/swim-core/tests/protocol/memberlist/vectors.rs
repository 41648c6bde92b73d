//! The vector files, converted to the library's types.

use std::net::{IpAddr, SocketAddr};

pub use base16ct::lower::encode_string as hex;
use serde_json::Value;
use swim_core::wire::{Ack, Claim, IndirectPing, Message, Ping, Update, User};
use swim_core::{Incarnation, MemberRef, State, VersionRange, Versions};

/// The vectors of a file of `tests/vectors`.
pub fn read(file: &str) -> Vec<Value> {
    let path = format!("{}/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    match file["vectors"].take() {
        Value::Array(vectors) => vectors,
        other => panic!("no vectors but {other}"),
    }
}

pub fn case(vector: &Value) -> &str {
    vector["case"].as_str().unwrap()
}

/// Fails unless the cases that differ are exactly those listed, each with a reason.
pub fn check_differences(found: &[&str], listed: &[(&str, &str)]) {
    let listed: Vec<&str> = listed.iter().map(|(case, _)| *case).collect();
    assert_eq!(found, listed, "cases that differ, and those that are listed as such");
}

/// Bytes, from hex; nil is empty.
pub fn bytes(value: &Value) -> Vec<u8> {
    unhex(value.as_str().unwrap_or_default())
}

pub fn unhex(text: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(text).unwrap()
}

/// Bytes that live as long as the test runs.
fn kept(value: &Value) -> &'static [u8] {
    bytes(value).leak()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number<T: TryFrom<u64>>(value: &Value) -> T {
    T::try_from(value.as_u64().unwrap()).ok().unwrap()
}

fn ip(value: &Value) -> Option<IpAddr> {
    let bytes = bytes(value);
    let v4 = <[u8; 4]>::try_from(&bytes[..]).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(&bytes[..]).map(IpAddr::from)).ok()
}

fn versions(value: &Value) -> Option<Versions> {
    let bytes = <[u8; 6]>::try_from(bytes(value)).ok()?;
    let range =
        |at: usize| VersionRange { min: bytes[at], max: bytes[at + 1], current: bytes[at + 2] };
    Some(Versions { protocol: range(0), application: range(3) })
}

/// The message with these fields; `None` if the library cannot express it.
pub fn message<'a>(kind: u64, fields: &'a Value) -> Option<Message<'a>> {
    let update = |claim| {
        let incarnation = Incarnation(number(&fields["Incarnation"]));
        Message::Update(Update { name: text(&fields["Node"]), incarnation, claim })
    };
    let accuser = || text(&fields["From"]);
    let reply_to = || {
        let address = ip(&fields["SourceAddr"])?;
        Some(SocketAddr::new(address, number(&fields["SourcePort"])))
    };
    let sequence = || number(&fields["SeqNo"]);
    Some(match kind {
        0 => Message::Ping(Ping {
            sequence: sequence(),
            target: text(&fields["Node"]),
            source: text(&fields["SourceNode"]),
            reply_to: reply_to(),
        }),
        1 => Message::IndirectPing(IndirectPing {
            sequence: sequence(),
            target: text(&fields["Node"]),
            address: SocketAddr::new(ip(&fields["Target"])?, number(&fields["Port"])),
            source: text(&fields["SourceNode"]),
            reply_to: reply_to(),
            wants_nack: fields["Nack"].as_bool()?,
        }),
        2 => Message::Ack(Ack { sequence: sequence(), payload: kept(&fields["Payload"]), view: 0 }),
        3 => update(Claim::Suspect { accuser: accuser() }),
        4 => update(Claim::Alive {
            address: SocketAddr::new(ip(&fields["Addr"])?, number(&fields["Port"])),
            meta: kept(&fields["Meta"]),
            versions: versions(&fields["Vsn"])?,
        }),
        5 if fields["From"] == fields["Node"] => update(Claim::Left),
        5 => update(Claim::Failed { accuser: accuser() }),
        11 => Message::Nack { sequence: sequence() },
        other => panic!("a message of type {other}"),
    })
}

/// The user message with this payload.
pub fn user(payload: &Value) -> Message<'static> {
    Message::User(User { from: "", payload: kept(payload), envelope: None })
}

/// The member of a push/pull with these fields; `None` if the library cannot express it.
pub fn member(fields: &Value) -> Option<MemberRef<'_>> {
    Some(MemberRef {
        name: text(&fields["Name"]),
        address: SocketAddr::new(ip(&fields["Addr"])?, number(&fields["Port"])),
        state: State::ALL[number::<usize>(&fields["State"])],
        incarnation: Incarnation(number(&fields["Incarnation"])),
        meta: kept(&fields["Meta"]),
        versions: versions(&fields["Vsn"])?,
    })
}
