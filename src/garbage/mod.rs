//! Who still holds an entity, and what is done about it.
//!
//! [`find_references`](FindReferencesExt::find_references) looks through the whole world for whoever names an entity, and says
//! where, how a root leads there, and where it could not look. It reads what is declared by the derive of
//! [`References`](crate::References), what can be reflected, and the relationships that Bevy keeps. It changes nothing, not even
//! a change tick.
//!
//! A [`Pass`] looks for whoever names what is gone, in the same way, and empties the place. When passes begin, and what
//! comes of them, is the business of deletions.
//!
//! # Invariants
//!
//! 1. A place is listed once, however many ways there are to read it.
//! 2. A component is read in full, or its type is listed as a blind spot, or the search is known not to see such things:
//!    [`ReferenceReport`] says which.
//! 3. What a report says depends on the ids, the names of the types, the order within the values and that of the
//!    registrations, on nothing else.
//! 4. A component counts as changed by a pass only if something was taken out of it.

mod blind_spot;
mod chain;
mod dot;
#[cfg(feature = "bevy_reflect")]
mod emptying;
mod holder;
#[cfg(feature = "bevy_reflect")]
mod immutable;
mod label;
mod leftover;
#[cfg(not(feature = "bevy_reflect"))]
mod no_reflection;
mod pass;
mod reader;
mod readers;
#[cfg(feature = "bevy_reflect")]
mod reflection;
mod report;
mod search;
#[cfg(feature = "bevy_reflect")]
mod survey;
mod target;
mod world_ext;

#[cfg(not(feature = "bevy_reflect"))]
use no_reflection as reflection;

pub use blind_spot::{BlindSpot, Blindness};
pub use chain::{ChainLink, ReferenceRoot};
pub use holder::{ReferenceHolder, ReferenceKind, ReferencePlace};
pub use label::EntityLabel;
pub use leftover::{Leftover, LeftoverState, SHOWN_LEFTOVERS, SweepReport};
pub use report::ReferenceReport;
pub use world_ext::{FindReferencesExt, SEARCH_DEPTH};

pub(crate) use pass::{Pass, Progress, sweep};
pub(crate) use readers::LeftOut;
pub(crate) use target::{Targets, Treatment};
