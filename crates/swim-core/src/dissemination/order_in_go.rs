//! The order of the queue, compared with that of a Go member.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::queue::{Queue, Subject, Ticket, Tier, Waiter};
use crate::channel::Channel;
use crate::config::Config;
use crate::members::Slot;
use crate::numbers::{config, number, size, vectors};
use crate::stats::{MessageCounts, MessageKind};

/// Steps, counted from 1, at which the queue gives out something else.
const QUEUE_DIFFERENCES: &[(usize, &str)] = &[
    (5, "of those sent equally often the newest goes first, not the longest"),
    (6, "B has waited since step 5"),
    (10, "of those sent twice, E is newer than C"),
    (11, "the same messages, the newest first"),
    (14, "the same messages, the newest first"),
];

/// A queue, and the names under which one update replaces another.
#[derive(Default)]
struct Named {
    queue: Queue,
    places: BTreeMap<String, u32>,
}

impl Named {
    fn push(&mut self, name: &str, tag: &str, size: usize) {
        if let Some(place) = self.places.remove(name) {
            self.queue.remove(place);
        }
        let mut bytes = tag.as_bytes().to_vec();
        bytes.resize(size, b'.');
        let ticket = Ticket {
            subject: Subject::Member(Slot::LOCAL),
            kind: MessageKind::Alive,
            waiter: Waiter::Nobody,
        };
        let place = self.queue.push(Bytes::from(bytes), Tier::Normal, ticket);
        self.places.insert(name.to_owned(), place);
    }

    /// The messages that fit, each as its tag and its length.
    fn get(&mut self, room: usize, limit: u32) -> Vec<String> {
        let mut channel = Channel::new(&config(), [0; 32]);
        let (mut packet, mut finished) = (channel.datagram(), Vec::new());
        self.queue.fill(&mut packet, room, limit, &mut MessageCounts::default(), &mut finished);
        for done in finished {
            self.places.retain(|_, place| *place != done.place);
        }
        let messages = packet.text().chunk_by(|_, next| *next == b'.');
        messages.map(|m| format!("{}{}", char::from(m[0]), m.len())).collect()
    }
}

#[test]
fn the_queue_gives_out_what_it_gives_out_in_go() {
    for vector in vectors().iter().filter(|vector| vector["steps"].is_array()) {
        let mult = u32::try_from(number(vector, "retransmit_mult")).unwrap();
        let config = Config { retransmit_mult: mult, ..config() };
        let limit = config.transmissions(size(vector, "num_nodes"));
        let (mut named, mut differences) = (Named::default(), Vec::new());
        for (count, step) in (1..).zip(vector["steps"].as_array().unwrap()) {
            let text = |field: &str| step[field].as_str().unwrap();
            if step["op"] == "queue" {
                named.push(text("name"), text("tag"), size(step, "len"));
            } else {
                assert_eq!(number(step, "overhead"), 2);
                let got = named.get(size(step, "limit"), limit);
                let expected = step["got"].as_array().unwrap();
                let same = got.iter().eq(expected.iter().map(|text| text.as_str().unwrap()));
                if !same || named.queue.len() != size(step, "queued") {
                    differences.push((count, got));
                }
            }
        }
        let found: Vec<usize> = differences.iter().map(|(step, _)| *step).collect();
        let listed: Vec<usize> = QUEUE_DIFFERENCES.iter().map(|(step, _)| *step).collect();
        assert_eq!(found, listed, "{differences:?}");
    }
}
