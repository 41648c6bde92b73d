//! Clusters on virtual time: real nodes and whole drivers on a network that a test breaks.
//!
//! One file, one subject, and one program for all of them: a program more takes longer to link than
//! most tests take to run. `cargo test -p swim-sim-tests --test cluster -- healing::` runs those of
//! one file.

mod attacked;
mod attacks;
mod being_late;
mod blocking_datagrams;
mod blocking_streams;
mod broadcasting;
mod broadcasting_large;
mod clogging;
mod common;
mod comparing;
mod cutting;
mod datagrams_lost;
mod doubts;
mod drifting;
mod driver_chaos;
mod driver_hosts;
mod driver_incidents;
mod evidence;
mod failing;
mod failing_large;
mod false_deaths;
mod forming;
mod goodbyes;
mod healing;
mod hearing_nobody;
mod hooks;
mod hostile;
mod identity;
mod impairing;
mod incidents_a;
mod incidents_b;
mod joining;
mod leaving;
mod leaving_large;
mod leaving_unheard;
mod limits_of_numbers;
mod losing_datagrams;
mod losing_most;
mod memberlist_wire;
mod migrating;
mod mixed;
mod network;
mod operations;
mod packet_sizes;
mod queues;
mod refuting;
mod regressions;
mod replaying;
mod restarting;
mod searches;
mod searching;
mod simulating;
mod slow_members;
mod stalling;
mod streaming;
mod streams_only;
mod swarm;
mod talking;
mod time;
mod upgrading;
mod without_datagrams;
mod wrong_settings;
