//! The report for programs.

use serde_json::{Value, json};
use swim_sim::simulation::{Durations, Fault, Mistakes, Plan, Report, RoundTrip, Start, Warning};
use swim_sim::{Latency, Loss};

use crate::record::{Record, whole_millis};

/// The report as one JSON object on one line: the settings, then the results.
pub(crate) fn report(profile: &str, plan: &Plan, warnings: &[Warning], report: &Report) -> String {
    let rates = &report.rates;
    let warnings: Vec<Value> =
        warnings.iter().map(|it| json!({"setting": it.setting, "text": it.text})).collect();
    let faults: Vec<Value> = plan.faults.iter().map(fault).collect();
    Record::event("simulation")
        .with("nodes", plan.nodes)
        .with("profile", profile)
        .with("start", if plan.start == Start::Formed { "formed" } else { "joining" })
        .with("network", network(plan))
        .with("settings", settings(plan))
        .with("faults", faults)
        .with_millis("duration_ms", plan.duration)
        .with("seed", plan.seed)
        .with("runs_asked", plan.runs)
        .with("runs", report.runs)
        .with("interrupted", report.interrupted)
        .with_millis("simulated_ms", report.simulated)
        .with("warnings", warnings)
        .with("crashes", report.crashes)
        .with("first_declared", times(&report.first_declared))
        .with("known_everywhere", times(&report.known_everywhere))
        .with("formed", times(&report.formed))
        .with("partitions", report.partitions)
        .with("healed", times(&report.healed))
        .with("false_failures", mistakes(report.false_failures))
        .with("false_suspicions", mistakes(report.false_suspicions))
        .with("separated_failures", mistakes(report.separated_failures))
        .with("stalled_failures", mistakes(report.stalled_failures))
        .with_millis("node_time_ms", rates.node_time)
        .with("packets_per_second", thousandths(rates.packets))
        .with("packet_bytes_per_second", thousandths(rates.packet_bytes))
        .with("streams_per_second", thousandths(rates.streams))
        .with("stream_bytes_per_second", thousandths(rates.stream_bytes))
        .with("push_pulls", report.push_pulls)
        .to_line()
}

fn times(times: &Durations) -> Value {
    let millis = |time: Option<_>| time.map(whole_millis);
    json!({
        "count": times.len(),
        "p50_ms": millis(times.quantile(50)),
        "p99_ms": millis(times.quantile(99)),
        "max_ms": millis(times.max()),
        "all_ms": times.iter().map(whole_millis).collect::<Vec<_>>(),
    })
}

fn mistakes(mistakes: Mistakes) -> Value {
    json!({"members": mistakes.members, "events": mistakes.events})
}

fn settings(plan: &Plan) -> Value {
    let (config, suspicion) = (&plan.config, plan.suspicion());
    json!({
        "probe_interval_ms": whole_millis(config.probe_interval),
        "probe_timeout_ms": whole_millis(config.probe_timeout),
        "gossip_interval_ms": whole_millis(config.gossip_interval),
        "push_pull_interval_ms": whole_millis(config.push_pull_interval),
        "suspicion_min_ms": whole_millis(suspicion.0),
        "suspicion_max_ms": whole_millis(suspicion.1),
    })
}

fn network(plan: &Plan) -> Value {
    let trip = RoundTrip::of(plan.network.latency);
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let latency = match plan.network.latency {
        Latency::Fixed(time) => json!({"fixed_ms": millis(time)}),
        Latency::Uniform(from, to) => json!({"min_ms": millis(from), "max_ms": millis(to)}),
        Latency::LogNormal { median, p99 } => {
            json!({"median_ms": millis(median), "p99_ms": millis(p99)})
        }
        Latency::Empirical(_) => Value::Null,
    };
    json!({
        "latency": latency,
        "round_trip_median_ms": thousandths(millis(trip.median)),
        "round_trip_p99_ms": thousandths(millis(trip.p99)),
        "loss": loss(plan.network.loss),
    })
}

fn loss(loss: Loss) -> Value {
    match loss {
        Loss::Independent(share) => json!({"share": share}),
        Loss::Bursty { mean_good, mean_bad, .. } => {
            let (good, bad) = (mean_good.as_secs_f64(), mean_bad.as_secs_f64());
            json!({"share": thousandths(bad / (good + bad)), "burst_ms": whole_millis(mean_bad)})
        }
    }
}

fn fault(fault: &Fault) -> Value {
    let at = whole_millis(fault.at());
    match fault {
        Fault::Crash { nodes, .. } => json!({"kind": "crash", "nodes": nodes, "at_ms": at}),
        Fault::Partition { share, length, .. } => json!({
            "kind": "partition", "share": share, "at_ms": at, "length_ms": whole_millis(*length)
        }),
        Fault::Loss { loss: lost, length, .. } => json!({
            "kind": "loss", "loss": loss(*lost), "at_ms": at, "length_ms": whole_millis(*length)
        }),
        Fault::Stall { nodes, length, .. } => json!({
            "kind": "stall", "nodes": nodes, "at_ms": at, "length_ms": whole_millis(*length)
        }),
    }
}

fn thousandths(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
