//! The decoder's tolerance, field by field, compared with Go's decoder on the same bytes.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use base16ct::lower::encode_string as hex;
use serde_json::{Value, json};

use super::messages::{AccusationBody, AckBody, AliveBody, Compressed, Request};
use super::msgpack::Reader;
use super::stream::{PushPullHeader, UserHeader};
use crate::stats::DropReason;

const VECTORS: &str = include_str!("../../../tests/vectors/decode.json");

/// Deliberate differences of the decoder, and their reasons.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "bytes_array",
        "an array with an integer above 127 does not hold the bytes as they are, so they cannot be \
         borrowed from it; Go never writes one",
    ),
    ("bytes_array_nil", "nor does one with nil, which Go takes for 0"),
];

fn unhex(text: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(text).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Decodes `body` as Go's struct of that name, in the form of the vectors.
fn decoded(of: &str, body: &[u8]) -> Result<Value, DropReason> {
    let reader = Reader::new(body);
    Ok(match of {
        "ping" => request_fields(&Request::decode::<false>(reader)?, false),
        "indirectPingReq" => request_fields(&Request::decode::<true>(reader)?, true),
        "suspect" => {
            let accusation = AccusationBody::decode(reader)?;
            json!({
                "From": text(accusation.from),
                "Incarnation": accusation.incarnation,
                "Node": text(accusation.node),
            })
        }
        "alive" => announcement_fields(&AliveBody::decode::<false>(reader)?, "Node"),
        "pushNodeState" => {
            let announcement = AliveBody::decode::<true>(reader)?;
            let mut fields = announcement_fields(&announcement, "Name");
            fields["State"] = announcement.state.into();
            fields
        }
        "pushPullHeader" => {
            let header = PushPullHeader::decode(reader)?;
            json!({
                "Join": header.join,
                "Nodes": header.nodes,
                "UserStateLen": header.user_state_size,
            })
        }
        "compress" => {
            let compressed = Compressed::decode(reader)?;
            json!({ "Algo": compressed.algorithm, "Buf": hex(compressed.text) })
        }
        other => panic!("a struct called {other}"),
    })
}

fn request_fields(request: &Request<'_>, indirect: bool) -> Value {
    let mut fields = json!({
        "Node": text(request.node),
        "SeqNo": request.sequence,
        "SourceAddr": hex(request.source_address),
        "SourceNode": text(request.source_node),
        "SourcePort": request.source_port,
    });
    if indirect {
        fields["Nack"] = request.nack.into();
        fields["Port"] = request.port.into();
        fields["Target"] = hex(request.target).into();
    }
    fields
}

fn announcement_fields(announcement: &AliveBody<'_>, name: &str) -> Value {
    json!({
        "Addr": hex(announcement.ip),
        "Incarnation": announcement.incarnation,
        "Meta": hex(announcement.meta),
        name: text(announcement.name),
        "Port": announcement.port,
        "Vsn": hex(announcement.versions),
    })
}

/// Go's result; `None` if Go refused. A nil slice counts as an empty one.
fn expected(vector: &Value) -> Option<Value> {
    if vector["accept"] == false {
        return None;
    }
    let mut fields = vector["decoded"].clone();
    for field in fields.as_object_mut().unwrap().values_mut().filter(|field| field.is_null()) {
        *field = "".into();
    }
    Some(fields)
}

#[test]
fn bodies_are_accepted_and_refused_as_by_go() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 59, "only {} vectors", vectors.len());
    let mut differences: Vec<String> = vec![];
    for vector in vectors {
        let body = unhex(vector["hex"].as_str().unwrap());
        let ours = decoded(vector["struct"].as_str().unwrap(), &body);
        match (&ours, expected(vector)) {
            (Err(reason), None) => assert_eq!(*reason, DropReason::Malformed, "{vector}"),
            (Ok(ours), Some(theirs)) if *ours == theirs => {}
            _ => differences.push(vector["case"].as_str().unwrap().to_string()),
        }
    }
    let listed: Vec<&str> = DIFFERENCES.iter().map(|(case, _)| *case).collect();
    assert_eq!(differences, listed, "see DIFFERENCES");
}

/// Go's decoder accepts numbers of any width in any field; this decoder reads them all in one
/// place.
#[test]
fn integers_keep_their_value_in_every_width() {
    let cases: &[(&[u8], i64)] = &[
        (&[0x7f], 127),
        (&[0xe0], -32),
        (&[0xcc, 0xff], 255),
        (&[0xcd, 0xff, 0xfe], 65534),
        (&[0xce, 0xff, 0xff, 0xff, 0xfe], 4_294_967_294),
        (&[0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
        (&[0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0], -1),
        (&[0xd0, 0x80], -128),
        (&[0xd1, 0x80, 0x00], -32768),
        (&[0xd2, 0x80, 0, 0, 0], -2_147_483_648),
        (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], i64::MIN),
        (&[0xd3, 0, 0, 0, 0, 0, 0, 0, 9], 9),
        (&[0xc0], 0),
    ];
    for (bytes, value) in cases {
        assert_eq!(Reader::new(bytes).int(), Ok(*value), "{bytes:02x?}");
        let unsigned = u32::try_from(*value).map_err(|_| DropReason::Malformed);
        assert_eq!(Reader::new(bytes).u32(), unsigned, "{bytes:02x?}");
    }
}

#[test]
fn values_are_passed_over_to_the_depth_that_go_allows() {
    for (depth, outcome) in [(1023, Ok(())), (1024, Err(DropReason::Malformed))] {
        let mut bytes = vec![0x91; depth];
        bytes.push(0x01);
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.skip(), outcome, "{depth}");
        // Many values at one level do not count as depth.
        let wide = [&[0xdc, 0x10, 0x00][..], &[0x91, 0x01].repeat(4096), &[0x07]].concat();
        let mut reader = Reader::new(&wide);
        assert_eq!(reader.skip(), Ok(()));
        assert_eq!(reader.rest(), [0x07]);
    }
}

/// As in the vectors, but for structs that the vectors lack.
#[test]
fn the_remaining_structs_are_read_by_name_and_by_position() {
    let ack = unhex("82a75061796c6f6164a30100ffa55365714e6f09");
    let answer = AckBody { sequence: 9, payload: &[1, 0, 0xff] };
    assert_eq!(AckBody::decode::<true>(Reader::new(&ack)), Ok(answer));
    assert_eq!(AckBody::decode::<true>(Reader::new(&unhex("9209a30100ff"))), Ok(answer));
    // A nack has no payload, so a field of that name is skipped.
    let nack = unhex("82a75061796c6f6164c3a55365714e6f09");
    let answer = AckBody { sequence: 9, payload: &[] };
    assert_eq!(AckBody::decode::<false>(Reader::new(&nack)), Ok(answer));
    let header = unhex("81aa557365724d73674c656ed1012c");
    assert_eq!(UserHeader::decode(Reader::new(&header)), Ok(UserHeader { size: 300 }));
    assert_eq!(UserHeader::decode(Reader::new(&unhex("91d1012c"))), Ok(UserHeader { size: 300 }));
}
