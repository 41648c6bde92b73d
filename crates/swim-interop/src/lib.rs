//! Building blocks of the interoperation tests.
//!
//! The members of a mixed cluster are processes on their own loopback addresses. Tests send them
//! commands and read their events as lines of JSON.
//!
//! [`Program`] is one of the two kinds of member, `go-peer` (memberlist, built on first use) or
//! `rust-peer` (this library). [`Peer`] is a running one. [`Serf`] and [`Alertmanager`] are
//! third-party programs. If a program is missing on this machine, its tests are reported as
//! ignored, or fail if `SWIM_INTEROP_REQUIRE` is set: see [`Missing`] and [`run_if`].
//!
//! Nothing sleeps for a fixed time. Tests wait with [`eventually`] until a condition is true. To
//! check that an event did not happen, they search the lines received up to then.
#![forbid(unsafe_code)]

mod alertmanager;
mod child;
mod go;
mod http;
mod lines;
mod missing;
mod namespace;
mod peer;
mod program;
mod seen;
mod serf;
mod settings;
mod subnet;
mod trial;
mod wait;

pub use alertmanager::Alertmanager;
pub use child::Child;
pub use lines::{Line, Lines};
pub use missing::Missing;
pub use namespace::Namespace;
pub use peer::{Payload, Peer};
pub use program::{Kind, Program};
pub use seen::{Seen, View};
pub use serf::Serf;
pub use settings::{Framing, KEY, OTHER_KEY, Settings};
pub use subnet::Subnet;
pub use trial::run_if;
pub use wait::{LIMIT, eventually, within};
