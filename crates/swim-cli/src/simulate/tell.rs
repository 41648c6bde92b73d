//! The report for people.

use std::time::Duration;

use swim_sim::simulation::{Durations, Fault, Mistakes, Plan, Report, RoundTrip, Start, Warning};
use swim_sim::{Latency, Loss};

use crate::simulate::conclude::Conclusion;
use crate::style::{Paint, Tone};
use crate::table::{Sheet, toned};
use crate::text;

/// The plan: nodes, settings, network and faults.
pub(crate) fn heading(paint: Paint, profile: &str, plan: &Plan) -> String {
    let runs = match plan.runs {
        1 => format!("1 run, seed {}", plan.seed),
        runs => {
            let last = plan.seed.wrapping_add(u64::from(runs) - 1);
            format!("{runs} runs, seeds {} to {last}", plan.seed)
        }
    };
    let start = match plan.start {
        Start::Formed => "",
        Start::Joining => ", joining at the start",
    };
    let nodes = text::count(plan.nodes, "node");
    let title = format!("{nodes} for {:?}{start}, {runs}", plan.duration);
    let config = &plan.config;
    let suspicion = match plan.suspicion() {
        (min, max) if min < max => format!("{} to {}", text::duration(min), text::duration(max)),
        (always, _) => text::duration(always),
    };
    let trip = RoundTrip::of(plan.network.latency);
    let lines = [
        format!(
            " settings   {profile}: probe every {:?}, timeout {:?}, suspicion {suspicion}",
            config.probe_interval, config.probe_timeout
        ),
        format!(
            " network    latency {}, round trip {} (p99 {}), {}",
            latency(plan.network.latency),
            text::duration(trip.median),
            text::duration(trip.p99),
            loss(plan.network.loss)
        ),
        format!(" faults     {}", faults(&plan.faults)),
    ];
    format!("{}\n{}", paint.text(Tone::Heading, title), lines.join("\n"))
}

/// The warnings; empty if there are none.
pub(crate) fn warnings(paint: Paint, warnings: &[Warning]) -> String {
    let told = warnings.iter().map(|warning| {
        let text = wrapped(&warning.text, "         ");
        format!("\n{} {text}", paint.text(Tone::Warning, "warning:"))
    });
    told.collect()
}

/// The figures.
pub(crate) fn findings(paint: Paint, report: &Report) -> String {
    let mut sheets = Vec::new();
    if let Some(sheet) = times(paint, report) {
        sheets.push(sheet);
    }
    sheets.push(mistakes(paint, report));
    sheets.push(traffic(paint, report));
    let shown: Vec<String> = sheets.iter().map(|sheet| format!("\n{}", sheet.render())).collect();
    shown.join("\n")
}

/// The conclusions from the figures.
pub(crate) fn conclusions(paint: Paint, conclusions: &[Conclusion]) -> String {
    let mut shown = format!("\n{}", paint.text(Tone::Heading, "In short"));
    for conclusion in conclusions {
        let text = wrapped(&conclusion.text, "   ");
        shown.push_str(&format!("\n - {}", paint.text(conclusion.tone, text)));
    }
    shown
}

fn times(paint: Paint, report: &Report) -> Option<Sheet> {
    let rows = [
        ("start: all nodes know each other", &report.formed, 0),
        ("crash: first node declares it failed", &report.first_declared, report.crashes),
        ("crash: every node knows", &report.known_everywhere, report.crashes),
        ("partition healed: all know each other", &report.healed, report.partitions),
    ];
    let headings = ["time until", "p50", "p99", "max", "seen"];
    let mut sheet = Sheet::new(paint, headings.map(String::from).into());
    let mut any = false;
    for (what, times, of) in rows {
        if times.is_empty() && of == 0 {
            continue;
        }
        any = true;
        let of = of.max(times.len());
        let seen = format!("{} of {of}", times.len());
        let seen = if times.len() < of { toned(Tone::Warning, &seen) } else { seen };
        let [p50, p99, max] = quantiles(times).map(shown);
        sheet.row(vec![what.into(), p50, p99, max, seen]);
    }
    any.then_some(sheet)
}

