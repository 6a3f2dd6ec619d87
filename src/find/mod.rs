//! The search for places that name an entity, and its report.
//!
//! [`find_references`](crate::WorldReferencesExt::find_references) looks through the whole world.
//! It reports the places that name an entity, how a root leads there, and where it could not look.
//! It changes nothing, not even a change tick.
//!
//! # Invariants
//!
//! 1. A place is listed once, even if it can be read in several ways.
//! 2. A report depends on the ids, the names of types, the order within values and that of
//!    registrations, and on nothing else.

// How a component is read is in `inspect`. Places that name what is gone are emptied by `sweep`.
//
// The files, in reading order:
//
// - `report`, `dot`: the report, as text and as a graph
// - `chain`: the ways from roots to holders
// - `search`: the search through a world

pub use self::report::ReferenceReport;
pub use crate::inspect::{
    MAX_DEPTH,
    blind_spot::{BlindReason, BlindSpot},
    holder::{ChainLink, Holder, Place, PlaceKind},
    label::EntityLabel,
};
pub use crate::sweep::events::ReferencesFound;

pub(crate) mod chain;
pub(crate) mod dot;
pub(crate) mod report;
pub(crate) mod search;
