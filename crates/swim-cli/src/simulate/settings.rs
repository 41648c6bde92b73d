//! The settings of nodes from a TOML file: any field of [`Config`] by its name.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use swim_tokio::Config;
use toml::de::{DeTable, DeValue};

use crate::simulate::spec;

/// A file larger than this is none of ours.
const FILE_SIZE_MAX: u64 = 1 << 20;

/// Where a setting is, and so of which kind it is.
#[derive(Clone, Copy)]
enum Place {
    Time(fn(&mut Config) -> &mut Duration),
    Flag(fn(&mut Config) -> &mut bool),
    Size(fn(&mut Config) -> &mut usize),
    Number(fn(&mut Config) -> &mut u32),
    Small(fn(&mut Config) -> &mut u8),
    Text(fn(&mut Config) -> &mut Bytes),
}

macro_rules! settings {
    ($($kind:ident: $($name:ident)+;)+) => {
        [$($((stringify!($name), Place::$kind(|config| &mut config.$name)),)+)+]
    };
}

const SETTINGS: [(&str, Place); 37] = settings! {
    Time: probe_interval probe_timeout gossip_interval gossip_to_the_dead push_pull_interval
        stream_timeout lost_members_keep;
    Flag: stream_ping last_call lifeguard_health lifeguard_suspicion lifeguard_buddy lateness
        compression;
    Size: indirect_probes gossip_nodes packet_size_max meta_size_max members_max lost_members_max
        update_queue_max broadcast_queue_max broadcast_queue_bytes_max broadcast_origins_max
        reliable_size_max user_state_size_max streams_max streams_per_source_max stream_buffer_max
        requests_max relays_max;
    Number: suspicion_mult suspicion_max_mult retransmit_mult;
    Small: awareness_max;
    Text: meta label;
};

/// What the simulation gives each node itself.
const GIVEN: [&str; 4] = ["name", "address", "incarnation", "versions"];

/// What keeps strangers out, of whom there are none in a simulation.
const AGAINST_STRANGERS: [&str; 5] =
    ["label_also", "keyring", "verify_incoming", "verify_outgoing", "allowed_networks"];

/// Reads a file, and changes the settings that it names.
pub(crate) fn read(path: &Path, config: &mut Config) -> Result<(), String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("cannot read --config {shown}: {error}");
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > FILE_SIZE_MAX {
        return Err(format!("--config {shown} has {size} bytes: is it the right file?"));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    apply(&text, config).map_err(|(line, wrong)| format!("{shown}, line {line}: {wrong}"))
}

/// Changes the settings that the text names; or says in which line what is wrong.
fn apply(text: &str, config: &mut Config) -> Result<(), (usize, String)> {
    let line = |at: usize| text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n');
    let line = |at: usize| line(at).count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let told: Vec<&str> = error.message().lines().collect();
        (line(error.span().map_or(0, |span| span.start)), told.join("; "))
    })?;
    // In the order of the file, so that its first mistake is told.
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let name = key.get_ref().as_ref();
        set(config, name, value.get_ref()).map_err(|wrong| (line(key.span().start), wrong))?;
    }
    Ok(())
}

fn set(config: &mut Config, name: &str, value: &DeValue<'_>) -> Result<(), String> {
    let Some((_, place)) = SETTINGS.iter().find(|(known, _)| *known == name) else {
        return Err(unknown(name, value));
    };
    match place {
        Place::Time(place) => *place(config) = time(name, value)?,
        Place::Flag(place) => {
            *place(config) =
                value.as_bool().ok_or_else(|| expected(name, "true or false", value))?;
        }
        Place::Size(place) => *place(config) = number(name, value)?,
        Place::Number(place) => *place(config) = number(name, value)?,
        Place::Small(place) => *place(config) = number(name, value)?,
        Place::Text(place) => {
            let text = value.as_str().ok_or_else(|| expected(name, "a text in quotes", value))?;
            *place(config) = Bytes::copy_from_slice(text.as_bytes());
        }
    }
    Ok(())
}

fn time(name: &str, value: &DeValue<'_>) -> Result<Duration, String> {
    match value {
        DeValue::String(text) => spec::duration(text).map_err(|wrong| format!("{name}: {wrong}")),
        DeValue::Integer(number) if number.as_str() != "0" => {
            Err(format!("{name} is {number}, without a unit: say \"{number}s\" or \"{number}ms\""))
        }
        DeValue::Integer(_) => Ok(Duration::ZERO),
        _ => Err(expected(name, "a time like \"500ms\"", value)),
    }
}

