//! Checks the guarantees against the journal.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::journal::{Ending, Heard, LifeNotes, Notes};

/// Returns the violations of guarantees as text, and how many messages subscribers were owed.
pub(crate) fn check(notes: &Notes) -> (Vec<String>, u64) {
    let (mut found, mut owed) = (Vec::new(), 0);
    for (number, subscriber) in notes.lives.iter().enumerate() {
        for took in &subscriber.slow {
            found.push(format!("a message to {} was answered after {took:?}", subscriber.name));
        }
        let mut check = Check { notes, number, subscriber, streams: BTreeMap::new(), owed: 0 };
        found.extend(check.run());
        owed += check.owed;
    }
    (found, owed)
}

/// The messages of one life of a publisher, as one subscriber heard them.
#[derive(Default)]
struct Stream {
    last: Option<u64>,
    /// Gaps after the last message.
    gaps: u64,
    /// Numbers that arrived, or that gaps account for.
    covered: Vec<Range<u64>>,
    /// Set when, after the last message, a notice said that messages may be missing.
    end_told: bool,
}

impl Stream {
    /// Returns whether a number arrived, or a gap accounts for it. If only gaps arrived, they may
    /// account for any number.
    fn covers(&self, seq: u64) -> bool {
        let trailing = self.last.map_or(0, |last| last + 1);
        let gaps_at_end = trailing..trailing + self.gaps;
        self.covered.iter().any(|range| range.contains(&seq))
            || (self.gaps > 0 && (self.last.is_none() || gaps_at_end.contains(&seq)))
    }
}

/// The check of one subscriber.
struct Check<'a> {
    notes: &'a Notes,
    number: usize,
    subscriber: &'a LifeNotes,
    /// By the number of the publisher's life.
    streams: BTreeMap<usize, Stream>,
    owed: u64,
}

impl Check<'_> {
    fn run(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        // The current life of each publisher, and the gaps since its last message.
        let mut current: BTreeMap<&str, usize> = BTreeMap::new();
        let mut gaps: BTreeMap<&str, u64> = BTreeMap::new();
        for heard in &self.subscriber.heard {
            match heard {
                Heard::Message { publisher, seq, text } => {
                    let life = self.life_of(publisher, text);
                    let before = current.insert(publisher, life);
                    if before.is_some_and(|before| before > life) {
                        found.push(self.tell(format_args!("{text} came after a later life")));
                    }
                    let gaps = gaps.remove(publisher.as_str()).unwrap_or(0);
                    found.extend(self.message(life, *seq, text, gaps));
                }
                Heard::Gap { publisher, missing: 0 } => {
                    if let Some(life) = current.get(publisher.as_str()) {
                        self.streams.entry(*life).or_default().end_told = true;
                    }
                }
                // A gap is reported right before the message that shows it, and belongs to the same
                // life.
                Heard::Gap { publisher, missing } => {
                    *gaps.entry(publisher).or_default() += missing;
                }
                Heard::End(line) => {
                    if self.subscriber.end.is_none() {
                        found.push(self.tell(format_args!("lost its connection: {line}")));
                    }
                }
            }
        }
        if self.subscriber.end.is_none() {
            for (number, publisher) in self.notes.lives.iter().enumerate() {
                let stream = self.streams.entry(number).or_default();
                stream.gaps = gaps.get(publisher.name.as_str()).copied().unwrap_or(0);
                found.extend(self.completeness(number, publisher));
            }
        }
        found
    }

    fn message(&mut self, life: usize, seq: u64, text: &str, gaps: u64) -> Option<String> {
        let stream = self.streams.entry(life).or_default();
        stream.end_told = false;
        let last = stream.last.replace(seq);
        stream.covered.push(seq.saturating_sub(gaps)..seq + 1);
        let taken = &self.notes.lives[life].taken;
        if let Some(taken) = taken.iter().find(|taken| taken.seq == seq)
            && taken.text != text
        {
            return Some(self.tell(format_args!("{text} is not what was taken as {seq}")));
        }
        let last = last?;
        if seq <= last {
            return Some(self.tell(format_args!(
                "{text} with number {seq} came after number {last}: again or out of order"
            )));
        }
        let missing = seq - last - 1;
        (missing != gaps).then(|| {
            self.tell(format_args!(
                "{missing} messages are missing before {text} with number {seq}, but the reported \
                 gaps are {gaps}"
            ))
        })
    }

    /// Checks, at the end of the run, that every message taken while the publisher knew the
    /// subscriber's node arrived or is part of a reported gap.
    fn completeness(&mut self, number: usize, publisher: &LifeNotes) -> Vec<String> {
        let stream = &self.streams[&number];
        let mut found = Vec::new();
        if publisher.end == Some(Ending::Crashed) && stream.last.is_some() && !stream.end_told {
            found.push(self.tell(format_args!("{} crashed without a GAP", publisher.name)));
        }
        let known =
            if number == self.number { Some(&0) } else { publisher.knows.get(&self.number) };
        let (Some(known), Some(subscribed)) = (known, self.subscriber.subscribed) else {
            return found;
        };
        let since = subscribed.max(*known);
        let demanded = publisher.taken.iter().filter(|taken| taken.sent > since);
        self.owed += demanded.clone().count() as u64;
        let mut lost = demanded.filter(|taken| !stream.covers(taken.seq));
        let is_told = stream.end_told || (publisher.end.is_some() && stream.last.is_none());
        if let Some(lost) = lost.next()
            && !is_told
        {
            found.push(self.tell(format_args!(
                "{} with number {}, sent in step {}, never came, and no gap was reported; known \
                 since {known}, subscribed since {subscribed}, last heard {:?}, end {:?}",
                lost.text, lost.seq, lost.sent, stream.last, publisher.end
            )));
        }
        found
    }

    /// Returns the life that a message is from: its text is `name.life.number`.
    fn life_of(&self, publisher: &str, text: &str) -> usize {
        let mut parts = text.split('.');
        let (name, life) = (parts.next(), parts.next().and_then(|life| life.parse().ok()));
        assert_eq!(name, Some(publisher), "{text} is not what a client wrote");
        life.unwrap_or_else(|| panic!("{text} is not what a client wrote"))
    }

    fn tell(&self, what: std::fmt::Arguments<'_>) -> String {
        format!("at {} (life {}): {what}", self.subscriber.name, self.number)
    }
}
