//! Declared references: fields that name entities and never dangle.
//!
//! A component says by the derive of [`References`] which of its fields name entities. From then on
//! setting the field is all: what it names is noticed by hooks when the component is inserted, and
//! by change detection at the sync points when the field is written. The books of the signal layer
//! hold one link for each component and target, next to the registrations, so both ends clean up in
//! the same way.
//!
//! Nothing here deletes anything: what a policy asks for beyond a field or a component is handed to
//! whoever called, as a `Demand`.
//!
//! # Invariants
//!
//! 1. After a sync, a target's links name exactly the components whose fields name it, as far as it
//!    is alive.
//! 2. A field is released once its target is not alive any more: at once if there is a link, at the
//!    next sync if not.

pub use self::{
    parts::{KeyReferences, ValueReferences},
    path::PathStep,
    policy::{Lost, OnLoss},
    reach::TrackedComponent,
    references::{AfterRelease, ReferenceVisitor, References, Releasable},
};

pub(crate) mod cascade;
pub(crate) mod containers;
pub(crate) mod entity_set;
pub(crate) mod field_places;
pub(crate) mod liveness_marks;
pub(crate) mod look;
pub(crate) mod losses;
pub(crate) mod mapped;
pub(crate) mod parts;
pub(crate) mod path;
pub(crate) mod planned_release;
pub(crate) mod policy;
pub(crate) mod reach;
pub(crate) mod references;
pub(crate) mod release;
pub(crate) mod sync;
pub(crate) mod track;
pub(crate) mod tracked;
pub(crate) mod tracking;
pub(crate) mod watch;
