//! The way from a component to an entity that it names.

use core::fmt;

/// A step on the way from a component to an entity that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep {
    /// Into a field of a struct, or of a tuple by its number.
    Field(&'static str),
    /// Into a variant of an enum.
    Variant(&'static str),
    /// To an element of a list, a set, or an array, from 0.
    Index(usize),
    /// To the key of a map's entry, from 0.
    Key(usize),
    /// To the value of a map's entry, from 0.
    Value(usize),
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Variant(name) => write!(f, "::{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(index) => write!(f, "[key {index}]"),
            Self::Value(index) => write!(f, "[value {index}]"),
        }
    }
}
