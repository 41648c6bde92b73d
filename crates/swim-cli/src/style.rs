//! Colours of output.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use swim_tokio::State;

/// The meaning of a text, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// A failure or an error.
    Bad,
    /// A normal end.
    Quiet,
    /// Neutral.
    Plain,
    /// A heading.
    Heading,
}

/// The tone of a member's state.
pub(crate) fn state_tone(state: State) -> Tone {
    match state {
        State::Alive => Tone::Good,
        State::Suspect => Tone::Warning,
        State::Failed => Tone::Bad,
        State::Left => Tone::Quiet,
    }
}

/// Colours text, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// Changes nothing.
    #[cfg(test)]
    pub(crate) const OFF: Paint = Paint { on: false };

    /// Colours if standard output is a terminal, unless `NO_COLOR` and its relatives say otherwise.
    pub(crate) fn for_stdout() -> Self {
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        Paint { on: choice != anstream::ColorChoice::Never }
    }

    /// The text in the colour of `tone`.
    pub(crate) fn text(self, tone: Tone, text: impl Display) -> String {
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Quiet => Style::new().dimmed(),
            Tone::Plain => return text.to_string(),
            Tone::Heading => Style::new().bold(),
        };
        if self.on { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// The text dimmed, for times and sources.
    pub(crate) fn dim(self, text: impl Display) -> String {
        self.text(Tone::Quiet, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paint_that_is_off_adds_nothing() {
        assert_eq!(Paint::OFF.text(Tone::Bad, "failed"), "failed");
        assert_eq!(Paint { on: true }.text(Tone::Plain, "failed"), "failed");
        let red = Paint { on: true }.text(Tone::Bad, "failed");
        assert!(red.starts_with('\u{1b}') && red.contains("failed") && red.ends_with("\u{1b}[0m"));
    }
}
