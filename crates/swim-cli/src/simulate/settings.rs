//! The table `[simulate]`.

use std::path::PathBuf;
use std::time::Duration;

use swim_tokio::settings::{ABOVE_ZERO, Kind, Setting, Table};

use crate::simulate::spec::{self, LossSpec};

/// The settings in `[simulate]`. Values in the notations of [`spec`] are checked, and kept as
/// written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SimulateSettings {
    pub(crate) nodes: u32,
    pub(crate) latency: String,
    pub(crate) loss: Vec<String>,
    pub(crate) crash: Vec<String>,
    pub(crate) partition: Vec<String>,
    pub(crate) stall: Vec<String>,
    pub(crate) form: bool,
    pub(crate) duration: Option<Duration>,
    pub(crate) seed: u64,
    pub(crate) runs: Option<u32>,
    pub(crate) plot: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Default for SimulateSettings {
    fn default() -> Self {
        SimulateSettings {
            nodes: 20,
            latency: "500us..2ms".into(),
            loss: Vec::new(),
            crash: Vec::new(),
            partition: Vec::new(),
            stall: Vec::new(),
            form: false,
            duration: None,
            seed: 1,
            runs: None,
            plot: None,
            json: false,
        }
    }
}

macro_rules! faults {
    ($field:ident, $parse:path, $form:literal, $example:literal) => {
        Kind::List {
            form: $form,
            example: $example,
            get: |it: &SimulateSettings| it.$field.clone(),
            set: |it, list| {
                list.iter().try_for_each(|text| $parse(text).map(|_| ()))?;
                it.$field = list.iter().map(ToString::to_string).collect();
                Ok(())
            },
        }
    };
}

/// The table `[simulate]`.
pub(crate) static SIMULATE: Table<SimulateSettings> = Table {
    name: "simulate",
    about: "The simulation that 'swim simulate' runs with these settings, in virtual time.",
    variables: "SWIM_SIMULATE_",
    settings: &[
        Setting {
            key: "nodes",
            about: "Number of nodes.",
            change: "to the size of the cluster, and to the size that it may reach",
            kind: Kind::Count {
                unit: "nodes",
                min: 2,
                max: u32::MAX as u64,
                get: |it| Some(it.nodes.into()),
                set: |it, nodes| u32::try_from(nodes).map(|nodes| it.nodes = nodes).is_ok(),
            },
        },
        Setting {
            key: "latency",
            about: "One-way latency of packets.",
            change: "to half of the round trip that ping shows",
            kind: Kind::Text {
                form: "a time such as \"2ms\", a range \"1ms..5ms\" or a tail \
                       \"median=20ms,p99=200ms\"",
                example: "",
                get: |it| Some(it.latency.clone()),
                set: |it, text| {
                    spec::latency(text)?;
                    it.latency = text.into();
                    Ok(())
                },
            },
        },
        Setting {
            key: "loss",
            about: "Share of datagrams that are lost, for a while or always.",
            change: "to see the effect of a bad network",
            kind: Kind::List {
                form: "\"5%\", \"5%,burst=800ms\" or \"5%@60s+30s\"",
                example: "[\"2%\"]",
                get: |it| it.loss.clone(),
                set: |it, list| {
                    it.loss = losses(list)?;
                    Ok(())
                },
            },
        },
        Setting {
            key: "crash",
            about: "Nodes that crash together. If no fault is set, one node crashes; \"0\" means \
                    no crash.",
            change: "to see how fast crashes are detected",
            kind: faults!(crash, spec::crash, "\"3\" or \"3@60s\"", "[\"3@60s\"]"),
        },
        Setting {
            key: "partition",
            about: "Partitions that separate a share of the nodes from the rest.",
            change: "to see how fast the two sides merge again",
            kind: faults!(partition, spec::partition, "\"50%@60s+120s\"", "[\"50%@60s+120s\"]"),
        },
        Setting {
            key: "stall",
            about: "Nodes that neither send nor receive for a while, as if starved.",
            change: "to see the false positives",
            kind: faults!(stall, spec::stall, "\"2@30s+20s\"", "[\"2@30s+20s\"]"),
        },
        Setting {
            key: "form",
            about: "Start with nodes that still have to join.",
            change: "to see how fast a cluster forms",
            kind: Kind::Flag { get: |it| it.form, set: |it, on| it.form = on },
        },
        Setting {
            key: "duration",
            about: "Virtual time of each run, at most a year. The default is long enough for the \
                    faults and settings.",
            change: "",
            kind: Kind::Time {
                min: ABOVE_ZERO,
                max: Duration::MAX,
                get: |it| it.duration,
                set: |it, time| it.duration = Some(time),
            },
        },
        Setting {
            key: "seed",
            about: "Random seed of the first run; each further run uses the next one.",
            change: "to get different runs",
            kind: Kind::Count {
                unit: "",
                min: 0,
                max: u64::MAX,
                get: |it| Some(it.seed),
                set: |it, seed| {
                    it.seed = seed;
                    true
                },
            },
        },
        Setting {
            key: "runs",
            about: "Number of runs. The default is 20, and fewer above 100 nodes.",
            change: "to see rare events",
            kind: Kind::Count {
                unit: "runs",
                min: 1,
                max: 100_000,
                get: |it| it.runs.map(Into::into),
                set: |it, runs| u32::try_from(runs).map(|runs| it.runs = Some(runs)).is_ok(),
            },
        },
        Setting {
            key: "plot",
            about: "Draw how fast crashes were detected, as an SVG file.",
            change: "",
            kind: Kind::Text {
                form: "the path of a file",
                example: "\"detection.svg\"",
                get: |it| Some(it.plot.as_ref()?.display().to_string()),
                set: |it, text| {
                    it.plot = Some(text.into());
                    Ok(())
                },
            },
        },
        Setting {
            key: "json",
            about: "Print the report as one JSON object.",
            change: "if a program reads the report",
            kind: Kind::Flag { get: |it| it.json, set: |it, on| it.json = on },
        },
    ],
};

/// Checks that at most one loss is for the whole time.
fn losses(list: &[&str]) -> Result<Vec<String>, String> {
    let specs = list.iter().map(|text| spec::loss(text)).collect::<Result<Vec<_>, _>>()?;
    if specs.iter().filter(|it| matches!(it, LossSpec::Always(_))).count() > 1 {
        return Err("two losses for the whole time: remove one, or give it a time, such as \
                    5%@60s+30s"
            .into());
    }
    Ok(list.iter().map(ToString::to_string).collect())
}
