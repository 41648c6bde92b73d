//! How packets travel.

/// How packets travel: the same in the whole cluster.
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
    /// As datagrams: UDP, unless the transport is one of your own.
    #[default]
    Datagrams,
    /// Over streams alone, for networks that let no UDP through, and where TLS is to protect
    /// everything: as frames over connections that are kept, up to
    /// [`Options::links_max`](crate::Options::links_max) of them.
    ///
    /// A first packet takes a round trip longer, and a lost one holds up those behind it, so
    /// datagrams are better where they get through. The ping over a stream
    /// ([`Config::stream_ping`](crate::Config::stream_ping)) is off: it would try the same again.
    ///
    /// No member of HashiCorp memberlist's speaks this, whichever the wire.
    Streams,
}

impl Carrier {
    /// The word of the setting `transport`: `udp+tcp` or `tcp`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Carrier::Datagrams => "udp+tcp",
            Carrier::Streams => "tcp",
        }
    }
}
