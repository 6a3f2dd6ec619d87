//! Parts of the texts of errors and reports.

use core::fmt;

/// A number with its noun.
pub(crate) struct Counted(
    pub(crate) usize,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, one, many) = self;
        match count {
            0 => write!(f, "no {many}"),
            1 => write!(f, "1 {one}"),
            _ => write!(f, "{count} {many}"),
        }
    }
}

/// Writes the first of `items` on lines of their own, and the number of the others.
pub(crate) fn write_first<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    shown: usize,
) -> fmt::Result {
    for item in items.iter().take(shown) {
        write!(f, "\n  {item}")?;
    }
    match items.len().saturating_sub(shown) {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}
