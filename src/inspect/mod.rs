//! How a component of a type that is known at run time only is read, and emptied.
//!
//! It reads what is declared by the derive of [`References`](crate::References), what can be
//! reflected, and the relationships that Bevy keeps. Which entities are looked for, and why, is the
//! business of `find` and `sweep`.
//!
//! # Invariants
//!
//! 1. A component is read in full, or its type is listed as a blind spot, or the search is known
//!    not to see such things: the reports say which.
//! 2. A component counts as changed only if something was taken out of it.

pub(crate) mod blind_spot;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod emptying;
pub(crate) mod holder;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod immutable;
pub(crate) mod label;
pub(crate) mod left_out;
#[cfg(not(feature = "bevy_reflect"))]
pub(crate) mod no_reflection;
pub(crate) mod reader;
pub(crate) mod readers;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod reflection;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod survey;

#[cfg(not(feature = "bevy_reflect"))]
pub(crate) use no_reflection as reflection;

/// How many steps deep [`find_references`](crate::WorldReferencesExt::find_references) looks into a
/// component by reflection, and how many holders a chain from a root may have.
///
/// A step is one into a field, a variant, or an element; an `Option` takes none.
pub const MAX_DEPTH: usize = 64;
