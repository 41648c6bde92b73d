//! Prints events as they happen.

use std::io::IsTerminal;
use std::time::Duration;

use swim_tokio::Event;
use tokio::time::Instant;

use crate::describe::describe;
use crate::output::Output;
use crate::record::{Record, whole_millis};
use crate::style::Tone;
use crate::text;

/// The pause after the explanation of a stage, for people to read it.
const READING_TIME: Duration = Duration::from_millis(2500);

/// The width of text for people.
const WIDTH: usize = 96;

/// Prints the story of the demo, for people or as JSON.
#[derive(Debug)]
pub(super) struct Teller {
    output: Output,
    begun: Instant,
    terminal: bool,
}

impl Teller {
    /// Creates one. Times count from now.
    pub(super) fn new(output: Output) -> Self {
        let terminal = std::io::stdout().is_terminal() && !output.format().json;
        Teller { output, begun: Instant::now(), terminal }
    }

    /// The time since the demo began.
    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Prints a heading and an explanation for people, or a JSON line.
    pub(super) async fn stage(
        &self,
        number: usize,
        title: &str,
        explanation: &str,
        record: Record,
    ) {
        if self.output.format().json {
            return self.json(record).await;
        }
        let heading = self.output.format().paint.text(Tone::Heading, format!("{number}. {title}"));
        self.output.block(format!("\n{heading}")).await;
        for line in text::wrap(explanation, WIDTH - 3) {
            self.output.block(format!("   {}", self.output.format().paint.dim(line))).await;
        }
        if self.terminal {
            tokio::time::sleep(READING_TIME).await;
        }
    }

    /// Prints an event of this moment.
    pub(super) async fn say(&self, tone: Tone, told: &str, record: Record) {
        if self.output.format().json {
            self.json(record).await;
        } else {
            self.say_at(Instant::now(), tone, told).await;
        }
    }

    /// Prints an event of that time, for people only.
    pub(super) async fn say_at(&self, at: Instant, tone: Tone, told: &str) {
        let format = self.output.format();
        if format.json {
            return;
        }
        let elapsed = at.saturating_duration_since(self.begun).as_secs_f64();
        let time = format.paint.dim(format!("{elapsed:>7.2} s"));
        // Ten columns for the time, so that the lines of a sentence align.
        let mut lines = text::wrap(told, WIDTH - 12).into_iter();
        let first = format.paint.text(tone, lines.next().unwrap_or_default());
        let mut block = format!("{time}  {first}");
        for line in lines {
            block.push_str(&format!("\n{:11}{}", "", format.paint.text(tone, line)));
        }
        self.output.block(block).await;
    }

    /// Prints text for people as it is.
    pub(super) async fn show(&self, block: String) {
        if !self.output.format().json {
            self.output.block(block).await;
        }
    }

    /// Prints an event of a node, as JSON only: people get a summary.
    pub(super) async fn event(&self, at: Instant, observer: &str, event: &Event) {
        if self.output.format().json {
            let record = describe(event).into_record().with("observer", observer);
            self.json_at(at, record).await;
        }
    }

    /// Prints a line as JSON only.
    pub(super) async fn json(&self, record: Record) {
        self.json_at(Instant::now(), record).await;
    }

    /// Shows the progress of the stage, on a terminal only.
    pub(super) fn progress(&self, told: &str) {
        if self.terminal {
            const TURN: [char; 4] = ['|', '/', '-', '\\'];
            let elapsed = self.elapsed();
            let turned = TURN[(elapsed.as_millis() / 200 % 4) as usize];
            let shown = format!("{:>7.2} s  {turned} {told}", elapsed.as_secs_f64());
            let cut: String = shown.chars().take(WIDTH).collect();
            self.output.progress(cut);
        }
    }

    /// Removes the progress from the terminal.
    pub(super) fn clear_progress(&self) {
        if self.terminal {
            self.output.progress(String::new());
        }
    }

    /// How lines look.
    pub(super) fn paint(&self) -> crate::style::Paint {
        self.output.format().paint
    }

    async fn json_at(&self, at: Instant, record: Record) {
        if self.output.format().json {
            let elapsed = at.saturating_duration_since(self.begun);
            let record = record.first("elapsed_ms", whole_millis(elapsed));
            self.output.block(record.to_line()).await;
        }
    }
}

/// Joins names to a list, which is truncated for a large cluster.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN_MAX: usize = 8;
    let names: Vec<String> = names.into_iter().map(text::escape).collect();
    match names.len() {
        0 => "nobody".into(),
        1 => names[0].clone(),
        2..=SHOWN_MAX => {
            let (last, others) = names.split_last().unwrap_or((&names[0], &[]));
            format!("{} and {last}", others.join(", "))
        }
        count => {
            format!("{} and {} more", names[..SHOWN_MAX - 1].join(", "), count - SHOWN_MAX + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_names_are_cut() {
        assert_eq!(names([]), "nobody");
        assert_eq!(names(["a"]), "a");
        assert_eq!(names(["a", "b", "c"]), "a, b and c");
        let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        assert_eq!(names(many[..8].to_vec()), "a, b, c, d, e, f, g and h");
        assert_eq!(names(many), "a, b, c, d, e, f, g and 3 more");
    }
}
