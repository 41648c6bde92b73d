//! What the interoperation tests are made of: members of a mixed cluster as processes on loopback
//! addresses of their own, told what to do and heard over lines of JSON.
//!
//! [`Program`] is one of the two kinds of member, `go-peer` (memberlist, built on the first use) or
//! `rust-peer` (this library); [`Peer`] is a running one. [`Serf`] and [`Alertmanager`] are
//! programs that nobody here wrote. Where something is missing on this machine a test is reported
//! as ignored, or fails if `SWIM_INTEROP_REQUIRE` is set: see [`Missing`] and [`run_if`].
//!
//! Nothing here sleeps for a fixed time: whatever should become true is waited for with
//! [`eventually`], whatever must not happen is asked of what was heard until something else did.
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
