//! The table `[node]`: the name and addresses of a node, and which members it admits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use swim_core::text::is_unprintable;
use swim_core::{Encryption, Incarnation, IpNet, Name, VersionRange};

use super::NodeSettings;
use super::protocol::YEAR;
use super::setting::{Kind, Setting, Table};
use crate::advertise::unreachable_kind;
use crate::carrier::Carrier;
use crate::options::PORT_DEFAULT;
use crate::secret_file::Readers;
use crate::seed::{Seed, address};

/// The longest label: its length is sent in one byte.
const LABEL_SIZE_MAX: usize = 255;

/// With a shorter age a node would do little but dial.
const LINK_AGE_LEAST: Duration = Duration::from_secs(1);

macro_rules! limit {
    ($($field:ident).+, $unit:literal, $min:literal) => {
        Kind::Count {
            unit: $unit,
            min: $min,
            max: u64::MAX,
            get: |node: &NodeSettings| u64::try_from(node.$($field).+).ok(),
            set: |node, limit| limit.try_into().map(|limit| node.$($field).+ = limit).is_ok(),
        }
    };
}

/// The table `[node]`: settings that differ between nodes, and which members to admit.
pub static NODE: Table<NodeSettings> = Table {
    name: "node",
    about: "The node's name, addresses and keys, and which members it admits.",
    variables: "SWIM_",
    settings: &[
        Setting {
            key: "name",
            about: "The node's name, unique in the cluster.",
            change: "if two nodes run on one host: the default is the host name",
            kind: Kind::Text {
                form: "a string of 1 to 255 bytes without control characters",
                example: "\"cache-7\"",
                get: |_| None,
                set: |node, text| {
                    node.options.config.name = name(text)?;
                    Ok(())
                },
            },
        },
        Setting {
            key: "bind",
            about: "Address to listen on, UDP and TCP: IP:PORT, IP (port 7946) or :PORT (every \
                    interface). Port 0 chooses a free port.",
            change: "to listen on one interface only",
            kind: Kind::Text {
                form: "IP:PORT, IP or :PORT",
                example: "",
                get: |node| Some(node.options.bind.to_string()),
                set: |node, text| {
                    node.options.bind = bind_address(text)?;
                    Ok(())
                },
            },
        },
        Setting {
            key: "advertise",
            about: "Address announced to peers, if it differs from the one to listen on: IP:PORT, \
                    or IP with the same port.",
            change: "behind NAT and in containers",
            kind: Kind::Text {
                form: "IP:PORT or IP",
                example: "\"203.0.113.7:7946\"",
                get: |node| node.options.advertise.map(|address| address.to_string()),
                set: |node, text| {
                    node.options.advertise = Some(advertised_address(text)?);
                    Ok(())
                },
            },
        },
        Setting {
            key: "advertise_interface",
            about: "Announce an address of this network interface, with the port that the node \
                    listens on.",
            change: "if the machine has several interfaces and no fixed address",
            kind: Kind::Text {
                form: "the name of an interface",
                example: "\"eth0\"",
                get: |node| node.options.advertise_interface.clone(),
                set: |node, text| {
                    node.options.advertise_interface = Some(interface(text)?);
                    Ok(())
                },
            },
        },
        Setting {
            key: "advertise_network",
            about: "Announce this machine's address in this network, with the port that the node \
                    listens on.",
            change: "if one file serves machines with different addresses",
            kind: Kind::Text {
                form: "a network such as \"10.1.0.0/16\" or \"fd00::/8\"",
                example: "\"10.1.0.0/16\"",
                get: |node| node.options.advertise_network.map(|network| network.to_string()),
                set: |node, text| {
                    node.options.advertise_network = Some(network(text)?);
                    Ok(())
                },
            },
        },
        Setting {
            key: "seeds",
            about: "Members to join through: HOST:PORT, or HOST with port 7946. Host names are \
                    resolved again until a seed answers.",
            change: "for every cluster of more than one node",
            kind: Kind::List {
                form: "strings HOST:PORT or HOST",
                example: "[\"cache-1.example.org:7946\", \"10.0.0.2:7946\"]",
                get: |node| node.options.seeds.clone(),
                set: |node, list| {
                    node.options.seeds =
                        list.iter().map(|it| seed(it)).collect::<Result<_, _>>()?;
                    Ok(())
                },
            },
        },
        Setting {
            key: "transport",
            about: "Transport, the same in the whole cluster: \"udp+tcp\", or \"tcp\" for \
                    everything over persistent TCP connections.",
            change: "if the network blocks UDP; Go programs with the \"memberlist\" wire do not \
                     support it",
            kind: Kind::Word {
                words: &["udp+tcp", "tcp"],
                get: |node| node.options.transport.as_str(),
                set: |node, word| {
                    let streams = word == Carrier::Streams.as_str();
                    node.options.transport =
                        if streams { Carrier::Streams } else { Carrier::Datagrams };
                },
            },
        },
        Setting {
            key: "label",
            about: "Label of the cluster, at most 255 bytes. Members with another label are \
                    ignored.",
            change: "to keep two clusters from merging by accident",
            kind: Kind::Text {
                form: "a string of at most 255 bytes",
                example: "\"staging\"",
                get: |node| text_of(&node.options.config.label),
                set: |node, text| {
                    node.options.config.label = label(text)?.into();
                    Ok(())
                },
            },
        },
        Setting {
            key: "label_also",
            about: "Second label to accept; \"\" accepts traffic without a label.",
            change: "while you change the label of a running cluster",
            kind: Kind::Text {
                form: "a string of at most 255 bytes",
                example: "\"production\"",
                get: |node| node.options.config.label_also.as_deref().and_then(any_text_of),
                set: |node, text| {
                    node.options.config.label_also = Some(label(text)?.into());
                    Ok(())
                },
            },
        },
        Setting {
            key: "tags",
            about: "Metadata announced to all members, as named values in Serf's encoding. Tags of \
                    the environment and of flags are merged with these by key.",
            change: "to tell peers what this node does",
            kind: Kind::Map {
                example: "{ role = \"cache\", zone = \"a\" }",
                get: |node| node.tags.clone().into_iter().collect(),
                set: |node, tags| {
                    tags.iter().for_each(|(key, value)| {
                        node.tags.insert(*key, *value);
                    });
                    Ok(())
                },
            },
        },
        Setting {
            key: "meta",
            about: "Metadata as a string, instead of tags.",
            change: "if peers do not read tags",
            kind: Kind::Text {
                form: "a string",
                example: "\"role=cache\"",
                get: |node| node.meta.clone(),
                set: |node, text| {
                    node.meta = Some(text.into());
                    Ok(())
                },
            },
        },
        Setting {
            key: "key_file",
            about: "File of encryption keys, one per line; the first is the primary key. A \
                    relative path starts at the folder of this file.",
            change: "on every network that you do not trust; see docs/how-to/encrypt.md",
            kind: Kind::Text {
                form: "the path of a file",
                example: "\"swim.key\"",
                get: |node| Some(node.key_file.as_ref()?.display().to_string()),
                set: |node, text| {
                    node.key_file = Some(PathBuf::from(text));
                    Ok(())
                },
            },
        },
        Setting {
            key: "allow_shared_key_file",
            about: "Accept a key file that other users can read or change.",
            change: "for a mounted secret, as in containers",
            kind: Kind::Flag {
                get: |node| node.readers == Readers::Anybody,
                set: |node, allow| {
                    node.readers = if allow { Readers::Anybody } else { Readers::Owner };
                },
            },
        },
        Setting {
            key: "tls_ca",
            about: "File of CA certificates (PEM) to verify peers: streams then use TLS. TLS does \
                    not protect datagrams: they need key_file.",
            change: "to use TLS; see docs/how-to/tls.md",
            kind: Kind::Text {
                form: "the path of a file",
                example: "\"ca.pem\"",
                get: |node| Some(node.tls.ca.as_ref()?.display().to_string()),
                set: |node, text| {
                    node.tls.ca = Some(PathBuf::from(text));
                    Ok(())
                },
            },
        },
        Setting {
            key: "tls_certificate",
            about: "File of this node's certificate chain (PEM), for client and server use.",
            change: "with tls_ca",
            kind: Kind::Text {
                form: "the path of a file",
                example: "\"node.pem\"",
                get: |node| Some(node.tls.certificate.as_ref()?.display().to_string()),
                set: |node, text| {
                    node.tls.certificate = Some(PathBuf::from(text));
                    Ok(())
                },
            },
        },
        Setting {
            key: "tls_key",
            about: "File of the private key of tls_certificate (PEM). allow_shared_key_file \
                    applies to it too.",
            change: "with tls_ca",
            kind: Kind::Text {
                form: "the path of a file",
                example: "\"node.key\"",
                get: |node| Some(node.tls.key.as_ref()?.display().to_string()),
                set: |node, text| {
                    node.tls.key = Some(PathBuf::from(text));
                    Ok(())
                },
            },
        },
        Setting {
            key: "tls_verify_name",
            about: "Refuse a peer whose member name is not a DNS name of its certificate.",
            change: "if every member has its own certificate",
            kind: Kind::Flag {
                get: |node| node.tls.verify_name,
                set: |node, verify| node.tls.verify_name = verify,
            },
        },
        Setting {
            key: "encryption",
            about: "Encryption mode, with keys. \"required\": send encrypted, accept only \
                    encrypted. \"outgoing\": send encrypted, accept both. \"off\": send plaintext, \
                    accept both.",
            change: "while a running cluster starts to encrypt",
            kind: Kind::Word {
                words: &["required", "outgoing", "off"],
                get: |node| node.options.config.encryption.as_str(),
                set: |node, word| {
                    node.options.config.encryption = match word {
                        "off" => Encryption::Off,
                        "outgoing" => Encryption::Outgoing,
                        _ => Encryption::Required,
                    };
                },
            },
        },
        Setting {
            key: "allowed_networks",
            about: "Networks from which members are admitted, at most 256. Without any, all are \
                    admitted.",
            change: "to refuse members from elsewhere",
            kind: Kind::List {
                form: "networks such as \"10.1.0.0/16\" or \"fd00::/8\"",
                example: "[\"10.1.0.0/16\"]",
                get: |node| {
                    node.options.config.allowed_networks.iter().map(ToString::to_string).collect()
                },
                set: |node, list| {
                    let networks = list.iter().map(|it| network(it)).collect::<Result<_, _>>()?;
                    node.options.config.allowed_networks = networks;
                    Ok(())
                },
            },
        },
        Setting {
            key: "application_versions",
            about: "Application versions that the node announces, as MIN:MAX:CURRENT.",
            change: "if peers compare them, such as Serf (2:5:5)",
            kind: Kind::Text {
                form: "MIN:MAX:CURRENT with MIN <= CURRENT <= MAX, such as \"2:5:5\"",
                example: "",
                get: |node| Some(shown_versions(node.options.config.versions.application)),
                set: |node, text| {
                    node.options.config.versions.application = versions(text)?;
                    Ok(())
                },
            },
        },
        Setting {
            key: "incarnation",
            about: "Incarnation at the start; the default is the Unix time in seconds.",
            change: "on machines without a clock, to one more than the last",
            kind: Kind::Count {
                unit: "",
                min: 0,
                max: u32::MAX as u64 - 1,
                get: |node| Some(node.options.incarnation?.0.into()),
                set: |node, number| {
                    let incarnation = u32::try_from(number).map(Incarnation);
                    incarnation.map(|it| node.options.incarnation = Some(it)).is_ok()
                },
            },
        },
        Setting {
            key: "events_max",
            about: "The most events that wait for each subscriber. Further events are lost, and \
                    the subscriber gets their number.",
            change: "if a subscriber is slow for long",
            kind: limit!(options.events_max, "events", 1),
        },
        Setting {
            key: "events_bytes_max",
            about: "The most bytes of messages, broadcasts and states that wait for each \
                    subscriber.",
            change: "for large payloads and a slow subscriber",
            kind: limit!(options.events_bytes_max, "bytes", 1),
        },
        Setting {
            key: "commands_max",
            about: "The most commands of the application that wait for the node. Callers of \
                    further commands wait.",
            change: "",
            kind: limit!(options.commands_max, "commands", 1),
        },
        Setting {
            key: "join_parallel_max",
            about: "The most addresses of one join that are dialled at the same time. Each gets \
                    the whole member list.",
            change: "to join names with many addresses",
            kind: limit!(options.join_parallel_max, "addresses", 1),
        },
        Setting {
            key: "write_buffer_max",
            about: "The most bytes that wait to be written on one stream, and on all streams that \
                    peers opened together; above reliable_size_max.",
            change: "with reliable_size_max",
            kind: limit!(options.write_buffer_max, "bytes", 1),
        },
        Setting {
            key: "links_max",
            about: "With transport = \"tcp\": the most connections to peers that are kept open. \
                    Twice as many are accepted from peers.",
            change: "in larger clusters, if enough descriptors are available: a packet without a \
                     connection has to dial",
            kind: limit!(options.links_max, "connections", 1),
        },
        Setting {
            key: "link_age_max",
            about: "With transport = \"tcp\": the age at which such a connection is replaced.",
            change: "to verify certificates again sooner",
            kind: Kind::Time {
                min: LINK_AGE_LEAST,
                max: YEAR,
                get: |node| Some(node.options.link_age_max),
                set: |node, time| node.options.link_age_max = time,
            },
        },
    ],
};

