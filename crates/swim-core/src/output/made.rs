//! Constructors of events, for tests of event handling.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::{Event, TlsFault, Via};
use crate::member::{Member, Name, State};
use crate::stats::DropReason;

/// For tests of an application's event handling. Assign any further field through a pattern:
///
/// ```
/// # use swim_core::{Event, Member, State};
/// let mut back = Event::joined(Member::new("db-1".parse()?, "10.0.0.2:7946".parse()?));
/// if let Event::Joined { previous, .. } = &mut back {
///     *previous = Some(State::Failed);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Event {
    /// Makes an [`Event::Joined`] from this node's own observation, of a member unknown before.
    #[must_use]
    pub fn joined(member: Member) -> Self {
        Event::Joined { member, previous: None, via: Via::Own }
    }

    /// Makes an [`Event::Failed`] from this node's own observation, with no delay.
    ///
    /// `accuser` is the only accuser and declared the failure.
    #[must_use]
    pub fn failed(member: Member, accuser: Name) -> Self {
        Event::Failed {
            member,
            declared_by: accuser.clone(),
            accusers: [accuser].into(),
            suspected_for: Duration::ZERO,
            via: Via::Own,
        }
    }

    /// Makes an [`Event::Left`] that came from the member itself, which was alive before.
    #[must_use]
    pub fn left(member: Member) -> Self {
        let via = Via::Packet { from: member.address };
        Event::Left { member, previous: State::Alive, via }
    }

    /// Makes an [`Event::Broadcast`] without a key.
    #[must_use]
    pub fn broadcast(origin: Name, payload: impl Into<Bytes>) -> Self {
        Event::Broadcast { origin, key: Bytes::new(), payload: payload.into() }
    }

    /// Makes an [`Event::Message`] that came over a stream (`reliable`) or in a datagram.
    #[must_use]
    pub fn message(from: Name, payload: impl Into<Bytes>, reliable: bool) -> Self {
        Event::Message { from: Some(from), payload: payload.into(), reliable }
    }

    /// Makes an [`Event::BadInput`] that came over a stream or in a datagram.
    #[must_use]
    pub fn bad_input(from: SocketAddr, reason: DropReason, stream: bool) -> Self {
        Event::BadInput { from, reason, stream }
    }

    /// Makes an [`Event::TlsFailed`] for a connection that this node dialled or accepted.
    #[must_use]
    pub fn tls_failed(peer: SocketAddr, dialled: bool, fault: TlsFault) -> Self {
        Event::TlsFailed { peer, dialled, fault }
    }

    /// Makes an [`Event::Late`].
    #[must_use]
    pub fn late(by: Duration) -> Self {
        Event::Late { by }
    }
}
