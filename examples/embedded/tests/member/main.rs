//! Members of this build: in one cluster, and before packets of others.

#![allow(clippy::unwrap_used, reason = "test code")]

mod cluster;
mod foreign;
mod wishes;
