//! How packets travel.

/// How packets travel. Must be the same in the whole cluster.
///
/// ```
/// # use swim_driver::{Carrier, Options};
/// let mut options = Options::lan("a".parse()?);
/// options.transport = Carrier::Streams; // this network lets no UDP through
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Carrier {
    /// As datagrams: UDP, unless the application brings its own transport.
    #[default]
    Datagrams,
    /// Over streams alone, for networks that block UDP, or for TLS to protect all traffic.
    ///
    /// Packets travel as frames over connections that are kept: links, at most
    /// [`Options::links_max`](crate::Options::links_max). The first packet takes an extra round
    /// trip, and a lost one delays those behind it. So prefer datagrams if they get through. The
    /// ping over a stream ([`Config::stream_ping`](crate::Config::stream_ping)) is off: it would
    /// repeat the same attempt.
    ///
    /// HashiCorp memberlist does not support this, whichever wire is set.
    Streams,
}

impl Carrier {
    /// The word in the setting `transport`: `udp+tcp` or `tcp`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Carrier::Datagrams => "udp+tcp",
            Carrier::Streams => "tcp",
        }
    }
}
