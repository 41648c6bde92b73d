//! Exchanges over streams: joins, push/pulls, pings of a probe, and reliable messages. Keeps the
//! open streams with their deadlines and memory, and schedules push/pulls.
//!
//! On every stream each side sends one part and then ends its side. An [`Exchange`] writes this
//! node's part, and returns the peer's part once it is complete ([`Exchange::receive`]).

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

/// The interval at which the whole table is sent to nodes that ask without joining. A table of
/// 100,000 members takes about 10 ms to write, so a hundred requests at once would block the node
/// for a second.
const TABLE_INTERVAL: Duration = Duration::from_millis(500);

/// The exchanges of a node.
#[derive(Debug)]
pub(crate) struct Exchange {
    table: Table,
    /// The shortages that were reported lately.
    reports: Reports,
    /// Members that no stream reaches.
    blocked: Blocked,
    /// How many large tables may be sent now.
    tables: Budget,
    /// The time of the next push/pull with a random member.
    push_pull_due: Instant,
    /// The earliest time for another push/pull to repair a difference of views.
    next_repair: Instant,
    /// The wait after the next repair.
    repair_patience: Duration,
    /// How many of the last probed peers, one after the other, had this node's view; at most 3.
    agreements: u8,
    /// On memberlist's wire: this node's view when it last began to send it over streams, and how
    /// many members still get it.
    told_view: u64,
    tellings_left: usize,
    /// The application state for every push/pull.
    user_state: Bytes,
}

impl Exchange {
    /// Starts without any exchange.
    pub(crate) fn new(now: Instant, config: &Config) -> Self {
        Exchange {
            table: Table::default(),
            reports: Reports::default(),
            blocked: Blocked::default(),
            tables: Budget::new(1, TABLE_INTERVAL),
            push_pull_due: Instant::NEVER,
            next_repair: now,
            repair_patience: config.probe_interval,
            agreements: 0,
            told_view: 0,
            tellings_left: 0,
            user_state: Bytes::new(),
        }
    }

    /// Schedules the periodic push/pull, first after this delay.
    pub(crate) fn start(&mut self, now: Instant, config: &Config, first: Duration) {
        if !config.push_pull_interval.is_zero() {
            self.push_pull_due = now + first;
        }
    }

    /// Stops the periodic push/pull.
    pub(crate) fn stop_push_pulls(&mut self) {
        self.push_pull_due = Instant::NEVER;
    }

    /// Sets the application state for every push/pull.
    pub(crate) fn set_user_state(&mut self, state: Bytes) {
        self.user_state = state;
    }

    /// The number of open streams.
    pub(crate) fn streams_open(&self) -> usize {
        self.table.len()
    }

    /// The time of the next periodic push/pull; [`Instant::NEVER`] if there is none.
    #[inline]
    pub(crate) fn push_pull_due(&self) -> Instant {
        self.push_pull_due
    }

    /// The earliest deadline of a stream.
    #[inline]
    pub(crate) fn next_stream_deadline(&self) -> Instant {
        self.table.next_deadline()
    }
}