fn number<N: TryFrom<u64>>(name: &str, value: &DeValue<'_>) -> Result<N, String> {
    let integer = value.as_integer();
    let integer = integer.and_then(|it| u64::from_str_radix(it.as_str(), it.radix()).ok());
    let number = integer.and_then(|it| N::try_from(it).ok());
    number.ok_or_else(|| expected(name, "a whole number that fits it", value))
}

fn expected(name: &str, what: &str, value: &DeValue<'_>) -> String {
    let found = match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        other => format!("a {}", other.type_str()),
    };
    format!("{name} must be {what}, not {found}")
}

fn unknown(name: &str, value: &DeValue<'_>) -> String {
    if GIVEN.contains(&name) {
        return format!("{name} is not for all nodes alike: the simulation gives each its own");
    }
    if AGAINST_STRANGERS.contains(&name) {
        return format!("{name} is against strangers, of whom there are none in a simulation");
    }
    if name == "wire" {
        return "the wire is given on the command line: --wire swim or --wire memberlist".into();
    }
    if value.is_table() {
        return format!("there is no section '{name}': settings stand at the top, as name = value");
    }
    let nearest = SETTINGS
        .iter()
        .map(|(known, _)| (strsim::jaro_winkler(&name.replace('-', "_"), known), *known))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((likeness, known)) if likeness > 0.7 => {
            format!("there is no setting '{name}'; did you mean {known}?")
        }
        _ => format!("there is no setting '{name}': they are the fields of swim_core::Config"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan() -> Config {
        Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap())
    }

    fn wrong(text: &str) -> (usize, String) {
        apply(text, &mut lan()).unwrap_err()
    }

    #[test]
    fn settings_of_every_kind_are_taken() {
        let mut config = lan();
        let text = "# comment\nprobe_timeout = \"250ms\"\nstream_ping = false\n\
            suspicion_mult = 5\nawareness_max = 0x10\npacket_size_max = 1_000\n\
            push_pull_interval = 0\nlabel = \"größe\"\n";
        apply(text, &mut config).unwrap();
        let expected = lan().with(|config| {
            config.probe_timeout = Duration::from_millis(250);
            config.stream_ping = false;
            config.suspicion_mult = 5;
            config.awareness_max = 16;
            config.packet_size_max = 1000;
            config.push_pull_interval = Duration::ZERO;
            config.label = "größe".into();
        });
        assert_eq!(config, expected);
    }

    #[test]
    fn every_field_of_the_configuration_can_be_set() {
        let shown = format!("{:#?}", lan());
        let fields = shown.lines().filter_map(|line| {
            let field = line.strip_prefix("    ").filter(|rest| !rest.starts_with(' '))?;
            Some(field.split_once(": ")?.0)
        });
        let fields: Vec<&str> = fields.collect();
        assert!(fields.len() > 40, "{fields:?}");
        for field in fields {
            let known = SETTINGS.iter().any(|(name, _)| *name == field);
            let is_told_why_not =
                GIVEN.contains(&field) || AGAINST_STRANGERS.contains(&field) || field == "wire";
            assert!(known != is_told_why_not, "{field}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, expected) in [
            ("\nprobe_intervall = \"1s\"", 2, "did you mean probe_interval?"),
            ("probe-timeout = \"1s\"", 1, "did you mean probe_timeout?"),
            ("colour = 1", 1, "fields of swim_core::Config"),
            ("name = \"a\"", 1, "gives each its own"),
            ("keyring = \"a\"", 1, "against strangers"),
            ("wire = \"memberlist\"", 1, "--wire memberlist"),
            ("[node]\nprobe_timeout = \"1s\"", 1, "no section 'node'"),
            ("probe_timeout = 500", 1, "say \"500s\" or \"500ms\""),
            ("probe_timeout = \"500\"", 1, "no unit"),
            ("probe_timeout = true", 1, "a time like"),
            ("stream_ping = 1", 1, "true or false, not 1"),
            ("suspicion_mult = \"4\"", 1, "a whole number that fits it, not \"4\""),
            ("suspicion_mult = 1.5", 1, "not 1.5"),
            ("awareness_max = 300", 1, "not 300"),
            ("relays_max = -1", 1, "not -1"),
            ("label = 3", 1, "a text"),
            ("a = 1\nb = = 2", 2, ""),
            ("stream_ping = true\nstream_ping = true", 2, "duplicate"),
        ] {
            let (found, told) = wrong(text);
            assert!(found == line && told.contains(expected), "{text:?}: {found}: {told}");
            assert!(!told.contains('\n'), "{told:?}");
        }
    }
}