/// Reads a node's own name.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn name(text: &str) -> Result<Name, String> {
    if text.chars().any(is_unprintable) {
        return Err("a name must not contain control characters".into());
    }
    Name::new(text).map_err(|error| error.to_string())
}

/// Reads `IP:PORT`, `IP` (port 7946) or `:PORT` (every interface).
///
/// # Errors
///
/// A message that says what is wrong.
pub fn bind_address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':')
        && let Ok(port) = port.parse()
    {
        return Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    address(text, PORT_DEFAULT).ok_or_else(|| {
        "expected IP:PORT, IP or :PORT, such as 10.0.0.1:7946 or [fd00::1]:7946".to_string()
    })
}

/// Reads `IP:PORT`, or `IP` with port 0, which stands for the bound port.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn advertised_address(text: &str) -> Result<SocketAddr, String> {
    let address = address(text, 0).ok_or_else(|| {
        "expected IP:PORT or IP, such as 203.0.113.7:7946 or [fd00::1]:7946".to_string()
    })?;
    match unreachable_kind(address.ip()) {
        Some(kind) => Err(format!("peers cannot reach this node at {kind}")),
        None => Ok(address),
    }
}

/// Reads the name of a network interface.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn interface(text: &str) -> Result<String, String> {
    match text {
        "" => Err("the name of an interface must not be empty".into()),
        text => Ok(text.into()),
    }
}

