//! Declared references: fields that name entities and never dangle.
//!
//! A component says by the derive of [`References`] which of its fields name entities. From then on setting the field
//! is all: what it names is noticed by hooks when the component is inserted, and by change detection at the sync points
//! when the field is written. The books of the signal layer hold one link for each component and target, next to the
//! registrations, so both ends clean up in the same way.
//!
//! Nothing here deletes anything: what a policy asks for beyond a field or a component is handed to whoever called,
//! as a [`Demand`].
//!
//! # Invariants
//!
//! 1. After a sync, a target's links name exactly the components whose fields name it, as far as it is alive.
//! 2. A field is released once its target is not alive any more: at once if there is a link, at the next sync if not.

mod among;
mod cascade;
mod containers;
mod look;
mod losses;
mod mapped;
mod parts;
mod path;
mod plan;
mod policy;
mod references;
mod release;
mod standing;
mod sync;
mod tracked;
mod watch;

pub use mapped::Mappable;
pub use parts::{KeyReferences, ValueReferences};
pub use path::Step;
pub use plan::PlannedRelease;
pub use policy::{Lost, Policy};
pub use references::{ReferenceVisitor, References, Releasable, Remains};
pub use tracked::Change;

pub(crate) use cascade::{
    Denial, DenyingFields, Dependent, Dependents, for_each_needed, may_cascade,
};
pub(crate) use look::{Scope, look};
pub(crate) use path::Place;
pub(crate) use plan::Places;
#[cfg(feature = "bevy_app")]
pub(crate) use release::has_lost;
pub(crate) use release::{Released, is_named, must_go, release, release_survivor};
pub(crate) use sync::sync;
#[cfg(feature = "bevy_reflect")]
pub(crate) use tracked::is_tracked;
pub(crate) use tracked::{Demand, Hears, Tracked, Tracking, naming, track};
