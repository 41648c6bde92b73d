//! Input from broken or hostile peers, or from other protocols, to one bare node without a network.

#![allow(clippy::unwrap_used, reason = "test code")]

mod compression;
mod datagrams;
mod endings;
mod limits;
mod limits_of_streams;
mod peer;
mod recordings;
mod scene;
mod short_fields;
mod strangers;
mod streams;
mod tables;
mod wiretap;
mod work;