/// Reads `HOST:PORT` or `HOST`, and returns it with its port.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn seed(text: &str) -> Result<String, String> {
    match text.parse::<Seed>() {
        Ok(seed) => Ok(seed.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads a label, which may be empty.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn label(text: &str) -> Result<String, String> {
    match text.len() {
        0..=LABEL_SIZE_MAX => Ok(text.into()),
        size => Err(format!("the label has {size} bytes: use at most {LABEL_SIZE_MAX} bytes")),
    }
}

/// Reads a network, or a single address.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "expected a network such as 10.1.0.0/16 or fd00::/8".into())
}

/// Reads `MIN:MAX:CURRENT`.
///
/// # Errors
///
/// A message that says what is wrong.
pub fn versions(text: &str) -> Result<VersionRange, String> {
    let expected =
        || "expected MIN:MAX:CURRENT with MIN <= CURRENT <= MAX, such as 2:5:5".to_string();
    let numbers: Vec<u8> = text
        .split(':')
        .map(|part| part.parse().map_err(|_| expected()))
        .collect::<Result<_, _>>()?;
    match *numbers {
        [min, max, current] if min <= current && current <= max => {
            Ok(VersionRange { min, max, current })
        }
        _ => Err(expected()),
    }
}

pub(super) fn shown_versions(versions: VersionRange) -> String {
    let VersionRange { min, max, current } = versions;
    format!("{min}:{max}:{current}")
}

fn text_of(bytes: &[u8]) -> Option<String> {
    any_text_of(bytes).filter(|text| !text.is_empty())
}

fn any_text_of(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

#[cfg(test)]
mod tests;
