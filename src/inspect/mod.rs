//! How components of types that are only known at run time are read and emptied.
//!
//! It reads declared fields ([`References`](crate::References)), reflected values, and the
//! relationships that Bevy keeps. Which entities are looked for, and when, is the business of
//! `find` and `sweep`.
//!
//! # Invariants
//!
//! 1. A component is read in full, or its type is listed as a blind spot. The docs of
//!    [`ReferenceReport`](crate::find::ReferenceReport) list the values that no report sees.
//! 2. A component counts as changed only if something was removed from it.
//!
//! # Files, in reading order
//!
//! - `label`, `holder`, `blind_spot`: the parts of a report
//! - `survey`: what values of a type can hold
//! - `reflection`, `no_reflection`: values are read by reflection, with the feature `bevy_reflect`
//!   and without
//! - `emptying`, `immutable`: values are emptied by reflection
//! - `left_out`: types that sweeps leave as they are
//! - `reader`, `readers`: how the components of a type, and of a world, are read

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
/// A step leads into a field, a variant, or an element. An `Option` takes none.
pub const MAX_DEPTH: usize = 64;
