//! Events for programs, with stable names.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Event, StreamSource, Via};
use crate::member::{Member, Name};

/// A map of `event`, the [kind](Event::kind), and the event's fields. Names are stable; any release
/// may add some.
///
/// Times end in `_ms` and are whole milliseconds, except round trips. Bytes are text if they are
/// UTF-8, and otherwise hexadecimal under the same name plus `_hex`. `via` is `own`, `packet` or
/// `push_pull`; the last two come with `heard_from`. A member's fields are those of a [`Member`].
///
/// ```
/// use std::time::Duration;
/// # use swim_core::Event;
/// let event = Event::late(Duration::from_secs(2));
/// assert_eq!(serde_json::to_string(&event)?, r#"{"event":"late","by_ms":2000}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Fields(serializer.serialize_map(None)?);
        map.put("event", self.kind())?;
        match self {
            Event::Joined { .. }
            | Event::Updated { .. }
            | Event::Left { .. }
            | Event::Unlisted { .. }
            | Event::DatagramsBlocked { .. }
            | Event::StreamsBlocked { .. } => of_member(&mut map, self)?,
            Event::Suspected { .. }
            | Event::Confirmed { .. }
            | Event::Refuted { .. }
            | Event::Failed { .. } => of_suspicion(&mut map, self)?,
            Event::AckPayload { .. }
            | Event::Broadcast { .. }
            | Event::Message { .. }
            | Event::UserState { .. } => of_application(&mut map, self)?,
            Event::Accused { .. }
            | Event::HealthChanged { .. }
            | Event::Isolated { .. }
            | Event::HeardAgain { .. }
            | Event::AddressUnreachable { .. }
            | Event::Late { .. }
            | Event::NameTaken { .. }
            | Event::NameConflict { .. }
            | Event::BadInput { .. }
            | Event::StreamsShort { .. }
            | Event::KeyWearsOut { .. }
            | Event::TlsFailed { .. } => of_this_node(&mut map, self)?,
        }
        if let Some(via) = self.via() {
            map.via(via)?;
        }
        map.0.end()
    }
}

/// A map of `name`, `address`, `state`, `incarnation`, and `meta` or `meta_hex`.
impl Serialize for Member {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Fields(serializer.serialize_map(None)?);
        map.member(self)?;
        map.0.end()
    }
}

impl Serialize for StreamSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Fields(serializer.serialize_map(Some(3))?);
        map.put("network", &self.network.to_string())?;
        map.put("streams", &self.streams)?;
        map.put("bytes", &self.bytes)?;
        map.0.end()
    }
}

fn of_member<M: SerializeMap>(map: &mut Fields<M>, event: &Event) -> Result<(), M::Error> {
    match event {
        Event::Joined { member, previous, .. } => {
            map.member(member)?;
            previous.map_or(Ok(()), |previous| map.put("previous", previous.as_str()))
        }
        Event::Left { member, previous, .. } => {
            map.member(member)?;
            map.put("previous", previous.as_str())
        }
        Event::Updated { member, .. }
        | Event::Unlisted { member }
        | Event::DatagramsBlocked { member }
        | Event::StreamsBlocked { member } => map.member(member),
        _ => Ok(()),
    }
}

fn of_suspicion<M: SerializeMap>(map: &mut Fields<M>, event: &Event) -> Result<(), M::Error> {
    match event {
        Event::Suspected { member, accuser, timeout_min, timeout_max, .. } => {
            map.member(member)?;
            map.put("accuser", accuser.as_str())?;
            map.millis("timeout_min_ms", *timeout_min)?;
            map.millis("timeout_max_ms", *timeout_max)
        }
        Event::Confirmed { name, accuser, confirmations, remaining, .. } => {
            map.put("name", name.as_str())?;
            map.put("accuser", accuser.as_str())?;
            map.put("confirmations", confirmations)?;
            map.millis("remaining_ms", *remaining)
        }
        Event::Refuted { member, suspected_for, .. } => {
            map.member(member)?;
            map.millis("suspected_for_ms", *suspected_for)
        }
        Event::Failed { member, declared_by, accusers, suspected_for, .. } => {
            let accusers: Vec<&str> = accusers.iter().map(Name::as_str).collect();
            map.member(member)?;
            map.put("declared_by", declared_by.as_str())?;
            map.put("accusers", &accusers)?;
            map.millis("suspected_for_ms", *suspected_for)
        }
        _ => Ok(()),
    }
}

