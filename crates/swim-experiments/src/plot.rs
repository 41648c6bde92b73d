//! Plots of figures.

use plotters::prelude::*;

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal distances are equal differences.
    Linear,
    /// Equal distances are equal ratios. Zeros are drawn at the smallest other value.
    Logarithmic,
}

/// One axis.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// Its quantity and unit.
    pub(crate) label: &'static str,
    /// Its scale.
    pub(crate) scale: Scale,
}

/// A line chart.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// The title.
    pub(crate) title: String,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// The vertical axis.
    pub(crate) y: Axis,
    /// The lines, each with its legend.
    pub(crate) lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// Colours that people with colour blindness can distinguish (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 400);

impl Axis {
    /// An axis on which equal distances are equal differences.
    pub(crate) fn linear(label: &'static str) -> Self {
        Axis { label, scale: Scale::Linear }
    }

    /// An axis on which equal distances are equal ratios.
    pub(crate) fn logarithmic(label: &'static str) -> Self {
        Axis { label, scale: Scale::Logarithmic }
    }

    /// Returns the position of a value on the axis: its exponent on a logarithmic one.
    fn place(&self, value: f64, least: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(least).log10(),
        }
    }

    /// Returns the smallest positive value, and the range of the axis that holds all values.
    fn range(&self, values: impl Iterator<Item = f64> + Clone) -> (f64, std::ops::Range<f64>) {
        let positive = values.clone().filter(|value| *value > 0.0);
        let least = positive.fold(f64::INFINITY, f64::min).min(1e300);
        let places = values.map(|value| self.place(value, least));
        let (low, high) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| {
            (low.min(place), high.max(place))
        });
        let range = match self.scale {
            Scale::Linear => low.min(0.0)..high.max(low.min(0.0) + 1e-9) * 1.05,
            Scale::Logarithmic => low.floor()..high.ceil().max(low.floor() + 1.0),
        };
        (least, range)
    }

    /// Returns the label at a position.
    fn tick(&self, place: f64) -> String {
        match self.scale {
            Scale::Linear if place.abs() < 10.0 && place.fract() != 0.0 => format!("{place:.1}"),
            Scale::Linear => format!("{place:.0}"),
            Scale::Logarithmic if place < 0.0 => format!("{}", 10f64.powf(place)),
            Scale::Logarithmic => format!("{:.0}", 10f64.powf(place)),
        }
    }
}

impl Plot {
    /// Returns the plot as SVG.
    pub(crate) fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        self.draw(&mut svg).map_err(|error| format!("cannot draw {:?}: {error}", self.title))?;
        Ok(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let points = self.lines.iter().flat_map(|(_, points)| points);
        let (x_least, x_range) = self.x.range(points.clone().map(|(x, _)| *x));
        let (y_least, y_range) = self.y.range(points.map(|(_, y)| *y));
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, ("sans-serif", 17))
            .margin(10)
            .x_label_area_size(40)
            .y_label_area_size(65)
            .build_cartesian_2d(x_range.clone(), y_range.clone())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_labels(ticks(&self.x, &x_range))
            .y_labels(ticks(&self.y, &y_range))
            .x_desc(self.x.label)
            .y_desc(self.y.label)
            .x_label_formatter(&|place| self.x.tick(*place))
            .y_label_formatter(&|place| self.y.tick(*place))
            .draw()?;
        for ((name, points), colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let places =
                points.iter().map(|(x, y)| (self.x.place(*x, x_least), self.y.place(*y, y_least)));
            let style = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(places, style).point_size(3))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        root.present()?;
        Ok(())
    }
}

/// Returns the number of labels of an axis: one per power of ten on a logarithmic one.
fn ticks(axis: &Axis, range: &std::ops::Range<f64>) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few decades")]
    match axis.scale {
        Scale::Linear => 8,
        Scale::Logarithmic => (range.end - range.start).clamp(1.0, 20.0) as usize + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_with_zeros_on_an_axis_of_ratios_is_drawn() {
        let plot = Plot {
            title: "Sizes & times".into(),
            x: Axis::logarithmic("nodes"),
            y: Axis::linear("seconds"),
            lines: vec![("a".into(), vec![(0.0, 0.0), (10.0, 2.0), (1000.0, 3.0)])],
        };
        let svg = plot.svg().unwrap();
        assert!(svg.contains("<polyline") && svg.contains("Sizes &amp; times"));
    }
}
