//! The program `swim` from outside: its arguments, what it prints, and how it ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod agent;
mod announced;
mod cluster;
mod common;
mod control;
mod demo;
mod settings;
mod simulate;
mod tls;
mod usage;
