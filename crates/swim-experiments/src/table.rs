//! Tables of figures.

use comfy_table::{CellAlignment, Table as Sheet, presets};
use serde::{Serialize, Serializer};

/// One figure, or a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A text.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number, and its number of decimals.
    Number(f64, usize),
    /// No value.
    Nothing,
}

/// Figures in rows and columns.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    /// The caption.
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Creates an empty table with these columns.
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Table { title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }

    /// Returns the table as aligned text, which is also Markdown.
    pub(crate) fn text(&self) -> String {
        let mut sheet = Sheet::new();
        sheet.load_style(presets::ASCII_MARKDOWN).set_header(&self.columns);
        for row in &self.rows {
            sheet.add_row(row.iter().map(Cell::text));
        }
        for (place, column) in sheet.column_iter_mut().enumerate() {
            let words = |row: &Vec<Cell>| matches!(row.get(place), Some(Cell::Text(_)));
            if !self.rows.iter().any(words) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let lines: Vec<String> =
            sheet.to_string().lines().map(|l| l.trim_end().to_owned()).collect();
        format!("{}\n\n{}\n", self.title, lines.join("\n"))
    }
}

impl Cell {
    /// A number, or no value.
    pub(crate) fn number(value: Option<f64>, decimals: usize) -> Self {
        value.map_or(Cell::Nothing, |value| Cell::Number(value, decimals))
    }

    /// A text.
    pub(crate) fn words(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }

    fn text(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => grouped(&count.to_string()),
            Cell::Number(value, decimals) => grouped(&format!("{value:.decimals$}")),
            Cell::Nothing => "-".to_owned(),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Count(count) => serializer.serialize_u64(*count),
            Cell::Number(value, _) => serializer.serialize_f64(*value),
            Cell::Nothing => serializer.serialize_none(),
        }
    }
}

/// Returns a number with a comma after each three digits before the point.
fn grouped(number: &str) -> String {
    let (sign, rest) = number.split_at(usize::from(number.starts_with('-')));
    let (whole, fraction) = rest.find('.').map_or((rest, ""), |point| rest.split_at(point));
    let mut text = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (cell, expected) in [
            (Cell::Count(999), "999"),
            (Cell::Count(1000), "1,000"),
            (Cell::Number(1_234_567.891, 2), "1,234,567.89"),
            (Cell::Number(-100.0, 0), "-100"),
            (Cell::number(None, 1), "-"),
        ] {
            assert_eq!(cell.text(), expected);
        }
    }

    #[test]
    fn a_table_is_markdown_with_figures_to_the_right() {
        let mut table = Table::new("Sizes", &["who", "bytes"]);
        table.row(vec![Cell::words("a"), Cell::Count(7)]);
        assert_eq!(table.text(), "Sizes\n\n| who | bytes |\n|-----|-------|\n| a   |     7 |\n");
    }
}
