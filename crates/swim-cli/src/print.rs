//! One line for each piece of news, for people or as JSON.

use std::time::SystemTime;

use swim_tokio::{Member, Via};

use crate::record::Record;
use crate::style::{Paint, Tone};

/// The width of the word that names the news, so that what follows stands in a column.
const WORD_WIDTH: usize = 10;

/// One line of output, for people and for programs.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    word: &'static str,
    tone: Tone,
    text: String,
    via: Option<Via>,
    record: Record,
}

impl Line {
    /// A line about `word`, which is also the `event` of its JSON.
    pub(crate) fn new(word: &'static str, tone: Tone, text: impl Into<String>) -> Self {
        Line { word, tone, text: text.into(), via: None, record: Record::event(word) }
    }

    /// Adds to the JSON.
    #[must_use]
    pub(crate) fn fields(mut self, add: impl FnOnce(Record) -> Record) -> Self {
        self.record = add(self.record);
        self
    }

    /// Adds how the news came.
    #[must_use]
    pub(crate) fn via(mut self, via: Via) -> Self {
        self.record = via_fields(self.record, via);
        self.via = Some(via);
        self
    }

    /// The JSON, without time.
    pub(crate) fn into_record(self) -> Record {
        self.record
    }
}

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// JSON instead of lines for people.
    pub(crate) json: bool,
    /// Colours of lines for people.
    pub(crate) paint: Paint,
}

impl Format {
    /// JSON, or lines for people, coloured if they go to a terminal.
    pub(crate) fn for_stdout(json: bool) -> Self {
        Format { json, paint: Paint::for_stdout() }
    }

    /// The line as text, without a line break, about now.
    pub(crate) fn render_now(&self, line: Line) -> String {
        self.render(line, SystemTime::now())
    }

    /// The line as text, without a line break.
    pub(crate) fn render(&self, line: Line, at: SystemTime) -> String {
        let time = humantime::format_rfc3339_millis(at).to_string();
        if self.json {
            return line.record.first("time", time).to_line();
        }
        let word = self.paint.text(line.tone, format!("{:<WORD_WIDTH$}", line.word));
        let mut shown = format!("{} {word} {}", self.paint.dim(time), line.text);
        if let Some(via) = line.via {
            shown.push_str(&self.paint.dim(format!(" [{via}]")));
        }
        shown
    }
}

/// The keys that tell who a member is and what is believed of it.
pub(crate) fn member_fields(record: Record, member: &Member) -> Record {
    record
        .with("name", member.name.as_str())
        .with("address", member.address.to_string())
        .with("state", member.state.as_str())
        .with("incarnation", member.incarnation.0)
        .with_bytes("meta", "meta_hex", &member.meta)
}

fn via_fields(record: Record, via: Via) -> Record {
    let heard_from = via.heard_from().map(|from| from.to_string());
    record.with("via", via.kind()).with_some("heard_from", heard_from)
}
