//! The agent's wire, labels, keys and allowed networks.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use swim_tokio::settings::{self, Settings, Value};
use swim_tokio::{Carrier, Encryption};

use crate::settings::written;

/// Arguments of `swim agent` about access and the wire.
#[derive(Args, Debug, Default)]
pub(crate) struct AccessArgs {
    /// Format of packets and streams, the same in the whole cluster [default: swim]
    #[arg(long, value_enum, value_name = "WIRE")]
    pub(crate) wire: Option<WireArg>,

    /// How packets travel, the same in the whole cluster [default: udp+tcp]
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    pub(crate) transport: Option<TransportArg>,

    /// Second label to accept; '' accepts traffic without a label
    ///
    /// Use it to change the label of a running cluster.
    #[arg(long, value_name = "LABEL", value_parser = settings::label)]
    pub(crate) label_also: Option<String>,

    /// Encrypt with the keys in this file (or in SWIM_KEY); create one with 'swim keygen'
    ///
    /// One key per line; the first is the primary key. '#' starts a comment. In SWIM_KEY, commas
    /// separate the keys.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    /// Accept key files that other users can read, such as mounted secrets
    #[arg(long)]
    pub(crate) allow_shared_key_file: bool,

    /// Use TLS for streams; verify peers against the CA certificates in this file
    ///
    /// Needs --tls-certificate and --tls-key. TLS does not protect datagrams: use --key-file.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,

    /// This member's certificate chain, for client and server use
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_certificate: Option<PathBuf>,

    /// Private key of the certificate
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Refuse peers whose member name is not a DNS name of their certificate
    #[arg(long)]
    pub(crate) tls_verify_name: bool,

    /// Encryption mode while a running cluster starts to encrypt [default: required]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) encryption: Option<EncryptionArg>,

    /// Admit only members in this network (10.1.0.0/16); may be given several times
    #[arg(long, value_name = "CIDR", value_parser = written(settings::network))]
    pub(crate) allow_network: Vec<String>,

    /// Compress if that saves bytes [default: off; on with --wire memberlist]
    ///
    /// On the native wire only datagrams are compressed. Compressed input is always accepted.
    #[arg(long, value_name = "on|off", action = ArgAction::Set, value_parser = parse_switch)]
    pub(crate) compression: Option<bool>,

    /// Application versions to announce, such as 2:5:5 for Serf [default: 0:0:0]
    ///
    /// memberlist calls them "delegate" versions.
    #[arg(long, value_name = "MIN:MAX:CURRENT", value_parser = written(settings::versions))]
    pub(crate) application_versions: Option<String>,
}

/// A format of packets and streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WireArg {
    /// Native wire
    Swim,
    /// Wire of HashiCorp memberlist, to join Go programs such as Serf
    Memberlist,
}

impl WireArg {
    /// The value in settings.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            WireArg::Swim => "swim",
            WireArg::Memberlist => "memberlist",
        }
    }
}

/// How packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TransportArg {
    /// Datagrams over UDP, streams over TCP
    #[value(name = "udp+tcp")]
    UdpTcp,
    /// Everything over persistent TCP connections, for networks that block UDP
    Tcp,
}

impl From<TransportArg> for Carrier {
    fn from(given: TransportArg) -> Self {
        match given {
            TransportArg::UdpTcp => Carrier::Datagrams,
            TransportArg::Tcp => Carrier::Streams,
        }
    }
}

/// The encryption mode of a node with keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncryptionArg {
    /// Send plaintext, accept both
    Off,
    /// Send encrypted, accept both
    Outgoing,
    /// Send encrypted, accept only encrypted
    Required,
}

impl From<EncryptionArg> for Encryption {
    fn from(given: EncryptionArg) -> Self {
        match given {
            EncryptionArg::Off => Encryption::Off,
            EncryptionArg::Outgoing => Encryption::Outgoing,
            EncryptionArg::Required => Encryption::Required,
        }
    }
}

impl AccessArgs {
    /// Adds the given flags to the layers of settings.
    pub(crate) fn add_to(&self, settings: &mut Settings) {
        let mut add = |table, key, flag, value: Option<Value>| {
            if let Some(value) = value {
                settings.add_flag(table, key, flag, value);
            }
        };
        let bare = |text: &str| Value::Bare(text.into());
        let text = |text: &Option<String>| text.as_deref().map(bare);
        let wire = self.wire.map(|wire| bare(wire.as_str()));
        add("protocol", "wire", "--wire", wire);
        let transport = self.transport.map(|it| bare(Carrier::from(it).as_str()));
        add("node", "transport", "--transport", transport);
        add("node", "label_also", "--label-also", text(&self.label_also));
        let path = |it: &Option<PathBuf>| it.as_ref().map(|it| bare(&it.display().to_string()));
        add("node", "key_file", "--key-file", path(&self.key_file));
        add("node", "tls_ca", "--tls-ca", path(&self.tls_ca));
        add("node", "tls_certificate", "--tls-certificate", path(&self.tls_certificate));
        add("node", "tls_key", "--tls-key", path(&self.tls_key));
        let verify_name = self.tls_verify_name.then_some(Value::Flag(true));
        add("node", "tls_verify_name", "--tls-verify-name", verify_name);
        let allow = self.allow_shared_key_file.then_some(Value::Flag(true));
        add("node", "allow_shared_key_file", "--allow-shared-key-file", allow);
        let encryption = self.encryption.map(|it| bare(Encryption::from(it).as_str()));
        add("node", "encryption", "--encryption", encryption);
        let networks = Value::List(self.allow_network.iter().map(|it| bare(it)).collect());
        let networks = (!self.allow_network.is_empty()).then_some(networks);
        add("node", "allowed_networks", "--allow-network", networks);
        add("protocol", "compression", "--compression", self.compression.map(Value::Flag));
        let versions = text(&self.application_versions);
        add("node", "application_versions", "--application-versions", versions);
    }
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected on or off".into()),
    }
}
