//! Who is let in, and how an agent speaks: the wire, labels, keys, networks.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use swim_tokio::{Config, IpNet, VersionRange};

use crate::cli::LABEL_SIZE_MAX;
use crate::keys;

/// Arguments of `swim agent` about who is let in.
#[derive(Args, Debug, Default)]
pub(crate) struct AccessArgs {
    /// The format of packets and streams, the same in the whole cluster; 'swim' unless given
    #[arg(long, value_enum, value_name = "WIRE")]
    pub(crate) wire: Option<WireArg>,

    /// Another label that is accepted as well, '' for none at all: while a running cluster is
    /// moved from one label to another
    #[arg(long, value_name = "LABEL", value_parser = parse_label)]
    pub(crate) label_also: Option<String>,

    /// Encrypt with the keys in this file: one per line, the first seals; '#' starts a comment.
    /// Or set SWIM_KEY to keys with commas between. Make one with 'swim keygen'
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// With keys: take also what is not encrypted, while a cluster is moved to encryption
    #[arg(long)]
    pub(crate) no_verify_incoming: bool,

    /// With keys: do not encrypt yet, while a cluster is moved to encryption
    #[arg(long)]
    pub(crate) no_verify_outgoing: bool,

    /// Let in only members of this network, such as 10.1.0.0/16; may be given several times
    #[arg(long, value_name = "CIDR", value_parser = parse_network)]
    pub(crate) allow_network: Vec<IpNet>,

    /// Compress what that makes shorter: on memberlist's wire on unless given, on this program's
    /// own, where it acts on datagrams alone, off. What comes in compressed is read in any case
    #[arg(long, value_name = "on|off", action = ArgAction::Set, value_parser = parse_switch)]
    pub(crate) compression: Option<bool>,

    /// Versions of the application on top (memberlist: "delegate" versions), such as 2:5:5 where
    /// Serf runs; all 0 unless given
    #[arg(long, value_name = "MIN:MAX:CURRENT", value_parser = parse_versions)]
    pub(crate) application_versions: Option<VersionRange>,
}

/// A format of packets and streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WireArg {
    /// This program's own
    Swim,
    /// That of HashiCorp memberlist, to be in one cluster with Go programs such as Serf
    Memberlist,
}

impl AccessArgs {
    /// Changes the settings as these arguments say, with the cluster's label. Gives what the user
    /// should know of it.
    pub(crate) fn apply(
        &self,
        cluster: Option<&str>,
        config: &mut Config,
    ) -> Result<Option<String>, String> {
        match self.wire {
            Some(WireArg::Memberlist) => *config = config.clone().memberlist(),
            Some(WireArg::Swim) | None if cluster.is_none() => {
                return Err("--cluster <LABEL> is missing, which only --wire memberlist does \
                            without (see 'swim agent --help')"
                    .into());
            }
            Some(WireArg::Swim) | None => {}
        }
        let (ring, warning) = keys::ring(self.key_file.as_deref(), keys::variable()?)?;
        config.label = cluster.unwrap_or_default().to_string().into();
        config.label_also = self.label_also.clone().map(Into::into);
        config.keyring = ring;
        config.verify_incoming = !self.no_verify_incoming;
        config.verify_outgoing = !self.no_verify_outgoing;
        config.allowed_networks.clone_from(&self.allow_network);
        if let Some(on) = self.compression {
            config.compression = on;
        }
        if let Some(versions) = self.application_versions {
            config.versions.application = versions;
        }
        Ok(warning)
    }
}

/// Unlike that of `--cluster` it may be empty.
fn parse_label(text: &str) -> Result<String, String> {
    match text.len() {
        0..=LABEL_SIZE_MAX => Ok(text.into()),
        size => Err(format!("a label has at most {LABEL_SIZE_MAX} bytes, this one has {size}")),
    }
}

/// A network, or a single address.
fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "expected a network such as 10.1.0.0/16 or fd00::/8".into())
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected on or off".into()),
    }
}

fn parse_versions(text: &str) -> Result<VersionRange, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses() {
        for (text, network) in [
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(parse_network(text).unwrap().to_string(), network);
        }
        for text in ["", "10.1", "10.0.0.0/33", "everywhere"] {
            assert!(parse_network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn application_versions_are_in_order() {
        assert_eq!(parse_versions("2:5:5"), Ok(VersionRange { min: 2, max: 5, current: 5 }));
        for text in ["", "1", "1:2", "5:2:4", "2:5:6", "2:5:1", "a:b:c", "0:300:1", "1:2:2:2"] {
            assert!(parse_versions(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_can_be_left_away_on_memberlists_wire_alone() {
        let config = || Config::lan("a".parse().unwrap(), "127.0.0.1:1".parse().unwrap());
        let access = |wire| AccessArgs { wire, ..AccessArgs::default() };
        for wire in [None, Some(WireArg::Swim)] {
            let told = access(wire).apply(None, &mut config()).unwrap_err();
            assert!(told.contains("--cluster <LABEL>"), "{told}");
        }
        let mut changed = config();
        access(Some(WireArg::Memberlist)).apply(None, &mut changed).unwrap();
        assert_eq!(changed, config().memberlist());
    }
}
