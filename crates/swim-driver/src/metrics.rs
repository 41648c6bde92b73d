//! The counters of a node as text for Prometheus.

use std::fmt::Write;

use swim_core::{Counter, CounterKind, Stats};

/// Returns the counters in the text format of Prometheus.
///
/// For applications that already serve metrics. Names begin with `swim_`; counters end in `_total`.
///
/// ```
/// # use swim_driver::{Cluster, Error, metrics_text};
/// async fn metrics(cluster: &Cluster) -> Result<String, Error> {
///     Ok(metrics_text(&cluster.stats().await?))
/// }
/// ```
#[must_use]
pub fn metrics_text(stats: &Stats) -> String {
    let (mut text, mut last) = (String::new(), "");
    for Counter { name, label, kind, help, value, .. } in stats.counters() {
        let (suffix, of_type) = match kind {
            CounterKind::Counter => ("_total", "counter"),
            CounterKind::Gauge => ("", "gauge"),
        };
        // Writing to a string cannot fail.
        if last != name {
            let _ = writeln!(text, "# HELP swim_{name}{suffix} {help}.");
            let _ = writeln!(text, "# TYPE swim_{name}{suffix} {of_type}");
            last = name;
        }
        let label = label.map(|(key, value)| format!("{{{key}=\"{value}\"}}")).unwrap_or_default();
        let _ = writeln!(text, "swim_{name}{suffix}{label} {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_help_and_its_type_once() {
        let mut stats = Stats::default();
        (stats.probes, stats.health) = (7, 2);
        let text = metrics_text(&stats);
        let probes = "# HELP swim_probes_total Probes started by this node.\n\
            # TYPE swim_probes_total counter\nswim_probes_total 7\n";
        assert!(text.contains(probes), "{text}");
        let health = "# TYPE swim_health gauge\nswim_health 2\n";
        assert!(text.contains(health), "{text}");
        assert!(text.contains("swim_drops_total{reason=\"stale\"} 0\n"), "{text}");
        assert_eq!(text.matches("# TYPE swim_drops_total counter\n").count(), 1);
    }
}
