//! Tables for people.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

use crate::style::{Paint, Tone};

/// Invisible characters of no width that mark a coloured cell while its table is laid out. Text
/// from elsewhere cannot contain them: it is escaped first (see [`crate::text::escape`]).
const MARKS: [(Tone, char); 4] = [
    (Tone::Good, '\u{2061}'),
    (Tone::Warning, '\u{2062}'),
    (Tone::Bad, '\u{2063}'),
    (Tone::Quiet, '\u{2064}'),
];

/// Columns, and a line under the headings: easy to read, and to cut with `awk`.
const RULED: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table that is being filled.
#[derive(Debug)]
pub(crate) struct Sheet {
    table: Table,
    paint: Paint,
}

/// Marks the text of a cell to be coloured once its table is laid out.
pub(crate) fn toned(tone: Tone, text: &str) -> String {
    match MARKS.iter().find(|(marked, _)| *marked == tone) {
        Some((_, mark)) => format!("{mark}{text}{mark}"),
        None => text.to_string(),
    }
}

impl Sheet {
    /// A table with these headings.
    pub(crate) fn new(paint: Paint, headings: Vec<String>) -> Self {
        let mut table = Table::new();
        table
            .load_style(RULED)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(headings);
        let mut sheet = Sheet { table, paint };
        sheet.pad(1);
        sheet
    }

    /// Moves many narrow columns closer together.
    pub(crate) fn tight(mut self) -> Self {
        self.pad(0);
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.table.add_row(cells);
    }

    /// The table as text, without the last line break.
    pub(crate) fn render(&self) -> String {
        let laid_out = self.table.to_string();
        let lines: Vec<String> =
            laid_out.lines().map(|line| colour(self.paint, line.trim_end())).collect();
        lines.join("\n")
    }

    fn pad(&mut self, left: u16) {
        self.table.column_iter_mut().for_each(|column| {
            column.set_padding((left, 0));
        });
    }
}

/// Replaces pairs of marks by colours.
fn colour(paint: Paint, line: &str) -> String {
    let mut coloured = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((at, (tone, mark))) = next_mark(rest) {
        coloured.push_str(&rest[..at]);
        let marked = &rest[at + mark.len_utf8()..];
        let (text, after) = marked.split_once(mark).unwrap_or((marked, ""));
        coloured.push_str(&paint.text(tone, text));
        rest = after;
    }
    coloured + rest
}

fn next_mark(text: &str) -> Option<(usize, (Tone, char))> {
    text.char_indices()
        .find_map(|(at, c)| MARKS.iter().find(|(_, mark)| *mark == c).map(|marked| (at, *marked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_take_no_room_and_do_not_stay() {
        let mut sheet = Sheet::new(Paint::OFF, vec!["name".into(), "state".into(), "x".into()]);
        sheet.row(vec!["größe".into(), toned(Tone::Good, "alive"), "1".into()]);
        sheet.row(vec!["b".into(), toned(Tone::Bad, "failed"), "2".into()]);
        let expected =
            [" name   state   x", "─────────────────", " größe  alive   1", " b      failed  2"];
        assert_eq!(sheet.render().lines().collect::<Vec<_>>(), expected);
    }
}
