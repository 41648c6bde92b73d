//! Hands keys to their new owners when members come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_channel::Receiver;
use example_lines::Lines;
use futures_lite::AsyncWriteExt;
use futures_lite::io::split;

use crate::cache::{Node, State};
use crate::request::Request;
use crate::settings::Flaw;
use crate::settings::LINE_SIZE_MAX;

/// Keys to examine under one lock. It bounds how long requests wait for the lock.
const SCAN_MAX: usize = 1000;

/// Keys to hand over at a time. It bounds the copied part of the store.
const BATCH_MAX: usize = 256;

/// Longest time for an owner to take a batch.
const BATCH_TIME_MAX: Duration = Duration::from_secs(2);

/// Pause before keys that an owner did not take are offered again: between this and twice this.
const AGAIN: Duration = Duration::from_millis(200);

type Pair = (String, String);

/// Keys that other nodes own, by the owner's address.
#[derive(Default)]
struct Batch {
    pairs: BTreeMap<SocketAddr, Vec<Pair>>,
    /// The last key examined; none if no key is left.
    last: Option<String>,
}

impl Node {
    /// Hands keys over whenever members have changed, in a loop.
    pub(crate) async fn hand_over(&self, rung: Receiver<()>) {
        loop {
            if self.pass().await {
                let _ = rung.recv().await;
            } else {
                let jitter =
                    AGAIN * u32::try_from(self.runtime.random() % 1000).unwrap_or(0) / 1000;
                let _ = self.runtime.timeout(AGAIN + jitter, rung.recv()).await;
            }
        }
    }

    /// Waits until this node has no keys, or no peer to take them.
    pub(crate) async fn is_handed_over(&self) {
        /// How often to check.
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let has_more = || {
            let state = self.state();
            state.store.len() > 0 && !state.peers.is_empty()
        };
        let _ = self.bell.try_send(());
        while has_more() && self.flaw != Flaw::LeavesWithKeys {
            self.runtime.sleep(LOOK_EVERY).await;
        }
    }

    /// Offers each misplaced key to its owner. Returns whether all were taken.
    async fn pass(&self) -> bool {
        let (mut after, mut failed) = (String::new(), BTreeSet::new());
        loop {
            if self.flaw == Flaw::KeepsKeys
                || (self.flaw == Flaw::LeavesWithKeys && self.state().leaving)
            {
                return true;
            }
            let batch = self.state().misplaced(&after, &failed);
            for (to, pairs) in batch.pairs {
                let giving = self.give(to, &pairs);
                let taken = self.runtime.timeout(BATCH_TIME_MAX, giving).await;
                if !matches!(taken, Ok(Ok(true))) {
                    failed.insert(to);
                }
            }
            match batch.last {
                Some(last) => after = last,
                None => return failed.is_empty(),
            }
        }
    }

    /// Offers keys to their owner, and removes those that it takes. Returns whether all were taken.
    async fn give(&self, to: SocketAddr, pairs: &[Pair]) -> io::Result<bool> {
        let (reader, mut writer) = split(self.runtime.connect(to).await?);
        let (mut lines, mut are_taken) = (Lines::new(reader, LINE_SIZE_MAX), true);
        let mut bytes = String::new();
        for (key, value) in pairs {
            let (key, value) = (key.clone(), value.clone());
            bytes.push_str(&format!("{}\n", Request::Take { key, value }));
        }
        writer.write_all(bytes.as_bytes()).await?;
        for (key, value) in pairs {
            let answer = lines.next().await.map_err(io::Error::other)?;
            let answer = answer.ok_or(io::ErrorKind::UnexpectedEof)?;
            are_taken &= answer == "OK";
            let mut state = self.state();
            // A key that was set meanwhile stays, and is offered again.
            if answer == "OK" && state.store.remove_if(key, value) {
                state.counts.moved_out += 1;
            }
        }
        Ok(are_taken)
    }
}

impl State {
    /// Returns some keys after this one that other nodes own, except for owners at these addresses.
    fn misplaced(&self, after: &str, without: &BTreeSet<SocketAddr>) -> Batch {
        let mut batch = Batch::default();
        let mut number = 0;
        for (looked_at, (key, value)) in self.store.after(after).enumerate() {
            if let Some((_, Some(address))) = self.owner(key)
                && !without.contains(&address)
            {
                batch.pairs.entry(address).or_default().push((key.to_owned(), value.to_owned()));
                number += 1;
            }
            if number >= BATCH_MAX || looked_at >= SCAN_MAX {
                batch.last = Some(key.to_owned());
                break;
            }
        }
        batch
    }
}