fn of_this_node<M: SerializeMap>(map: &mut Fields<M>, event: &Event) -> Result<(), M::Error> {
    match event {
        Event::Accused { accuser, claim, incarnation, refuted_with, .. } => {
            map.put("accuser", accuser.as_str())?;
            map.put("claim", claim.as_str())?;
            map.put("incarnation", &incarnation.0)?;
            map.put("refuted_with", &refuted_with.0)
        }
        Event::HealthChanged { from, to, reason } => {
            map.put("from", from)?;
            map.put("to", to)?;
            map.put("reason", reason.key())
        }
        Event::Isolated { silent_for } | Event::HeardAgain { silent_for } => {
            map.millis("silent_for_ms", *silent_for)
        }
        Event::Late { by } => map.millis("by_ms", *by),
        Event::AddressUnreachable { address } | Event::NameTaken { address, .. } => {
            map.put("address", &address.to_string())
        }
        Event::NameConflict { name, winner, loser, .. } => {
            map.put("name", name.as_str())?;
            map.put("winner", &winner.to_string())?;
            map.put("loser", &loser.to_string())
        }
        Event::BadInput { from, reason, stream } => {
            map.put("from", &from.to_string())?;
            map.put("reason", reason.key())?;
            map.put("explanation", &reason.to_string())?;
            map.put("stream", stream)
        }
        Event::StreamsShort { resource, sources } => {
            map.put("resource", resource.as_str())?;
            map.put("sources", sources)
        }
        Event::KeyWearsOut { key, seals, members } => {
            map.put("key", &key.to_string())?;
            map.put("seals", seals)?;
            map.put("members", members)
        }
        Event::TlsFailed { peer, dialled, fault } => {
            map.put("peer", &peer.to_string())?;
            map.put("dialled", dialled)?;
            map.put("reason", fault.as_str())?;
            map.put("explanation", &fault.to_string())
        }
        _ => Ok(()),
    }
}

fn of_application<M: SerializeMap>(map: &mut Fields<M>, event: &Event) -> Result<(), M::Error> {
    match event {
        Event::Broadcast { origin, payload, .. } => {
            map.put("origin", origin.as_str())?;
            map.bytes("payload", "payload_hex", payload)
        }
        Event::Message { from, payload, reliable } => {
            if let Some(from) = from {
                map.put("from", from.as_str())?;
            }
            map.bytes("payload", "payload_hex", payload)?;
            map.put("reliable", reliable)
        }
        Event::UserState { from, join, state } => {
            map.put("from", &from.to_string())?;
            map.put("join", join)?;
            map.bytes("payload", "payload_hex", state)
        }
        Event::AckPayload { name, round_trip, payload } => {
            map.put("name", name.as_str())?;
            // In thousandths, because most round trips are shorter than a millisecond.
            let micros = (round_trip.as_nanos() + 500) / 1000;
            map.put("round_trip_ms", &(micros as f64 / 1000.0))?;
            map.bytes("payload", "payload_hex", payload)
        }
        _ => Ok(()),
    }
}

/// A map that is being written.
struct Fields<M>(M);

impl<M: SerializeMap> Fields<M> {
    fn put<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(key, value)
    }

    fn millis(&mut self, key: &'static str, time: Duration) -> Result<(), M::Error> {
        // The highest value is 584 million years.
        self.put(key, &u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    fn bytes(
        &mut self,
        key: &'static str,
        hex_key: &'static str,
        bytes: &[u8],
    ) -> Result<(), M::Error> {
        match core::str::from_utf8(bytes) {
            Ok(text) => self.put(key, text),
            Err(_) => self.put(hex_key, &hex(bytes)),
        }
    }

    fn member(&mut self, member: &Member) -> Result<(), M::Error> {
        self.put("name", member.name.as_str())?;
        self.put("address", &member.address.to_string())?;
        self.put("state", member.state.as_str())?;
        self.put("incarnation", &member.incarnation.0)?;
        self.bytes("meta", "meta_hex", &member.meta)
    }

    fn via(&mut self, via: Via) -> Result<(), M::Error> {
        self.put("via", via.kind())?;
        via.heard_from().map_or(Ok(()), |from| self.put("heard_from", &from.to_string()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
