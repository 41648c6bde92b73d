//! A plot of how fast crashes were detected.

use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use plotters::prelude::*;
use swim_sim::simulation::{Durations, Plan, Report};

use crate::text;

const SIZE: (u32, u32) = (900, 540);
const FIRST: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const EVERYWHERE: RGBColor = RGBColor(0xd6, 0x27, 0x28);

/// A writable file for a plot.
#[derive(Debug)]
pub(crate) struct PlotFile {
    path: PathBuf,
    file: File,
    /// Whether the file is new, and empty.
    new: bool,
}

impl PlotFile {
    /// Opens the file before the simulation, so that an unwritable path fails at once. Does not
    /// change the contents.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let new = !path.exists();
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|error| {
            format!(
                "cannot write the plot {}: {error}; nothing was simulated: choose a file in a \
                 directory that exists and is writable",
                path.display()
            )
        })?;
        Ok(PlotFile { path: path.to_owned(), file, new })
    }

    /// Draws the plot and replaces the contents of the file. Changes nothing if there is nothing to
    /// draw.
    pub(crate) fn draw(mut self, plan: &Plan, report: &Report) -> Result<(), String> {
        if report.first_declared.is_empty() {
            if self.new {
                // Leaves no empty file behind.
                let _ = std::fs::remove_file(&self.path);
            }
            let path = self.path.display();
            return Err(format!(
                "the plot {path} is not drawn, since no crash was detected: use a longer --duration"
            ));
        }
        let drawn = svg(plan, report).map_err(|error| error.to_string()).and_then(|svg| {
            let written = self
                .file
                .set_len(0)
                .and_then(|()| self.file.rewind())
                .and_then(|()| self.file.write_all(svg.as_bytes()));
            written.map_err(|error| error.to_string())
        });
        drawn.map_err(|error| format!("cannot write the plot {}: {error}", self.path.display()))
    }
}

/// The share of crashes that were detected within a time: by the first node, and by all.
fn svg(plan: &Plan, report: &Report) -> Result<String, Box<dyn std::error::Error>> {
    let (first, all) = (&report.first_declared, &report.known_everywhere);
    let longest = first.max().max(all.max()).unwrap_or_default().as_secs_f64().max(0.1);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let caption = format!(
            "{}, {}: how fast crashes are detected",
            text::count(plan.nodes, "node"),
            text::count(report.crashes, "crash").replace("crashs", "crashes")
        );
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, ("sans-serif", 20))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..longest * 1.05, 0.0..100.0)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("seconds since the crash")
            .y_desc("% of the crashes")
            .y_label_formatter(&|percent| format!("{percent:.0}"))
            .draw()?;
        let curves = [
            (first, FIRST, "the first node declares it failed"),
            (all, EVERYWHERE, "every node knows"),
        ];
        for (times, colour, label) in curves {
            let points = steps(times, report.crashes, longest * 1.05);
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(label)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(0xcc, 0xcc, 0xcc))
            .draw()?;
        area.present()?;
    }
    Ok(svg)
}

/// A curve with a step up at each time. Undetected crashes leave it below 100%.
fn steps(times: &Durations, of: usize, end: f64) -> Vec<(f64, f64)> {
    let percent = |count: usize| 100.0 * count as f64 / of.max(1) as f64;
    let mut points = vec![(0.0, 0.0)];
    for (before, time) in times.iter().enumerate() {
        points.push((time.as_secs_f64(), percent(before)));
        points.push((time.as_secs_f64(), percent(before + 1)));
    }
    points.push((end, percent(times.len())));
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_curve_climbs_by_one_step_for_each_time() {
        let times: Durations = [2, 4].into_iter().map(Duration::from_secs).collect();
        let points = steps(&times, 4, 5.0);
        let expected = [(0.0, 0.0), (2.0, 0.0), (2.0, 25.0), (4.0, 25.0), (4.0, 50.0), (5.0, 50.0)];
        assert_eq!(points, expected);
    }
}
