//! Lines of output, for people or as JSON.

use std::time::SystemTime;

use swim_tokio::{Event, Via};

use crate::record::Record;
use crate::style::{Paint, Tone};

/// The width of the first word, so that the text after it forms a column.
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

    /// A line about an event. Its JSON has all fields of the event.
    pub(crate) fn of_event(event: &Event, tone: Tone, text: impl Into<String>) -> Self {
        let record = Record::default().with_all(event);
        Line { word: event.kind(), tone, text: text.into(), via: event.via(), record }
    }

    /// Adds to the JSON.
    #[must_use]
    pub(crate) fn fields(mut self, add: impl FnOnce(Record) -> Record) -> Self {
        self.record = add(self.record);
        self
    }

    /// The JSON, without time.
    pub(crate) fn into_record(self) -> Record {
        self.record
    }
}

/// The format of lines.
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