fn mistakes(paint: Paint, report: &Report) -> Sheet {
    let headings = ["running members", "number", "observers"];
    let mut sheet = Sheet::new(paint, headings.map(String::from).into());
    let rows = [
        ("false positives (declared failed)", report.false_failures, Tone::Bad, true),
        ("false suspicions", report.false_suspicions, Tone::Warning, true),
        ("declared failed across a partition", report.separated_failures, Tone::Quiet, false),
        ("declared failed because of a stall", report.stalled_failures, Tone::Quiet, false),
    ];
    for (what, Mistakes { members, events, .. }, tone, always) in rows {
        if members > 0 {
            let (members, events) = (members.to_string(), events.to_string());
            sheet.row(vec![what.into(), toned(tone, &members), toned(tone, &events)]);
        } else if always {
            sheet.row(vec![what.into(), toned(Tone::Good, "0"), "0".into()]);
        }
    }
    sheet
}

fn traffic(paint: Paint, report: &Report) -> Sheet {
    let rates = &report.rates;
    let headings = ["each node, per second", "number", "bytes"];
    let mut sheet = Sheet::new(paint, headings.map(String::from).into());
    let node_seconds = rates.node_time.as_secs_f64().max(f64::MIN_POSITIVE);
    for (what, number, bytes) in [
        ("datagrams sent", rates.packets, Some(rates.packet_bytes)),
        ("streams opened, bytes both ways", rates.streams, Some(rates.stream_bytes)),
        ("push/pulls completed", report.push_pulls as f64 / node_seconds, None),
    ] {
        let bytes = bytes.map(|bytes| format!("{bytes:.0}")).unwrap_or_default();
        sheet.row(vec![what.into(), format!("{number:.3}"), bytes]);
    }
    sheet
}

fn quantiles(times: &Durations) -> [Option<Duration>; 3] {
    [times.quantile(50), times.quantile(99), times.max()]
}

fn shown(time: Option<Duration>) -> String {
    time.map_or("-".into(), text::duration)
}

fn latency(latency: Latency) -> String {
    match latency {
        Latency::Fixed(time) => format!("{time:?}"),
        Latency::Uniform(from, to) => format!("{from:?} to {to:?}"),
        Latency::LogNormal { median, p99 } => format!("{median:?} (p99 {p99:?})"),
        Latency::Empirical(_) => "as measured".into(),
    }
}

fn loss(loss: Loss) -> String {
    match loss {
        Loss::Independent(0.0) => "no loss".into(),
        Loss::Independent(share) => format!("{} lost", percent(share)),
        Loss::Bursty { mean_good, mean_bad, .. } => {
            let (good, bad) = (mean_good.as_secs_f64(), mean_bad.as_secs_f64());
            format!("{} lost in bursts of {mean_bad:?}", percent(bad / (good + bad)))
        }
    }
}

fn faults(faults: &[Fault]) -> String {
    let told: Vec<String> = faults.iter().map(fault).collect();
    if told.is_empty() { "none".into() } else { told.join("; ") }
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Crash { nodes: 1, at } => format!("1 node crashes at {at:?}"),
        Fault::Crash { nodes, at } => format!("{nodes} nodes crash at {at:?}"),
        Fault::Partition { share, at, length } => {
            format!("{} separated from {at:?} for {length:?}", percent(*share))
        }
        Fault::Loss { loss: lost, at, length } => {
            format!("{} from {at:?} for {length:?}", loss(*lost))
        }
        Fault::Stall { nodes, at, length } => {
            format!("{} stalled from {at:?} for {length:?}", text::count(*nodes, "node"))
        }
    }
}

fn percent(share: f64) -> String {
    // At most two decimals, since 0.1 + 0.2 is not exact.
    format!("{}%", (share * 10_000.0).round() / 100.0)
}

fn wrapped(text: &str, indent: &str) -> String {
    const WIDTH: usize = 96;
    text::wrap(text, WIDTH - indent.len()).join(&format!("\n{indent}"))
}
