//! One side's complete part of an exchange on memberlist's wire.

use super::stream::{StreamMessage, TableMembers, decode_scanned};
use crate::stats::DropReason;
use crate::wire::{NameClaim, Opening, Scope, User};

/// The subject of the exchange.
pub(crate) fn opening(text: &[u8], port: u16) -> Result<Opening<'_>, DropReason> {
    Ok(match decode_scanned(text, port)? {
        StreamMessage::Ping(ping) => Opening::Ping(ping),
        StreamMessage::Ack(ack) => Opening::Ack { sequence: ack.sequence, view: 0 },
        StreamMessage::User { payload } => {
            Opening::User(User { from: "", payload, envelope: None })
        }
        StreamMessage::PushPull(table) => {
            let scope = if table.join { Scope::Join } else { Scope::Full };
            Opening::PushPull { scope, view: 0, claim: NameClaim::Claimed }
        }
        StreamMessage::Error(text) => Opening::Complaint(text),
    })
}

/// The members in a push/pull.
pub(crate) fn members(text: &[u8], port: u16) -> Option<TableMembers<'_>> {
    match decode_scanned(text, port) {
        Ok(StreamMessage::PushPull(table)) => Some(table.members()),
        _ => None,
    }
}

/// The sender's application state in a push/pull.
pub(crate) fn user_state(text: &[u8], port: u16) -> Result<&[u8], DropReason> {
    match decode_scanned(text, port)? {
        StreamMessage::PushPull(table) => Ok(table.user_state),
        _ => Ok(&[]),
    }
}
