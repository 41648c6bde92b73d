//! Members, beliefs about them, and which of two beliefs wins.

use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;
use core::net::SocketAddr;

use bytes::Bytes;

/// The longest member name in bytes: the wire has one byte for its length.
pub const NAME_SIZE_MAX: usize = 255;

/// The name of a member: 1 to 255 bytes of UTF-8, unique in the cluster. Cheap to clone.
///
/// ```
/// # use swim_core::Name;
/// let name: Name = "cache-7".parse()?;
/// assert_eq!(name.as_str(), "cache-7");
/// assert!("".parse::<Name>().is_err());
/// # Ok::<(), swim_core::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Makes a name from a text of 1 to 255 bytes.
    ///
    /// # Errors
    ///
    /// Any other length.
    pub fn new(text: &str) -> Result<Self, NameError> {
        match text.len() {
            0 => Err(NameError::Empty),
            1..=NAME_SIZE_MAX => Ok(Name(text.into())),
            size => Err(NameError::TooLong { size }),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For names whose length was checked on entry, by the member table and the decoder.
    pub(crate) fn trusted(text: &str) -> Self {
        debug_assert!((1..=NAME_SIZE_MAX).contains(&text.len()));
        Name(text.into())
    }
}

impl core::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Name::new(text)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Why a text is not a member name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    Empty,
    /// The text is longer than 255 bytes.
    TooLong {
        /// Its length in bytes.
        size: usize,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Empty => f.write_str("a member name must not be empty"),
            NameError::TooLong { size } => {
                write!(f, "the member name has {size} bytes: use at most {NAME_SIZE_MAX} bytes")
            }
        }
    }
}

impl core::error::Error for NameError {}

/// A member's own version counter: only the member itself raises it, to refute or to update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u32);

impl Incarnation {
    /// The highest incarnation.
    ///
    /// No refutation can exceed it, so accusations that carry it are dropped on receipt (see
    /// [`DropReason::IncarnationExhausted`]).
    ///
    /// [`DropReason::IncarnationExhausted`]: crate::DropReason::IncarnationExhausted
    pub const MAX: Incarnation = Incarnation(u32::MAX);

    /// The next higher incarnation; saturates at [`Incarnation::MAX`].
    #[must_use]
    pub const fn next(self) -> Self {
        Incarnation(self.0.saturating_add(1))
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The state of a member in a node's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It answers, or nothing else was reported.
    Alive,
    /// A probe of it failed. Unless it refutes in time, it is declared failed.
    Suspect,
    /// It did not refute a suspicion in time.
    Failed,
    /// It left the cluster.
    Left,
}

impl State {
    /// Every state, in the order of the numbers on the wire.
    pub const ALL: [State; 4] = [State::Alive, State::Suspect, State::Failed, State::Left];

    /// Whether the state is alive or suspect.
    ///
    /// Such members are probed, receive gossip, and count in the size of the cluster.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, State::Alive | State::Suspect)
    }

    /// The word used in messages, logs and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Alive => "alive",
            State::Suspect => "suspect",
            State::Failed => "failed",
            State::Left => "left",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A state, and the incarnation that it was claimed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belief {
    /// The state.
    pub state: State,
    /// The member's incarnation that the state is about.
    pub incarnation: Incarnation,
}

impl Belief {
    /// Makes a belief in `state` at `incarnation`.
    #[must_use]
    pub const fn new(state: State, incarnation: Incarnation) -> Self {
        Belief { state, incarnation }
    }
}

/// The effect of a claim on the known belief. See [`supersedes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The claim is no news.
    Ignore,
    /// The state stays, but its incarnation rises to that of the claim, so that no evidence is
    /// lost.
    Raise,
    /// The claim replaces the known belief.
    Adopt,
}

/// Decides what a `claim` about a member does to the `known` belief: the rule of precedence.
///
/// - An older claim never wins.
/// - At the same incarnation, the later state wins, in the order alive, suspect, failed, left. A
///   leave message comes from the member itself, so it corrects an earlier failure.
/// - A newer claim always raises the incarnation. It also decides the state, except that only an
///   alive claim brings a failed or left member back.
///
/// (SWIM, section 4.2, extended by the left state and by monotone incarnations.)
///
/// ```
/// # use swim_core::{Belief, Incarnation, State, Verdict, supersedes};
/// let known = Belief::new(State::Failed, Incarnation(4));
/// let refuted = Belief::new(State::Alive, Incarnation(5));
/// assert_eq!(supersedes(refuted, known), Verdict::Adopt);
/// ```
#[must_use]
pub fn supersedes(claim: Belief, known: Belief) -> Verdict {
    use State::{Alive, Failed, Left, Suspect};
    if claim.incarnation < known.incarnation {
        return Verdict::Ignore;
    }
    if claim.incarnation == known.incarnation {
        return if claim.state > known.state { Verdict::Adopt } else { Verdict::Ignore };
    }
    match (claim.state, known.state) {
        (Alive, _) | (_, Alive) | (Failed | Left, Suspect) | (Left, Failed) | (Failed, Left) => {
            Verdict::Adopt
        }
        (Suspect, _) | (Failed, Failed) | (Left, Left) => Verdict::Raise,
    }
}

