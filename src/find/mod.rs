//! Who names an entity: the search for it, and the report.
//!
//! [`find_references`](crate::WorldReferencesExt::find_references) looks through the whole world for
//! whoever names an entity, and says where, how a root leads there, and where it could not look. It
//! changes nothing, not even a change tick.
//!
//! How a component is read is the business of `inspect`.
//!
//! # Invariants
//!
//! 1. A place is listed once, however many ways there are to read it.
//! 2. What a report says depends on the ids, the names of the types, the order within the values
//!    and that of the registrations, on nothing else.

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
