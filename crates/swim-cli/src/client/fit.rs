//! Tables that fit the terminal.

use std::io::IsTerminal;

use rustix::termios::tcgetwinsize;

/// A column is not made narrower than this.
const COLUMN_WIDTH_MIN: usize = 8;

/// Blanks between two columns, and before the first.
const GAP: usize = 2;

/// The width of the terminal, or what COLUMNS says; `None` for a file or a pipe.
pub(super) fn width() -> Option<usize> {
    let stdout = std::io::stdout();
    let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let is_terminal = stdout.is_terminal();
    given.or_else(|| {
        let size = is_terminal.then(|| tcgetwinsize(&stdout).ok()).flatten()?;
        Some(usize::from(size.ws_col)).filter(|width| *width > 0)
    })
}

/// Cuts the cells of the widest columns until the rows fit. The first row has the headings.
pub(super) fn fit(rows: &mut [Vec<String>], width: Option<usize>) {
    let Some(width) = width else {
        return;
    };
    let columns = rows.first().map_or(0, Vec::len);
    let mut widths: Vec<usize> = (0..columns).map(|at| widest(rows, at)).collect();
    loop {
        let total: usize = widths.iter().map(|width| width + GAP).sum();
        let excess = total.saturating_sub(width + 1);
        let Some((at, most)) = widths.iter().copied().enumerate().max_by_key(|(_, width)| *width)
        else {
            return;
        };
        if excess == 0 || most <= COLUMN_WIDTH_MIN {
            break;
        }
        // Not further than the next widest column: then they take turns.
        let mut others: Vec<usize> = widths.clone();
        others.remove(at);
        let next = others.into_iter().max().unwrap_or(0).min(most - 1);
        widths[at] = (most - excess.min(most)).max(next).max(COLUMN_WIDTH_MIN);
    }
    for row in rows {
        for (cell, width) in row.iter_mut().zip(&widths) {
            if cell.chars().count() > *width {
                *cell = cell.chars().take(width - 1).chain(['…']).collect();
            }
        }
    }
}

fn widest(rows: &[Vec<String>], at: usize) -> usize {
    rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(width: usize) -> Vec<String> {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let mut rows = [
            row(["name", "state", "tags"]),
            row(["cache-1.example.org", "alive", "role=cache,zone=europe-west"]),
        ];
        fit(&mut rows, Some(width));
        rows[1].clone()
    }

    #[test]
    fn the_widest_columns_are_cut_first() {
        assert_eq!(fitted(80)[2], "role=cache,zone=europe-west");
        assert_eq!(fitted(50), ["cache-1.example.org", "alive", "role=cache,zone=euro…"]);
        assert_eq!(fitted(30), ["cache-1.e…", "alive", "role=cach…"]);
        assert_eq!(fitted(1), ["cache-1…", "alive", "role=ca…"]);
        for width in 28..80 {
            let total: usize = fitted(width).iter().map(|cell| cell.chars().count() + GAP).sum();
            assert!(total <= width + 1, "{width}: {total}");
        }
    }
}