/// The versions that a member understands, and the one that it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The lowest version it understands.
    pub min: u8,
    /// The highest version it understands.
    pub max: u8,
    /// The version it uses.
    pub current: u8,
}

impl VersionRange {
    /// Whether the range is in order: `min <= current <= max`.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.min <= self.current && self.current <= self.max
    }

    /// Whether a member with this range and one with `other` share a version.
    #[must_use]
    pub const fn overlaps(self, other: VersionRange) -> bool {
        self.min <= other.max && other.min <= self.max
    }
}

/// The protocol and application versions that a member announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Versions {
    /// Versions of this protocol.
    pub protocol: VersionRange,
    /// Versions of the application, of its own choosing; all 0 by default.
    pub application: VersionRange,
}

impl Versions {
    /// The versions of this library: protocol version 1, and no application version.
    pub const DEFAULT: Versions = Versions {
        protocol: VersionRange { min: 1, max: 1, current: 1 },
        application: VersionRange { min: 0, max: 0, current: 0 },
    };

    /// The versions of this library on memberlist's wire.
    ///
    /// Protocol versions 1 to 5, using 2 as Go programs do by default, and no application version.
    pub const MEMBERLIST: Versions = Versions {
        protocol: VersionRange { min: 1, max: 5, current: 2 },
        application: VersionRange { min: 0, max: 0, current: 0 },
    };

    /// Whether both ranges are in order.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.protocol.is_valid() && self.application.is_valid()
    }

    /// Their length in bytes, in memory and on both wires.
    pub(crate) const SIZE: usize = 6;

    /// Three bytes for the protocol, then three for the application: lowest, highest, current.
    pub(crate) const fn to_bytes(self) -> [u8; Versions::SIZE] {
        let (p, a) = (self.protocol, self.application);
        [p.min, p.max, p.current, a.min, a.max, a.current]
    }

    pub(crate) const fn from_bytes(bytes: [u8; Versions::SIZE]) -> Self {
        let [p_min, p_max, p_current, a_min, a_max, a_current] = bytes;
        Versions {
            protocol: VersionRange { min: p_min, max: p_max, current: p_current },
            application: VersionRange { min: a_min, max: a_max, current: a_current },
        }
    }

    /// Whether each side understands the versions that the other side uses.
    pub(crate) const fn understand_each_other(self, other: Versions) -> bool {
        const fn understands(a: VersionRange, b: VersionRange) -> bool {
            a.min <= b.current && b.current <= a.max
        }
        understands(self.protocol, other.protocol)
            && understands(other.protocol, self.protocol)
            && understands(self.application, other.application)
            && understands(other.application, self.application)
    }

    /// Whether both ranges share a version with those of `other`.
    #[must_use]
    pub const fn overlap(self, other: Versions) -> bool {
        self.protocol.overlaps(other.protocol) && self.application.overlaps(other.application)
    }
}

impl Default for Versions {
    fn default() -> Self {
        Versions::DEFAULT
    }
}

/// A member of the cluster in one node's view, copied out of the member table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its name, unique in the cluster.
    pub name: Name,
    /// The address it announces, for datagrams and streams.
    pub address: SocketAddr,
    /// Its state in this node's view.
    pub state: State,
    /// Its incarnation, as far as this node knows.
    pub incarnation: Incarnation,
    /// Its metadata, opaque to the protocol.
    pub meta: Bytes,
    /// The versions it announces.
    pub versions: Versions,
}

impl Member {
    /// Makes an alive member with incarnation 0, no metadata and the default versions.
    ///
    /// For tests; its fields can be assigned.
    ///
    /// ```
    /// # use swim_core::{Member, State};
    /// let mut member = Member::new("db-1".parse()?, "10.0.0.2:7946".parse()?);
    /// member.state = State::Suspect;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(name: Name, address: SocketAddr) -> Self {
        Member {
            name,
            address,
            state: State::Alive,
            incarnation: Incarnation(0),
            meta: Bytes::new(),
            versions: Versions::DEFAULT,
        }
    }

    pub(crate) fn view(&self) -> MemberRef<'_> {
        MemberRef {
            name: self.name.as_str(),
            address: self.address,
            state: self.state,
            incarnation: self.incarnation,
            meta: &self.meta,
            versions: self.versions,
        }
    }
}

