//! Members of this build: in one cluster, and with foreign packets.

#![allow(clippy::unwrap_used, reason = "test code")]

mod cluster;
mod foreign;
mod wishes;
