//! What every subscriber is promised.

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

/// What one subscriber got.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    pub(crate) channel: String,
    /// Where it stood first; nothing before that is owed to it.
    began: Option<Position>,
    stands: Position,
    pub(crate) last_id: String,
    /// The texts, in order.
    got: Vec<String>,
    /// Up to where it was told that events are missing, from where.
    gaps: Vec<(Life, u64, u64)>,
    pub(crate) gaps_told: u64,
    pub(crate) complaint: Option<String>,
}

impl Subscriber {
    pub(crate) fn of(channel: &str) -> Self {
        Subscriber { channel: channel.to_owned(), ..Subscriber::default() }
    }

    /// Where it stands.
    pub(crate) fn stands(&self) -> &Position {
        &self.stands
    }

    /// Whether it got this.
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

    /// Complains of what was published on its channel by who lived to the end, and never came; and
    /// of what came twice, or out of order.
    pub(crate) fn check(&mut self, published: &[Published], living: &BTreeSet<Life>) {
        let Some(began) = &self.began else { return };
        let of_text: BTreeMap<&str, &Published> =
            published.iter().map(|it| (it.text.as_str(), it)).collect();
        let mut latest: BTreeMap<&Life, u64> = BTreeMap::new();
        for text in &self.got {
            // Of some the answer was lost on its way to their publisher.
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
