//! Checks the guarantees for every subscriber.

use std::collections::{BTreeMap, BTreeSet};

use sse_cluster::frame::Position;

use crate::client::Block;

/// A life of a publisher.
pub(crate) type Life = (String, u64);

/// An event that a node took.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) life: Life,
    pub(crate) number: u64,
    pub(crate) channel: String,
    pub(crate) text: String,
}

/// The events that one subscriber got.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    pub(crate) channel: String,
    /// Its first position: earlier events are not owed.
    began: Option<Position>,
    stands: Position,
    pub(crate) last_id: String,
    /// The texts, in order.
    got: Vec<String>,
    /// The reported gaps: after which number, and up to which.
    gaps: Vec<(Life, u64, u64)>,
    pub(crate) gaps_told: u64,
    pub(crate) complaint: Option<String>,
}

impl Subscriber {
    pub(crate) fn of(channel: &str) -> Self {
        Subscriber { channel: channel.to_owned(), ..Subscriber::default() }
    }

    /// Returns its position.
    pub(crate) fn stands(&self) -> &Position {
        &self.stands
    }

    /// Returns whether it got this text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.got.iter().any(|it| it == text)
    }

    pub(crate) fn take(&mut self, block: &Block, publishers: &[String]) {
        let Some(position) = Position::read(&block.id) else {
            return;
        };
        self.last_id.clone_from(&block.id);
        if self.began.is_none() {
            self.began = Some(position.clone());
        }
        for publisher in publishers {
            let (Some((life, now)), before) = (position.of(publisher), self.stands.of(publisher))
            else {
                continue;
            };
            let before = before.filter(|(of, _)| *of == life).map_or(0, |(_, number)| number);
            if now < before && self.complaint.is_none() {
                self.complaint =
                    Some(format!("it went back from {before} to {now} of {publisher}"));
            }
            if block.event == "gap" && now > before {
                self.gaps.push(((publisher.clone(), life), before, now));
            }
        }
        self.gaps_told += u64::from(block.event == "gap");
        if block.event.is_empty() && !block.data.is_empty() {
            self.got.push(block.data.clone());
        }
        self.stands = position;
    }

    /// Notes as a complaint an event of a living node that never came, came twice or came out of
    /// order.
    pub(crate) fn check(&mut self, published: &[Published], living: &BTreeSet<Life>) {
        let Some(began) = &self.began else { return };
        let of_text: BTreeMap<&str, &Published> =
            published.iter().map(|it| (it.text.as_str(), it)).collect();
        let mut latest: BTreeMap<&Life, u64> = BTreeMap::new();
        for text in &self.got {
            // Of some events, the answer to the publisher was lost.
            let Some(Published { life, number, .. }) = of_text.get(text.as_str()) else { continue };
            let before = latest.insert(life, *number).unwrap_or(0);
            if before >= *number {
                let complaint = format!("{} {number} came after {before}", life.0);
                self.complaint.get_or_insert(complaint);
            }
        }
        let got: BTreeSet<&String> = self.got.iter().collect();
        for Published { life, number, channel, text } in published {
            let owed = *channel == self.channel
                && living.contains(life)
                && began.of(&life.0).is_none_or(|(of, at)| of != life.1 || *number > at);
            let told = self
                .gaps
                .iter()
                .any(|(of, from, to)| of == life && (from + 1..=*to).contains(number));
            if owed && !got.contains(text) && !told {
                let complaint = format!("{} {number} never came on {channel}", life.0);
                self.complaint.get_or_insert(complaint);
            }
        }
    }
}
