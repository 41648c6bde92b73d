//! The process's arguments.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use swim_tokio::{Options, VersionRange};

use crate::{lines, wire};

pub(crate) type Fault = Box<dyn std::error::Error>;

/// The environment variable with the keys: hexadecimal, separated by commas, the primary key first.
const KEYS_VARIABLE: &str = "SWIM_PEER_KEYS";

pub(crate) struct Settings {
    pub(crate) options: Options,
    pub(crate) user_state: Vec<u8>,
}

impl Settings {
    /// Reads arguments of the form `-name=value`.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut given = Arguments(BTreeMap::new());
        for argument in arguments {
            let (name, value) = argument
                .strip_prefix('-')
                .and_then(|argument| argument.split_once('='))
                .ok_or_else(|| format!("{argument} is not of the form -name=value"))?;
            given.0.insert(name.to_string(), value.to_string());
        }
        let name = given.parsed("name", String::new())?.parse()?;
        let mut options = match given.parsed("profile", "local".to_string())?.as_str() {
            "local" => Options::local(name),
            "lan" => Options::lan(name),
            "wan" => Options::wan(name),
            other => return Err(format!("no profile {other}").into()),
        };
        let ip = given.parsed("bind", "127.0.0.1".to_string())?;
        options.bind = SocketAddr::new(ip.parse()?, given.parsed("port", 0)?);
        let config = &mut options.config;
        config.label = given.parsed("label", String::new())?.into();
        config.meta = given.bytes("meta")?.into();
        config.stream_ping = given.parsed("stream-ping", true)?;
        for (argument, setting) in [
            ("gossip-to-the-dead", &mut config.gossip_to_the_dead),
            ("push-pull", &mut config.push_pull_interval),
            ("stream-timeout", &mut config.stream_timeout),
        ] {
            given.change_time(argument, setting)?;
        }
        config.versions.application = given.application_versions()?;
        let keys = std::env::var(KEYS_VARIABLE).unwrap_or_default();
        let keys = keys.split(',').filter(|key| !key.is_empty());
        wire::speak_memberlist(
            config,
            &wire::Framing {
                protocol: given.parsed("protocol", 2)?,
                compression: given.parsed("compression", true)?,
                keys: keys.map(lines::from_hex).collect::<Result<_, _>>()?,
                encryption: given.parsed("encryption", "required".to_string())?,
            },
        )?;
        let user_state = given.bytes("user-state")?;
        // This library has no setting for the time after which a name may move.
        given.0.remove("reclaim");
        match given.0.into_keys().next() {
            Some(unknown) => Err(format!("no argument -{unknown}").into()),
            None => Ok(Settings { options, user_state }),
        }
    }
}

/// The arguments not read yet.
struct Arguments(BTreeMap<String, String>);

impl Arguments {
    fn parsed<T: FromStr<Err: Into<Fault>>>(&mut self, name: &str, default: T) -> Result<T, Fault> {
        self.0.remove(name).map_or(Ok(default), |value| value.parse().map_err(Into::into))
    }

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Fault> {
        Ok(lines::from_hex(&self.0.remove(name).unwrap_or_default())?)
    }

    /// Reads a time as Go writes it. Tests only give `123ms`.
    fn change_time(&mut self, name: &str, setting: &mut Duration) -> Result<(), Fault> {
        if let Some(value) = self.0.remove(name) {
            let number = value.strip_suffix("ms").ok_or("times are given in milliseconds")?;
            *setting = Duration::from_millis(number.parse()?);
        }
        Ok(())
    }

    fn application_versions(&mut self) -> Result<VersionRange, Fault> {
        let text = self.0.remove("application-versions").unwrap_or_else(|| "0,0,0".into());
        let numbers: Vec<u8> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let [min, max, current] = numbers[..] else {
            return Err(format!("{text} is not min,max,current").into());
        };
        Ok(VersionRange { min, max, current })
    }
}
