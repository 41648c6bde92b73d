//! `docs/swim.proto` and the codec agree: every field by name, number and type.

use std::path::Path;

use bytes::BytesMut;
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage, Value};
use swim_core::wire::{self, Frame, NameClaim};

use super::frames::push_pull_frames;
use super::model::{self, Kind};

/// The directory of the schema.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs");

fn schema() -> DescriptorPool {
    let mut compiler = protox::Compiler::new([DOCS]).unwrap();
    compiler.include_source_info(true).open_file(Path::new("swim.proto")).unwrap();
    compiler.descriptor_pool()
}

fn message(pool: &DescriptorPool, name: &str) -> MessageDescriptor {
    pool.get_message_by_name(&format!("swim.{name}")).unwrap()
}

/// A message of the schema with the names and values of its fields.
type Sample = (&'static str, Vec<(&'static str, Value)>);

fn bytes(value: &[u8]) -> Value {
    Value::Bytes(value.to_vec().into())
}

fn text(value: &str) -> Value {
    Value::String(value.into())
}

/// One message of each kind with every field set, and the schema's names of its fields.
fn samples() -> Vec<(Kind, Sample)> {
    let accusation = || model::Accusation { name: "b".into(), incarnation: 7, accuser: "c".into() };
    let accusation_fields =
        || vec![("name", text("b")), ("incarnation", Value::U32(7)), ("accuser", text("c"))];
    let address = vec![10, 0, 0, 7, 0x1f, 0x0a];
    vec![
        (
            Kind::Ping(model::Ping { sequence: 5, target: "b".into(), source: "a".into() }),
            (
                "ping",
                vec![("sequence", Value::U32(5)), ("target", text("b")), ("source", text("a"))],
            ),
        ),
        (
            Kind::IndirectPing(model::IndirectPing {
                sequence: 5,
                target: "b".into(),
                address: address.clone(),
            }),
            (
                "indirect_ping",
                vec![
                    ("sequence", Value::U32(5)),
                    ("target", text("b")),
                    ("address", bytes(&address)),
                ],
            ),
        ),
        (
            Kind::Ack(model::Ack { sequence: 5, payload: b"load".to_vec(), view: 9 }),
            (
                "ack",
                vec![
                    ("sequence", Value::U32(5)),
                    ("payload", bytes(b"load")),
                    ("view", Value::U32(9)),
                ],
            ),
        ),
        (Kind::Nack(model::Nack { sequence: 5 }), ("nack", vec![("sequence", Value::U32(5))])),
        (
            Kind::Alive(model::Alive {
                name: "b".into(),
                incarnation: 7,
                address: address.clone(),
                meta: b"zone".to_vec(),
                versions: vec![1, 3, 2, 4, 6, 5],
            }),
            ("alive", announcement_fields()),
        ),
        (Kind::Suspect(accusation()), ("suspect", accusation_fields())),
        (Kind::Failed(accusation()), ("failed", accusation_fields())),
        (
            Kind::Left(model::Left { name: "b".into(), incarnation: 7 }),
            ("left", vec![("name", text("b")), ("incarnation", Value::U32(7))]),
        ),
        (
            Kind::User(model::User {
                from: "a".into(),
                payload: b"hi".to_vec(),
                to: 1 << 60,
                incarnation: 7,
                life: 6,
                sequence: 300,
            }),
            (
                "user",
                vec![
                    ("from", text("a")),
                    ("payload", bytes(b"hi")),
                    ("to", Value::U64(1 << 60)),
                    ("incarnation", Value::U32(7)),
                    ("life", Value::U32(6)),
                    ("sequence", Value::U32(300)),
                ],
            ),
        ),
        (
            Kind::Broadcast(model::Broadcast {
                origin: "a".into(),
                life: 7,
                sequence: 300,
                payload: b"hi".to_vec(),
                key: b"k".to_vec(),
                known: 9,
            }),
            (
                "broadcast",
                vec![
                    ("origin", text("a")),
                    ("life", Value::U32(7)),
                    ("sequence", Value::U32(300)),
                    ("payload", bytes(b"hi")),
                    ("key", bytes(b"k")),
                    ("known", Value::U32(9)),
                ],
            ),
        ),
    ]
}

