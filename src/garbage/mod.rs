//! Who still holds an entity.
//!
//! [`find_references`](FindReferencesExt::find_references) looks through the whole world for whoever names an entity, and says
//! where, how a root leads there, and where it could not look. It reads what is declared by the derive of
//! [`References`](crate::References), what can be reflected, and the relationships that Bevy keeps.
//!
//! Nothing here changes anything, not even a change tick.
//!
//! # Invariants
//!
//! 1. A place is listed once, however many ways there are to read it.
//! 2. A component is read in full, or its type is listed as a blind spot, or the search is known not to see such things:
//!    [`ReferenceReport`] says which.
//! 3. What a report says depends on the ids, the names of the types, the order within the values and that of the
//!    registrations, on nothing else.

mod blind_spot;
mod chain;
mod dot;
mod holder;
mod label;
#[cfg(not(feature = "bevy_reflect"))]
mod no_reflection;
mod reader;
#[cfg(feature = "bevy_reflect")]
mod reflection;
mod report;
mod search;
#[cfg(feature = "bevy_reflect")]
mod survey;
mod world_ext;

#[cfg(not(feature = "bevy_reflect"))]
use no_reflection as reflection;

pub use blind_spot::{BlindSpot, Blindness};
pub use chain::{ChainLink, ReferenceRoot};
pub use holder::{ReferenceHolder, ReferenceKind, ReferencePlace};
pub use label::EntityLabel;
pub use report::ReferenceReport;
pub use world_ext::{FindReferencesExt, SEARCH_DEPTH};
