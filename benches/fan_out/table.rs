//! Figures as text, and tables that are Markdown and read well in a terminal too.

use comfy_table::{Table, presets::ASCII_MARKDOWN};
use indicatif::HumanCount;

/// Creates a table without rows.
pub(crate) fn new_table(titles: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(titles);
    table
}

/// Writes a figure with three digits, or a dash for none.
pub(crate) fn three_digits(figure: Option<f64>) -> String {
    match figure {
        None => "-".into(),
        Some(figure) if figure < 10.0 => format!("{figure:.2}"),
        Some(figure) if figure < 100.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.0}"),
    }
}

/// Writes a count with its thousands set apart.
pub(crate) fn count(number: usize) -> String {
    HumanCount(number as u64).to_string()
}
