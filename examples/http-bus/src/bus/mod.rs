//! The decisions of one node: which messages it keeps, and to which members it hands them. Nothing
//! here waits.

mod envelope;
mod kept;
mod machine;
mod message;
mod ring;
mod window;

pub(crate) use envelope::Envelope;
pub(crate) use kept::Found;
pub(crate) use machine::{Bus, Refusal, Taken};
pub use message::{Id, Message, PAYLOAD_SIZE_MAX, Peer};
pub use window::PUBLISHED_MAX;
