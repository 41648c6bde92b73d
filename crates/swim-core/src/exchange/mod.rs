//! Exchanges over streams: joins, push/pulls, pings of a probe, and reliable messages. Which
//! streams are open, how long they may take and how much they may hold, and when views are
//! exchanged.
//!
//! On every stream each side sends one part and then ends it. An [`Exchange`] writes this node's
//! part, and returns the peer's once it is complete ([`Exchange::receive`]).

mod answering;
mod blocked;
mod check;
mod departing;
mod pace;
mod push_pull;
mod repairing;
mod room;
mod streams;
mod table;

use core::time::Duration;

use bytes::Bytes;

use crate::budget::Budget;
use crate::config::Config;
use crate::time::Instant;

use blocked::Blocked;
use room::Reports;
pub(crate) use streams::Arrived;
pub(crate) use table::Purpose;
use table::Table;

/// How often this node tells everything to a node that asks and does not join: two a second at
/// most. A table of 100,000 members takes some 10 ms to write, so that hundred such questions at
/// once would keep the node from everything else for a second.
const TABLE_INTERVAL: Duration = Duration::from_millis(500);

/// The exchanges of a node.
#[derive(Debug)]
pub(crate) struct Exchange {
    table: Table,
    /// Which shortages were reported lately.
    reports: Reports,
    /// To whom no stream gets through.
    blocked: Blocked,
    /// Large tables that may be told.
    tables: Budget,
    /// When views are exchanged with a random member.
    push_pull_due: Instant,
    /// Not before then is a difference of views repaired by another push/pull.
    next_repair: Instant,
    /// How long to wait after the next repair.
    repair_patience: Duration,
    /// On memberlist's wire: what this node saw when it last began to tell it over streams, and how
    /// many are yet to be told.
    told_view: u64,
    tellings_left: usize,
    /// What the application gives in every push/pull.
    user_state: Bytes,
}

impl Exchange {
    /// No exchange yet.
    pub(crate) fn new(now: Instant, config: &Config) -> Self {
        Exchange {
            table: Table::default(),
            reports: Reports::default(),
            blocked: Blocked::default(),
            tables: Budget::new(1, TABLE_INTERVAL),
            push_pull_due: Instant::NEVER,
            next_repair: now,
            repair_patience: config.probe_interval,
            told_view: 0,
            tellings_left: 0,
            user_state: Bytes::new(),
        }
    }

    /// Exchanges views periodically, for the first time after this delay.
    pub(crate) fn start(&mut self, now: Instant, config: &Config, first: Duration) {
        if !config.push_pull_interval.is_zero() {
            self.push_pull_due = now + first;
        }
    }

    /// Exchanges views no more.
    pub(crate) fn stop_push_pulls(&mut self) {
        self.push_pull_due = Instant::NEVER;
    }

    /// Sets what is given in every push/pull.
    pub(crate) fn set_user_state(&mut self, state: Bytes) {
        self.user_state = state;
    }

    /// How many streams are open.
    pub(crate) fn streams_open(&self) -> usize {
        self.table.len()
    }

    /// When the periodic push/pull is due, [`Instant::NEVER`] if there is none.
    #[inline]
    pub(crate) fn push_pull_due(&self) -> Instant {
        self.push_pull_due
    }

    /// When the first stream has taken too long.
    #[inline]
    pub(crate) fn next_stream_deadline(&self) -> Instant {
        self.table.next_deadline()
    }
}
