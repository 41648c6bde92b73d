//! The results of an experiment.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::experiments::Experiment;
use crate::plot::Plot;
use crate::scope::Scope;
use crate::table::Table;

/// The results of an experiment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// The figures.
    pub(crate) tables: Vec<Table>,
    /// Plots of some of them, each with the last part of its file's name.
    pub(crate) plots: Vec<(&'static str, Plot)>,
    /// Information that is needed to read the figures.
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// Returns the report as text.
    pub(crate) fn text(&self, experiment: &Experiment) -> String {
        let mut text = format!("# {}: {}\n", experiment.name, experiment.what);
        for table in &self.tables {
            let _ = write!(text, "\n{}", table.text());
        }
        for note in &self.notes {
            let _ = write!(text, "\n- {note}");
        }
        text + if self.notes.is_empty() { "" } else { "\n" }
    }

    /// Returns the report as JSON.
    pub(crate) fn json(&self, experiment: &Experiment, scope: &Scope) -> Value {
        json!({
            "experiment": experiment.name,
            "what": experiment.what,
            "seed": scope.seed,
            "runs": scope.runs,
            "quick": scope.quick,
            "tables": self.tables,
            "notes": self.notes,
        })
    }

    /// Writes `NAME.json` and the plots.
    pub(crate) fn save(
        &self,
        out: &Path,
        experiment: &Experiment,
        json: &Value,
    ) -> Result<(), String> {
        fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
        let mut files = vec![(format!("{}.json", experiment.name), format!("{json:#}\n"))];
        for (name, plot) in &self.plots {
            files.push((format!("{}-{name}.svg", experiment.name), plot.svg()?));
        }
        for (name, content) in files {
            let path = out.join(name);
            fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}
