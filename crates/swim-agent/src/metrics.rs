//! Metrics for Prometheus, and whether the node is well.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap};
use swim_tokio::{Cluster, Counter, CounterKind, State, Stats};
use tokio::sync::Mutex;

use crate::limits::{METRICS_AGE_MAX, METRICS_TIME_MAX};
use crate::node::by_state;
use crate::problem::Problem;

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The text format 0.0.4 of Prometheus.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Form {
    /// The one that the client prefers; Prometheus' own if it does not say.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let (mut open, mut text) = (0, 0);
        for accept in headers.get_all(ACCEPT) {
            for range in accept.to_str().unwrap_or_default().split(',') {
                let mut parts = range.split(';').map(str::trim);
                let of_type = parts.next().unwrap_or_default();
                let quality =
                    parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
                match of_type {
                    "application/openmetrics-text" => open = open.max(quality),
                    "text/plain" | "text/*" => text = text.max(quality),
                    _ => {}
                }
            }
        }
        if open > 0 && open >= text { Form::OpenMetrics } else { Form::Prometheus }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Form::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A quality of 0 to 1, in thousandths. Any other text counts as 0: not wanted.
fn thousandths(quality: &str) -> u32 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match whole {
        "1" => 1000,
        _ => digits.parse().unwrap_or(0),
    }
}

/// The node's counters at one time.
#[derive(Debug)]
struct Sample {
    stats: Stats,
    members: [(State, usize); 4],
    is_settled: bool,
    at: Instant,
}

/// The node's counters, asked for at most four times a second.
#[derive(Debug)]
pub(crate) struct Metrics {
    cluster: Cluster,
    last: Mutex<Option<Arc<Sample>>>,
}

impl Metrics {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Metrics { cluster, last: Mutex::new(None) }
    }

    pub(crate) async fn text(&self, form: Form) -> Result<String, Problem> {
        let sample = self.sample().await?;
        let name = self.cluster.local().name;
        Ok(text(&sample, name.as_str(), form))
    }

    /// Whether the node takes its turns.
    pub(crate) async fn healthy(&self) -> Result<(), Problem> {
        self.sample().await.map(drop)
    }

    /// Whether the node takes part in its cluster, and its view has settled.
    pub(crate) async fn ready(&self) -> Result<(), Problem> {
        self.sample().await?;
        if self.cluster.settled() {
            return Ok(());
        }
        let detail = match self.cluster.local().state {
            State::Left => "this node left the cluster: let it join again",
            _ => {
                "this node's view of the cluster has not settled: it has not joined yet, is cut \
                 off, or its peers have another view; if it stays so, look at its seeds and events"
            }
        };
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not ready", detail))
    }

    async fn sample(&self) -> Result<Arc<Sample>, Problem> {
        let unhealthy =
            |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not healthy", detail);
        // With the time that it takes until it is this request's turn.
        match tokio::time::timeout(METRICS_TIME_MAX, self.take_turn()).await {
            Ok(Some(sample)) => Ok(sample),
            Ok(None) => Err(unhealthy("the node stopped: restart the program")),
            Err(_) => Err(unhealthy(
                "the node does not take its turns: its process is short of CPU, or a task keeps \
                 the threads of its runtime busy",
            )),
        }
    }

    /// The last sample, or a new one. `None` if the node has stopped.
    async fn take_turn(&self) -> Option<Arc<Sample>> {
        // Held while the node is asked: those that come meanwhile get its answer.
        let mut last = self.last.lock().await;
        if let Some(sample) = last.as_ref().filter(|it| it.at.elapsed() < METRICS_AGE_MAX) {
            return Some(Arc::clone(sample));
        }
        let stats = self.cluster.stats().await.ok()?;
        let members = by_state(&self.cluster).await.ok()?;
        let is_settled = self.cluster.settled();
        let sample = Arc::new(Sample { stats, members, is_settled, at: Instant::now() });
        *last = Some(Arc::clone(&sample));
        Some(sample)
    }
}

