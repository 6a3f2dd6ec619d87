//! What texts for people are made of.

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

/// The name of a type without its path.
pub(crate) struct ShortType<'a>(pub(crate) &'a str);

impl fmt::Display for ShortType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", disqualified::ShortName(self.0))
    }
}
