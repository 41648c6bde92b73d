//! The end of the demo: the views of all nodes, and how long everything took.

use std::time::Duration;

use swim_tokio::State;

use super::cast::Cast;
use super::stage::Expected;
use super::tell::Teller;
use crate::record::Record;
use crate::style::{Tone, state_tone};
use crate::table::{Sheet, toned};
use crate::text;

/// Beyond this many nodes the columns are numbers, and the beliefs letters.
const WIDE_MAX: usize = 8;

/// How long each stage took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timings {
    /// All nodes knew all nodes.
    pub(super) formed: Duration,
    /// The first node suspected the crashed one.
    pub(super) suspected: Duration,
    /// The first and the last node declared it failed.
    pub(super) failed: (Duration, Duration),
    /// All nodes saw the leaver as left.
    pub(super) left: Duration,
    /// All nodes saw the restarted one as alive.
    pub(super) back: Duration,
    /// Everything.
    pub(super) total: Duration,
}

/// Shows the state of every node in every node's view.
pub(super) async fn beliefs(tell: &Teller, cast: &Cast, expected: &Expected) {
    for &observer in &expected.observers {
        let view = cast.view(observer).into_iter().enumerate();
        let beliefs: serde_json::Map<_, _> = view
            .filter_map(|(subject, state)| {
                state.map(|state| (cast.name(subject).into(), state.as_str().into()))
            })
            .collect();
        let record = Record::event("view").with("observer", cast.name(observer));
        tell.json(record.with("beliefs", beliefs)).await;
    }
    let paint = tell.paint();
    let title = paint.text(Tone::Heading, "How each node (row) sees each node (column)");
    let wide = cast.len() <= WIDE_MAX;
    let columns = (0..cast.len()).map(|subject| match wide {
        true => text::escape(cast.name(subject)),
        false => (subject + 1).to_string(),
    });
    let mut sheet = Sheet::new(paint, [String::new()].into_iter().chain(columns).collect());
    if !wide {
        sheet = sheet.tight();
    }
    for &observer in &expected.observers {
        let view = cast.view(observer).into_iter().map(|state| cell(state, wide));
        let name = text::escape(cast.name(observer));
        sheet.row([name].into_iter().chain(view).collect());
    }
    let mut shown = format!("\n{title}\n{}", sheet.render());
    if !wide {
        let legend = " a: alive   S: suspect   F: failed   L: left   -: not in the list";
        shown.push_str(&format!("\n{}", paint.dim(legend)));
    }
    tell.show(shown).await;
}

fn cell(state: Option<State>, wide: bool) -> String {
    let Some(state) = state else {
        return "-".into();
    };
    let shown = match (wide, state) {
        (true, state) => state.as_str(),
        (false, State::Alive) => "a",
        (false, State::Suspect) => "S",
        (false, State::Failed) => "F",
        (false, State::Left) => "L",
    };
    toned(state_tone(state), shown)
}

/// Shows how long everything took, in one line.
pub(super) async fn timings(tell: &Teller, timings: &Timings) {
    let Timings { formed, suspected, failed: (first, last), left, back, total } = *timings;
    let record = Record::event("timings")
        .with_millis("formed_ms", formed)
        .with_millis("suspected_ms", suspected)
        .with_millis("failed_min_ms", first)
        .with_millis("failed_max_ms", last)
        .with_millis("left_ms", left)
        .with_millis("back_ms", back)
        .with_millis("total_ms", total);
    tell.json(record).await;
    let shown = format!(
        "\nTimings: formed {}, suspected {}, failed {} to {}, left {}, back {}, total {}",
        text::duration(formed),
        text::duration(suspected),
        text::duration(first),
        text::duration(last),
        text::duration(left),
        text::duration(back),
        text::duration(total)
    );
    tell.show(shown).await;
}