/// The name of this node, its counters, and its members by state.
fn text(sample: &Sample, name: &str, form: Form) -> String {
    let mut text = String::new();
    // OpenMetrics has a type of its own for these, and names the family without the suffix.
    let (family, of_type) = match form {
        Form::Prometheus => ("swim_node_info", "gauge"),
        Form::OpenMetrics => ("swim_node", "info"),
    };
    head(&mut text, family, of_type, "The name of this node, and the version of its program");
    let (name, version) = (escaped(name), env!("CARGO_PKG_VERSION"));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "swim_node_info{{name=\"{name}\",version=\"{version}\"}} 1");
    head(&mut text, "swim_members", "gauge", "Members that this node lists, by state");
    for (state, count) in &sample.members {
        let _ = writeln!(text, "swim_members{{state=\"{}\"}} {count}", state.as_str());
    }
    head(&mut text, "swim_settled", "gauge", "1 if this node's view of the cluster has settled");
    let _ = writeln!(text, "swim_settled {}", u8::from(sample.is_settled));
    if let Some(round_trip) = sample.stats.round_trip {
        // In the unit of all times of Prometheus.
        let family = "swim_round_trip_seconds";
        head(&mut text, family, "gauge", "Smoothed round trip of probes");
        let _ = writeln!(text, "{family} {}", round_trip.as_secs_f64());
    }
    let mut last = "";
    let counters = sample.stats.counters();
    let counters = counters.into_iter().filter(|counter| counter.name != "round_trip_us");
    for Counter { name, label, kind, help, value, .. } in counters {
        let (suffix, of_type) = match kind {
            CounterKind::Counter => ("_total", "counter"),
            CounterKind::Gauge => ("", "gauge"),
        };
        if last != name {
            let family = match form {
                Form::Prometheus => format!("swim_{name}{suffix}"),
                Form::OpenMetrics => format!("swim_{name}"),
            };
            head(&mut text, &family, of_type, help);
            last = name;
        }
        let label = label.map(|(key, value)| format!("{{{key}=\"{value}\"}}")).unwrap_or_default();
        let _ = writeln!(text, "swim_{name}{suffix}{label} {value}");
    }
    if form == Form::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn head(text: &mut String, family: &str, of_type: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {family} {help}.");
    let _ = writeln!(text, "# TYPE {family} {of_type}");
}

/// A value of a label. Names have no control characters, but may have these.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        Form::accepted(&headers)
    }

    #[test]
    fn the_client_chooses_the_form() {
        let scraper = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,\
            */*;q=0.2";
        assert_eq!(accepted(scraper), Form::OpenMetrics);
        assert_eq!(accepted("text/plain, application/openmetrics-text;q=0.9"), Form::Prometheus);
        assert_eq!(accepted("application/openmetrics-text;q=0"), Form::Prometheus);
        assert_eq!(accepted("*/*"), Form::Prometheus);
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Prometheus);
    }

    #[test]
    fn both_forms_have_each_family_once() {
        let mut stats = Stats::default();
        stats.probes = 7;
        stats.round_trip = Some(std::time::Duration::from_micros(1500));
        let states = [State::Alive, State::Suspect, State::Failed, State::Left];
        let members = states.map(|state| (state, 2));
        let sample = Sample { stats, members, is_settled: true, at: Instant::now() };
        let made = |form| text(&sample, "a\"b", form);
        let prometheus = made(Form::Prometheus);
        for expected in [
            "# TYPE swim_node_info gauge\nswim_node_info{name=\"a\\\"b\",version=",
            "# TYPE swim_members gauge\nswim_members{state=\"alive\"} 2\n",
            "# TYPE swim_probes_total counter\nswim_probes_total 7\n",
            "# TYPE swim_round_trip_seconds gauge\nswim_round_trip_seconds 0.0015\n",
            "\nswim_settled 1\n",
        ] {
            assert!(prometheus.contains(expected), "{expected}: {prometheus}");
        }
        let open = made(Form::OpenMetrics);
        for expected in
            ["# TYPE swim_node info\n", "# TYPE swim_probes counter\nswim_probes_total 7\n"]
        {
            assert!(open.contains(expected), "{expected}: {open}");
        }
        assert!(open.ends_with("\n# EOF\n") && !prometheus.contains("EOF"));
        for text in [open, prometheus] {
            let mut families: Vec<_> =
                text.lines().filter(|line| line.starts_with("# TYPE")).collect();
            let all = families.len();
            families.sort_unstable();
            families.dedup();
            assert_eq!(families.len(), all);
        }
    }
}
