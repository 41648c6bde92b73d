//! Conclusions from a report, in sentences.

use swim_sim::simulation::{Mistakes, Plan, Report, Warning};

use crate::style::Tone;
use crate::text;

/// A sentence, and whether it is good news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// The conclusions, the most important first.
pub(crate) fn conclusions(plan: &Plan, report: &Report, warnings: &[Warning]) -> Vec<Conclusion> {
    let mut all = Vec::new();
    let mut say = |tone, text: String| all.push(Conclusion { tone, text });
    if report.interrupted {
        let text = format!(
            "Interrupted after {} of {} runs: the figures cover only these.",
            report.runs, plan.runs
        );
        say(Tone::Warning, text);
    }
    formation(plan, report, &mut say);
    crashes(report, &mut say);
    mistakes(report, warnings, &mut say);
    partitions(report, &mut say);
    let rates = &report.rates;
    let text = format!(
        "A node sends {:.1} datagrams and {:.0} bytes a second, {:.0} more in streams.",
        rates.packets, rates.packet_bytes, rates.stream_bytes
    );
    say(Tone::Plain, text);
    all
}

fn formation(plan: &Plan, report: &Report, say: &mut impl FnMut(Tone, String)) {
    if plan.start != swim_sim::simulation::Start::Joining {
        return;
    }
    if let Some(longest) = report.formed.max() {
        let longest = text::duration(longest);
        say(
            Tone::Plain,
            format!("After a common start, all nodes knew each other within {longest}."),
        );
    }
    let missing = (report.runs as usize).saturating_sub(report.formed.len());
    if missing > 0 {
        let runs = text::count(missing, "run");
        let text =
            format!("In {runs} some nodes were still unknown at the end: use a longer --duration.");
        say(Tone::Warning, text);
    }
}

fn crashes(report: &Report, say: &mut impl FnMut(Tone, String)) {
    let (all, known) = (report.crashes, report.known_everywhere.len());
    if let (Some(first), Some(half), Some(longest)) = (
        report.first_declared.quantile(50),
        report.known_everywhere.quantile(50),
        report.known_everywhere.max(),
    ) {
        let [first, half, longest] = [first, half, longest].map(text::duration);
        let text = match known {
            1 => format!(
                "The first node declared the crashed node failed after {first}, and every node \
                 knew after {half}."
            ),
            _ => format!(
                "Half of the crashes were first declared within {first}, and known at every node \
                 within {half}; the slowest took {longest}."
            ),
        };
        say(Tone::Plain, text);
    }
    if known < all {
        let unnoticed = all.saturating_sub(report.first_declared.len());
        let nobody = match unnoticed {
            0 => String::new(),
            count => format!(" ({count} at none)"),
        };
        let text = format!(
            "{} of {all} crashes were not known at every node{nobody} when the run ended: use a \
             longer --duration.",
            all - known
        );
        say(Tone::Warning, text);
    }
}

fn mistakes(report: &Report, warnings: &[Warning], say: &mut impl FnMut(Tone, String)) {
    let Mistakes { members, .. } = report.false_failures;
    let suspected = report.false_suspicions.members;
    let over = format!("in {} of simulated time", simulated(report));
    if members > 0 {
        let advice = match warnings {
            [] => "raise suspicion_mult or probe_timeout, or accept them on such a network",
            _ => "see the warnings above",
        };
        let count = text::count(members, "false positive");
        let text = format!("{count} (running members declared failed) {over}: {advice}.");
        say(Tone::Bad, text);
    } else {
        let text = match suspected {
            0 => format!("No running member was suspected or declared failed {over}."),
            1 => format!(
                "No running member was declared failed {over}, but one was suspected for a while."
            ),
            count => format!(
                "No running member was declared failed {over}, but {count} were suspected for a \
                 while."
            ),
        };
        say(Tone::Good, text);
    }
}

fn partitions(report: &Report, say: &mut impl FnMut(Tone, String)) {
    if let Some(longest) = report.healed.max() {
        let longest = text::duration(longest);
        let text =
            format!("After a partition ended, all nodes knew each other again within {longest}.");
        say(Tone::Plain, text);
    }
    let missing = report.partitions.saturating_sub(report.healed.len());
    if missing > 0 {
        let text = format!(
            "{missing} of {} partitions had not healed before the next partition or the end of the \
             run: use a longer --duration.",
            report.partitions
        );
        say(Tone::Warning, text);
    }
}

fn simulated(report: &Report) -> String {
    let seconds = report.simulated.as_secs_f64();
    match seconds {
        ..120.0 => text::duration(report.simulated),
        120.0..7200.0 => format!("{:.0} minutes", seconds / 60.0),
        _ => format!("{:.1} hours", seconds / 3600.0),
    }
}