/// A member of the cluster, borrowed from the member table of a [`Node`](crate::Node).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberRef<'a> {
    /// Its name, unique in the cluster.
    pub name: &'a str,
    /// The address it announces, for datagrams and streams.
    pub address: SocketAddr,
    /// Its state in this node's view.
    pub state: State,
    /// Its incarnation, as far as this node knows.
    pub incarnation: Incarnation,
    /// Its metadata, opaque to the protocol.
    pub meta: &'a [u8],
    /// The versions it announces.
    pub versions: Versions,
}

impl MemberRef<'_> {
    /// Copies the member out of the table.
    #[must_use]
    pub fn to_member(&self) -> Member {
        Member {
            name: Name::trusted(self.name),
            address: self.address,
            state: self.state,
            incarnation: self.incarnation,
            meta: Bytes::copy_from_slice(self.meta),
            versions: self.versions,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State::{Alive, Failed, Left, Suspect};
    use super::Verdict::{Adopt, Ignore, Raise};
    use super::*;

    /// The claimed state, the known state, and the verdicts for a lower, equal and higher
    /// incarnation.
    const PRECEDENCE: [(State, State, [Verdict; 3]); 16] = [
        (Alive, Alive, [Ignore, Ignore, Adopt]),
        (Alive, Suspect, [Ignore, Ignore, Adopt]),
        (Alive, Failed, [Ignore, Ignore, Adopt]),
        (Alive, Left, [Ignore, Ignore, Adopt]),
        (Suspect, Alive, [Ignore, Adopt, Adopt]),
        (Suspect, Suspect, [Ignore, Ignore, Raise]),
        (Suspect, Failed, [Ignore, Ignore, Raise]),
        (Suspect, Left, [Ignore, Ignore, Raise]),
        (Failed, Alive, [Ignore, Adopt, Adopt]),
        (Failed, Suspect, [Ignore, Adopt, Adopt]),
        (Failed, Failed, [Ignore, Ignore, Raise]),
        (Failed, Left, [Ignore, Ignore, Adopt]),
        (Left, Alive, [Ignore, Adopt, Adopt]),
        (Left, Suspect, [Ignore, Adopt, Adopt]),
        (Left, Failed, [Ignore, Adopt, Adopt]),
        (Left, Left, [Ignore, Ignore, Raise]),
    ];

    #[test]
    fn precedence_of_every_claim_over_every_belief() {
        let known_at = Incarnation(7);
        for (claimed, known, verdicts) in PRECEDENCE {
            for (incarnation, expected) in [6, 7, 8].into_iter().zip(verdicts) {
                let claim = Belief::new(claimed, Incarnation(incarnation));
                let verdict = supersedes(claim, Belief::new(known, known_at));
                assert_eq!(verdict, expected, "{claimed}@{incarnation} against {known}@7");
            }
        }
    }

    #[test]
    fn two_beliefs_settle_on_one_whatever_their_order() {
        let after = |claim: Belief, known: Belief| match supersedes(claim, known) {
            Ignore => known,
            Raise => Belief::new(known.state, claim.incarnation),
            Adopt => claim,
        };
        for a in State::ALL {
            for b in State::ALL {
                let (a, b) = (Belief::new(a, Incarnation(3)), Belief::new(b, Incarnation(3)));
                assert_eq!(after(a, b), after(b, a), "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn names_have_1_to_255_bytes() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert!(Name::new(&"x".repeat(255)).is_ok());
        assert_eq!(Name::new(&"x".repeat(256)), Err(NameError::TooLong { size: 256 }));
    }

    #[test]
    fn incarnations_saturate() {
        assert_eq!(Incarnation(4).next(), Incarnation(5));
        assert_eq!(Incarnation::MAX.next(), Incarnation::MAX);
    }

    #[test]
    fn version_ranges_overlap_when_they_share_a_version() {
        let range = |min, max| VersionRange { min, max, current: max };
        assert!(range(1, 2).overlaps(range(2, 3)));
        assert!(!range(1, 2).overlaps(range(3, 4)));
        assert!(!VersionRange { min: 2, max: 3, current: 1 }.is_valid());
    }
}