fn announcement_fields() -> Vec<(&'static str, Value)> {
    vec![
        ("name", text("b")),
        ("incarnation", Value::U32(7)),
        ("address", bytes(&[10, 0, 0, 7, 0x1f, 0x0a])),
        ("meta", bytes(b"zone")),
        ("versions", bytes(&[1, 3, 2, 4, 6, 5])),
    ]
}

/// Asserts that the message has exactly these fields, and that the schema declares no further ones.
fn assert_fields(message: &DynamicMessage, expected: &[(&str, Value)]) {
    let name = message.descriptor().name().to_owned();
    assert_eq!(message.descriptor().fields().len(), expected.len(), "fields of {name}");
    for (field, value) in expected {
        let found = message.get_field_by_name(field).unwrap_or_else(|| panic!("{name}.{field}"));
        assert_eq!(&*found, value, "{name}.{field}");
    }
    assert_known(message);
}

/// Asserts that the schema knows every field in the message and below.
fn assert_known(message: &DynamicMessage) {
    assert_eq!(message.unknown_fields().count(), 0, "in {}", message.descriptor().name());
    for (_, value) in message.fields() {
        match value {
            Value::Message(inner) => assert_known(inner),
            Value::List(values) => {
                values.iter().filter_map(Value::as_message).for_each(assert_known)
            }
            _ => {}
        }
    }
}

fn encoded(kind: &Kind) -> BytesMut {
    let mut out = BytesMut::new();
    kind.message().encode(&mut out);
    out
}

#[test]
fn the_schema_reads_every_field_of_every_message() {
    let packet = message(&schema(), "Packet");
    let samples = samples();
    assert_eq!(packet.fields().len(), samples.len(), "a sample for every kind");
    for (kind, (field, fields)) in samples {
        let decoded = DynamicMessage::decode(packet.clone(), &encoded(&kind)[..]).unwrap();
        assert_known(&decoded);
        assert_eq!(decoded.fields().count(), 1, "{field}");
        let list = decoded.get_field_by_name(field).unwrap();
        let [Value::Message(inner)] = list.as_list().unwrap() else { panic!("one {field}") };
        assert_fields(inner, &fields);
    }
}

#[test]
fn the_schema_reads_every_field_of_every_frame() {
    let frame = message(&schema(), "Frame");
    assert_eq!(frame.fields().len(), 4, "a sample for every kind");
    let from = |out: &[u8]| DynamicMessage::decode(frame.clone(), &out[4..]).unwrap();
    let inner = |decoded: &DynamicMessage, field: &str| {
        assert_known(decoded);
        assert!(decoded.has_field_by_name(field), "{field}");
        decoded.get_field_by_name(field).unwrap().as_message().unwrap().clone()
    };
    for (kind, (field, fields)) in samples() {
        let frame = match &kind {
            Kind::Ping(m) => Frame::Ping(m.message()),
            Kind::Ack(m) => Frame::Ack(m.message()),
            Kind::User(m) => Frame::User(m.message()),
            _ => continue,
        };
        let mut out = BytesMut::new();
        frame.encode(&mut out);
        assert_fields(&inner(&from(&out), field), &fields);
    }

    let member = model::Member {
        name: "b".into(),
        incarnation: 7,
        address: vec![10, 0, 0, 7, 0x1f, 0x0a],
        meta: b"zone".to_vec(),
        versions: vec![1, 3, 2, 4, 6, 5],
        state: 3,
    };
    let push_pull = inner(&from(&push_pull_frames(true, &[member], b"state")), "push_pull");
    let members = push_pull.get_field_by_name("member").unwrap().into_owned();
    let [Value::Message(member)] = members.as_list().unwrap() else { panic!("one member") };
    let mut fields = announcement_fields();
    fields.push(("state", Value::EnumNumber(3)));
    assert_fields(member, &fields);
    let fields = [
        ("member", members.clone()),
        ("user_state", bytes(b"state")),
        ("join", Value::Bool(true)),
        ("last", Value::Bool(true)),
        ("partial", Value::Bool(false)),
        ("view", Value::U64(0)),
        ("withheld", Value::Bool(false)),
        ("lived", Value::U64(0)),
    ];
    assert_fields(&push_pull, &fields);
    for (claim, withheld, lived) in
        [(NameClaim::Withheld, true, 0), (NameClaim::Contested { lived: 1 << 40 }, false, 1 << 40)]
    {
        let mut out = BytesMut::new();
        let nobody = std::iter::empty();
        wire::encode_push_pull_with(wire::Scope::Partial, claim, 0, nobody, b"", &mut out);
        let push_pull = inner(&from(&out), "push_pull");
        let field = |name: &str| push_pull.get_field_by_name(name).unwrap().into_owned();
        assert_eq!(field("withheld"), Value::Bool(withheld));
        assert_eq!(field("lived"), Value::U64(lived));
        let Ok(Frame::PushPull(read)) = wire::decode_frame(&out[4..]) else { panic!() };
        assert_eq!(read.claim, claim);
    }
    let compare = inner(&from(&compare_frames()), "push_pull");
    assert_eq!(compare.get_field_by_name("partial").as_deref(), Some(&Value::Bool(true)));
    assert_eq!(compare.get_field_by_name("view").as_deref(), Some(&Value::U64(1 << 40)));
}

