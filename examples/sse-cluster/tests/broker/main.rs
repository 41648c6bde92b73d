//! Tests of the broker: on virtual time under faults, on real runtimes, and as processes on
//! loopback.

#[cfg(unix)]
mod browser;
mod checker;
mod client;
mod health;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod killing;
#[cfg(unix)]
mod process;
mod run;
mod runtimes;
#[cfg(unix)]
mod settings;
mod simulated;
