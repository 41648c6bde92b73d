//! The answers to commands.

use serde_json::{Map, Value};
use swim_tokio::{Member, Pong, Stats, Tags};

use crate::describe;
use crate::print::{Format, Line};
use crate::style::{Tone, state_tone};
use crate::table::{Sheet, toned};
use crate::text;

/// How many bytes of metadata a member's row shows.
const META_SHOWN_MAX: usize = 40;

/// The line about a failed command.
pub(super) fn refused(command: &str, reason: &str) -> Line {
    Line::new("error", Tone::Warning, format!("{command}: {}", text::escape(reason)))
        .fields(|record| record.with("command", command).with("message", reason))
}

/// The line about a command that succeeded.
pub(super) fn done(command: &str, told: &str) -> Line {
    Line::new("done", Tone::Good, format!("{command}: {told}"))
        .fields(|record| record.with("command", command))
}

/// The same for a command about one member.
pub(super) fn done_to(command: &str, told: &str, name: &str) -> Line {
    done(command, &format!("{told} {}", text::escape(name)))
        .fields(|record| record.with("name", name))
}

/// The same for a command about a seed.
pub(super) fn done_with_seed(command: &str, told: &str, seed: &str) -> Line {
    done(command, &format!("{told} {}", text::escape(seed)))
        .fields(|record| record.with("seed", seed))
}

/// The members: as a table, or as one JSON line each and one with their number.
pub(super) fn members(members: &[Member], format: Format) -> String {
    if format.json {
        let mut lines = String::new();
        for member in members {
            let line = Line::new("member", Tone::Plain, "")
                .fields(|it| it.with_all(member).with_some("tags", describe::tags(member)));
            lines.push_str(&format.render_now(line));
            lines.push('\n');
        }
        let last = Line::new("members", Tone::Plain, "")
            .fields(|record| record.with("count", members.len()));
        return lines + &format.render_now(last);
    }
    let headings = ["name", "address", "state", "incarnation", "tags or meta"].map(String::from);
    let mut sheet = Sheet::new(format.paint, headings.into());
    for member in members {
        sheet.row(vec![
            text::escape(member.name.as_str()),
            member.address.to_string(),
            toned(state_tone(member.state), member.state.as_str()),
            member.incarnation.to_string(),
            metadata(member),
        ]);
    }
    sheet.render()
}

/// Tags as they are written, other metadata in quotes.
fn metadata(member: &Member) -> String {
    match (member.meta.as_ref(), Tags::of(member)) {
        ([], _) => String::new(),
        (_, Some(tags)) => cut(tags.to_string()),
        (meta, None) => text::bytes_up_to(meta, META_SHOWN_MAX),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(META_SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// The line about an answered ping.
pub(super) fn pong(name: &str, pong: &Pong) -> Line {
    let round_trip = pong.round_trip;
    let told = format!("{} answered after {}", text::escape(name), text::duration(round_trip));
    Line::new("pong", Tone::Good, told).fields(|record| {
        let record = record.with("name", name).with_millis_exact("round_trip_ms", round_trip);
        match pong.payload.is_empty() {
            true => record,
            false => record.with_bytes("payload", "payload_hex", &pong.payload),
        }
    })
}

/// The line about local health.
pub(super) fn health(score: u8) -> Line {
    let (tone, told) = match score {
        0 => (Tone::Good, "0: healthy".to_string()),
        score => (
            Tone::Warning,
            format!(
                "{score}: this node seems slow or cut off, so it probes {} times slower",
                u16::from(score) + 1
            ),
        ),
    };
    Line::new("health", tone, told).fields(|record| record.with("health", score))
}

/// The list of commands.
pub(super) fn help(commands: &str, format: Format) -> String {
    if !format.json {
        return commands.to_string();
    }
    let commands: Vec<&str> = commands.lines().collect();
    let line = Line::new("help", Tone::Plain, "");
    format.render_now(line.fields(|record| record.with("commands", commands)))
}

/// The counters of a node: as a table without kinds that never occurred, or as one JSON line.
pub(super) fn stats(stats: &Stats, format: Format) -> String {
    let received = stats.received.iter().map(|(kind, count)| (kind.key(), count));
    let sent = stats.sent.iter().map(|(kind, count)| (kind.key(), count));
    let drops = stats.drops.iter().map(|(reason, count)| (reason.key(), count));
    if format.json {
        let line = Line::new("stats", Tone::Plain, "").fields(|record| {
            counts(stats)
                .fold(record, |record, (key, count)| record.with(key, count))
                .with("received", object(received))
                .with("sent", object(sent))
                .with("drops", object(drops))
        });
        return format.render_now(line);
    }
    let mut sheet = Sheet::new(format.paint, vec!["count".into(), "value".into()]);
    let mut row = |what: String, count: u64| {
        sheet.row(vec![what.replace('_', " "), count.to_string()]);
    };
    for (key, count) in counts(stats) {
        row(key.into(), count);
    }
    let kinds = received.map(|(key, count)| ("received", key, count));
    let kinds = kinds.chain(sent.map(|(key, count)| ("sent", key, count)));
    let kinds = kinds.chain(drops.map(|(key, count)| ("dropped", key, count)));
    for (what, key, count) in kinds.filter(|(_, _, count)| *count > 0) {
        row(format!("{what}: {key}"), count);
    }
    sheet.render()
}

fn object(counts: impl Iterator<Item = (&'static str, u64)>) -> Map<String, Value> {
    counts.map(|(key, count)| (key.to_string(), count.into())).collect()
}

/// The counters without a kind or a reason.
fn counts(stats: &Stats) -> impl Iterator<Item = (&'static str, u64)> {
    let plain = stats.counters().into_iter().filter(|counter| counter.label.is_none());
    plain.map(|counter| (counter.name, counter.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Paint;

    #[test]
    fn members_show_tags_as_tags_and_other_metadata_quoted() {
        let mut member = Member::new("b".parse().unwrap(), "10.0.0.2:7946".parse().unwrap());
        let mut shown = |meta: &[u8]| {
            member.meta = meta.to_vec().into();
            let listed = |json| members(&[member.clone()], Format { json, paint: Paint::OFF });
            let json = listed(true).lines().next().map(serde_json::from_str::<Value>);
            (listed(false), json.unwrap().unwrap()["tags"].clone())
        };
        let (table, json) = shown(&Tags::from([("role", "db"), ("zone", "a\n")]).encode());
        assert!(table.contains(" role=db,zone=a\\n"), "{table}");
        assert_eq!(json, serde_json::json!({"role": "db", "zone": "a\n"}));
        let (table, _) = shown(&Tags::from([("role", "x".repeat(99))]).encode());
        assert!(table.contains(&format!(" role={}...", "x".repeat(35))), "{table}");
        for (meta, expected) in
            [(&b"role=db"[..], r#" "role=db""#), (b"\xfe\x01a", r#" "\xfe\x01a""#)]
        {
            let (table, json) = shown(meta);
            assert!(table.contains(expected), "{table}");
            assert_eq!(json, Value::Null);
        }
    }

    #[test]
    fn stats_are_a_table_or_one_object() {
        let mut counted = Stats::default();
        counted.packets_sent = 7;
        let shown = stats(&counted, Format { json: false, paint: Paint::OFF });
        assert!(shown.contains("packets sent            7\n"), "{shown}");
        let json = stats(&counted, Format { json: true, paint: Paint::OFF });
        let object: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["packets_sent"], 7);
        assert_eq!(object["repairs"], 0);
        assert_eq!(object["drops"]["stale"], 0);
    }
}
