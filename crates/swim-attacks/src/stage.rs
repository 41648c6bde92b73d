//! The attacked cluster: its settings, and how it forms.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use swim_core::channel::Channel;
use swim_core::{Config, Key, Keyring, Wire};
use swim_tokio::Options;

use crate::member::Member;
use crate::voice::Voice;

/// How long and how hard an attack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Size {
    /// Returns a time in seconds, by size.
    pub(crate) fn seconds(self, small: u64, large: u64) -> Duration {
        Duration::from_secs(self.of(small, large))
    }

    pub(crate) fn of<T>(self, small: T, large: T) -> T {
        match self {
            Size::Small => small,
            Size::Large => large,
        }
    }
}

/// The members' timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// The LAN profile as it is.
    Lan,
    /// Three times as fast as the local profile, so that a small run sees suspicions end.
    Quick,
}

/// A kind of cluster.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) wire: Wire,
    pub(crate) sealed: bool,
    pub(crate) pace: Pace,
    pub(crate) size: Size,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wire = if self.wire == Wire::Swim { "native" } else { "memberlist" };
        write!(f, "{wire}, {}", if self.sealed { "key" } else { "no key" })
    }
}

/// Returns the address 127.0.`a`.`b`, without a port.
pub(crate) fn loopback(a: u8, b: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, a, b), 0))
}

impl Stage {
    pub(crate) fn new(wire: Wire, sealed: bool, pace: Pace, size: Size) -> Self {
        Stage { wire, sealed, pace, size }
    }

    /// Returns the options of a member.
    pub(crate) fn options(&self, name: &str, at: SocketAddr) -> Options {
        let name = name.parse().expect("a name");
        let mut options = match self.pace {
            Pace::Lan => Options::lan(name),
            Pace::Quick => Options::local(name),
        };
        options.bind = at;
        let config = &mut options.config;
        if self.pace == Pace::Quick {
            config.probe_interval = Duration::from_millis(300);
            config.probe_timeout = Duration::from_millis(100);
            config.gossip_interval = Duration::from_millis(50);
            config.suspicion_max_mult = 2;
            config.push_pull_interval = Duration::from_secs(3);
            config.gossip_to_the_dead = Duration::from_secs(5);
        }
        if self.wire == Wire::Memberlist {
            *config = config.clone().memberlist();
        }
        if self.sealed {
            config.keyring = Keyring::new(Key::aes(&[7; 32]).expect("a size of a key"));
        }
        options
    }

    /// Returns settings to speak as a member does, with the key if there is one.
    pub(crate) fn config(&self, name: &str, at: SocketAddr) -> Config {
        self.options(name, at).config.with(|config| config.address = at)
    }

    /// Returns a voice with these settings.
    pub(crate) fn voice(&self, name: &str, at: SocketAddr) -> Voice {
        let config = self.config(name, at);
        // A repeated nonce does no harm here: the key is known.
        let seed = [at.port().to_be_bytes()[1]; 32];
        Voice::new(Channel::new(&config, seed), config)
    }

    /// Starts a member.
    pub(crate) async fn member(&self, name: &str, at: SocketAddr) -> Result<Member, String> {
        Member::start(self.options(name, at)).await
    }

    /// Starts members at 127.0.0.1, .2 and so on, and waits until all know each other.
    pub(crate) async fn cluster<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[Member; N], String> {
        self.cluster_with(names, |_| {}).await
    }

    /// Starts a cluster with changed settings, like [`cluster`](Stage::cluster).
    pub(crate) async fn cluster_with<const N: usize>(
        &self,
        names: [&str; N],
        change: impl Fn(&mut Options),
    ) -> Result<[Member; N], String> {
        let mut members = Vec::new();
        for (name, last) in names.into_iter().zip(1..) {
            let mut options = self.options(name, loopback(0, last));
            change(&mut options);
            let member = Member::start(options).await?;
            if let Some(first) = members.first() {
                let first: &Member = first;
                let joined = member.cluster.join([first.address()]).await;
                joined.map_err(|error| format!("{name} cannot join: {error}"))?;
            }
            members.push(member);
        }
        for member in &members {
            let all = member.until(Duration::from_secs(20), |it| it.live().len() >= N).await;
            all.ok_or_else(|| format!("{} does not learn of all other members", member.name()))?;
        }
        Ok(members.try_into().expect("as many as names"))
    }
}
