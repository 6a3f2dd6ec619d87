//! A plain table: a heading, rows, and lines between them.

use core::fmt;

/// Draws rows below a heading. The first column stands on the left, the others on the right.
///
/// It expects a cell of each row for each title, and characters that are as wide as one column.
pub(crate) struct TextTable {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub(crate) fn new(titles: Vec<&'static str>, rows: Vec<Vec<String>>) -> Self {
        Self { titles, rows }
    }

    /// Returns how many characters the widest cell of each column has.
    fn widths(&self) -> Vec<usize> {
        let titles = self.titles.iter().enumerate();
        titles
            .map(|(at, title)| {
                let cells = self.rows.iter().map(|row| row[at].as_str());
                let widths = cells.chain([*title]).map(|cell| cell.chars().count());
                widths.max().unwrap_or_default()
            })
            .collect()
    }
}

/// Has no line end after its last line.
impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();

        write_rule(f, &widths, ["┌", "─", "┬", "┐\n"])?;
        write_row(f, &widths, &self.titles)?;
        write_rule(f, &widths, ["╞", "═", "╪", "╡\n"])?;
        for row in &self.rows {
            write_row(f, &widths, row)?;
        }
        write_rule(f, &widths, ["└", "─", "┴", "┘"])
    }
}

fn write_rule(
    f: &mut fmt::Formatter<'_>,
    widths: &[usize],
    [start, line, between, end]: [&str; 4],
) -> fmt::Result {
    let lines: Vec<_> = widths.iter().map(|width| line.repeat(width + 2)).collect();
    write!(f, "{start}{}{end}", lines.join(between))
}

fn write_row(
    f: &mut fmt::Formatter<'_>,
    widths: &[usize],
    cells: &[impl fmt::Display],
) -> fmt::Result {
    for (at, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        if at == 0 {
            write!(f, "│ {cell:<width$} ")?;
        } else {
            write!(f, "┆ {cell:>width$} ")?;
        }
    }
    f.write_str("│\n")
}
