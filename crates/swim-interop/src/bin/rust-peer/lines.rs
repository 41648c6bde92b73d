//! The lines on standard output.

use std::io::Write;

use base16ct::lower::encode_string as hex;
use serde_json::{Value, json};
use swim_tokio::{Cluster, Event, Member, Notice, Versions};

/// The longest payload that is printed in full. A longer one is checked by its checksum.
const SHOWN_MAX: usize = 64;

/// Prints a whole line at once.
pub(crate) fn print(line: &Value) {
    let mut output = std::io::stdout().lock();
    // If nobody reads any longer, the process is about to end.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

pub(crate) fn ready(cluster: &Cluster) -> Value {
    let local = cluster.local();
    json!({"event": "ready", "name": local.name.as_str(), "address": local.address.to_string()})
}

pub(crate) fn answer(id: u64, result: Result<Value, String>) -> Value {
    let (mut line, ok) = match result {
        Ok(line) => (line, true),
        Err(error) => (json!({ "error": error }), false),
    };
    line["event"] = "answer".into();
    line["id"] = id.into();
    line["ok"] = ok.into();
    line
}

pub(crate) fn members(members: &[Member]) -> Value {
    let members: Vec<_> = members
        .iter()
        .map(|member| {
            let mut line = about(member);
            line["incarnation"] = member.incarnation.0.into();
            line["versions"] = json!(six(member.versions));
            line
        })
        .collect();
    json!({ "members": members })
}

pub(crate) fn notice(notice: &Notice) -> Value {
    let event = match notice {
        Notice::Event(event) => event,
        other => return complaint(&other.to_string()),
    };
    match event {
        Event::Joined { member, .. } => named("joined", member),
        Event::Updated { member, .. } => named("updated", member),
        Event::Failed { member, .. } | Event::Left { member, .. } => named("gone", member),
        Event::Suspected { member, .. } => named("suspected", member),
        Event::Refuted { member, .. } => named("refuted", member),
        Event::DatagramsBlocked { member, .. } => named("datagrams_blocked", member),
        Event::StreamsBlocked { member, .. } => named("streams_blocked", member),
        Event::Broadcast { payload, .. } | Event::Message { payload, .. } => {
            with_payload(json!({"event": "message"}), payload)
        }
        Event::UserState { state, join, .. } => {
            with_payload(json!({"event": "user_state", "join": join}), state)
        }
        Event::BadInput { .. } | Event::NameTaken { .. } => complaint(&format!("{event:?}")),
        Event::NameConflict { name, winner, loser, .. } => json!({
            "event": "conflict", "name": name.as_str(), "address": winner.to_string(),
            "other": loser.to_string(),
        }),
        other => json!({"event": "other", "text": format!("{other:?}")}),
    }
}

pub(crate) fn with_payload(mut line: Value, payload: &[u8]) -> Value {
    line["size"] = payload.len().into();
    line["crc32"] = crc32fast::hash(payload).into();
    if payload.len() <= SHOWN_MAX {
        line["hex"] = hex(payload).into();
    }
    line
}

pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    base16ct::mixed::decode_vec(text).map_err(|_| format!("'{text}' is not hexadecimal"))
}

fn complaint(text: &str) -> Value {
    json!({"event": "log", "level": "WARN", "text": text})
}

fn named(event: &str, member: &Member) -> Value {
    let mut line = about(member);
    line["event"] = event.into();
    line
}

fn about(member: &Member) -> Value {
    json!({
        "name": member.name.as_str(),
        "address": member.address.to_string(),
        "meta": hex(&member.meta),
        "state": member.state.as_str(),
    })
}

/// Returns the six versions in memberlist's order.
fn six(versions: Versions) -> [u8; 6] {
    let (protocol, application) = (versions.protocol, versions.application);
    [
        protocol.min,
        protocol.max,
        protocol.current,
        application.min,
        application.max,
        application.current,
    ]
}