#[test]
fn the_schema_names_the_states_as_the_codec_numbers_them() {
    let state = schema().get_enum_by_name("swim.State").unwrap();
    assert_eq!(state.values().len(), swim_core::State::ALL.len());
    for known in swim_core::State::ALL {
        let value = state.get_value_by_name(&format!("STATE_{}", known.as_str().to_uppercase()));
        let number = value.unwrap().number();
        let member = model::Member {
            name: "b".into(),
            address: vec![0; 6],
            state: number,
            ..model::Member::default()
        };
        let body = frame_body(member);
        let Ok(Frame::PushPull(push_pull)) = wire::decode_frame(&body) else { panic!() };
        assert_eq!(push_pull.members().next().unwrap().unwrap().state, known);
    }
}

fn compare_frames() -> BytesMut {
    let mut out = BytesMut::new();
    wire::encode_push_pull(wire::Scope::Compare, 1 << 40, std::iter::empty(), b"", &mut out);
    out
}

fn frame_body(member: model::Member) -> Vec<u8> {
    let push_pull = model::PushPull { member: vec![member], ..Default::default() };
    model::Frame { message: Some(model::FrameMessage::PushPull(push_pull)) }.encode_to_vec()
}

#[test]
fn the_schema_reserves_what_the_codec_passes_over() {
    let pool = schema();
    let reserved =
        |name: &str| -> Vec<u32> { message(&pool, name).reserved_ranges().flatten().collect() };
    assert_eq!(reserved("Packet"), [11, 12, 13, 14, 15]);
    assert_eq!(reserved("Ping"), [4]);
    assert_eq!(reserved("Ack"), [3]);
    assert_eq!(reserved("Alive"), [6]);
    assert_eq!(reserved("Frame"), (5..=15).collect::<Vec<_>>());
    assert_eq!(reserved("PushPull"), (9..=15).collect::<Vec<_>>());
}

#[test]
fn every_message_field_and_value_of_the_schema_is_explained() {
    let pool = schema();
    let file = pool.get_file_by_name("swim.proto").unwrap();
    let info = file.file_descriptor_proto().source_code_info.clone().unwrap();
    let is_explained = |path: &[i32]| {
        let mut locations = info.location.iter().filter(|location| location.path == path);
        locations.any(|location| !location.leading_comments().trim().is_empty())
    };
    for message in file.messages() {
        assert!(is_explained(message.path()), "{}", message.name());
        for field in message.fields() {
            assert!(is_explained(field.path()), "{}", field.full_name());
        }
    }
    for value in file.enums().flat_map(|number| number.values().collect::<Vec<_>>()) {
        assert!(is_explained(value.path()), "{}", value.full_name());
    }
}

proptest! {
    #[test]
    fn whatever_the_codec_writes_the_schema_knows(
        messages in model::any_kinds(),
        members in proptest::collection::vec(model::any_member(), 0..5),
    ) {
        let pool = schema_once();
        let mut out = BytesMut::new();
        messages.iter().for_each(|kind| kind.message().encode(&mut out));
        assert_known(&DynamicMessage::decode(message(pool, "Packet"), &out[..]).unwrap());
        let out = push_pull_frames(false, &members, b"");
        assert_known(&DynamicMessage::decode(message(pool, "Frame"), &out[4..]).unwrap());
    }
}

fn schema_once() -> &'static DescriptorPool {
    static SCHEMA: std::sync::OnceLock<DescriptorPool> = std::sync::OnceLock::new();
    SCHEMA.get_or_init(schema)
}
