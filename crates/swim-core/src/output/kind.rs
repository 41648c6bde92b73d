//! The kinds of events, and the members that events are about.

use super::Event;
use crate::member::{Member, Name};

/// Names each kind once, for the list and for the match.
macro_rules! kinds {
    ($($variant:ident => $name:literal,)*) => {
        impl Event {
            /// All kinds of events, as [`kind`](Event::kind) names them.
            pub const KINDS: &'static [&'static str] = &[$($name),*];

            /// The kind of event in `snake_case`, for logs and JSON. Stable across releases.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Event::$variant { .. } => $name,)*
                }
            }
        }
    };
}

kinds! {
    Joined => "joined",
    Updated => "updated",
    Suspected => "suspected",
    Confirmed => "confirmed",
    Refuted => "refuted",
    Failed => "failed",
    Left => "left",
    Unlisted => "unlisted",
    Accused => "accused",
    HealthChanged => "health_changed",
    AckPayload => "ack_payload",
    DatagramsBlocked => "datagrams_blocked",
    StreamsBlocked => "streams_blocked",
    Broadcast => "broadcast",
    Message => "message",
    UserState => "user_state",
    Isolated => "isolated",
    HeardAgain => "heard_again",
    AddressUnreachable => "address_unreachable",
    Late => "late",
    NameTaken => "name_taken",
    NameConflict => "name_conflict",
    BadInput => "bad_input",
    StreamsShort => "streams_short",
    KeyWearsOut => "key_wears_out",
    TlsFailed => "tls_failed",
}

impl Event {
    /// The member that the event carries, as this node sees it.
    #[must_use]
    pub const fn member(&self) -> Option<&Member> {
        match self {
            Event::Joined { member, .. }
            | Event::Updated { member, .. }
            | Event::Suspected { member, .. }
            | Event::Refuted { member, .. }
            | Event::Failed { member, .. }
            | Event::Left { member, .. }
            | Event::Unlisted { member, .. }
            | Event::DatagramsBlocked { member, .. }
            | Event::StreamsBlocked { member, .. } => Some(member),
            _ => None,
        }
    }

    /// The name of the member that the event is about.
    ///
    /// A message or broadcast is about none: it has a sender.
    #[must_use]
    pub const fn subject(&self) -> Option<&Name> {
        match self {
            Event::Confirmed { name, .. }
            | Event::AckPayload { name, .. }
            | Event::NameConflict { name, .. } => Some(name),
            _ => match self.member() {
                Some(member) => Some(&member.name),
                None => None,
            },
        }
    }
}
