//! Declared references: fields that name entities and never dangle.
//!
//! The derive of [`References`] says which fields of a component name entities. After that, you
//! only set the fields. Hooks notice what a component names when it is inserted, and change
//! detection notices at the sync points when a field is written. For each component and target
//! there is one link, beside the registrations of signals, so both are cleaned up in the same way.
//!
//! Nothing here deletes anything. What a policy demands beyond a field is returned to the caller.
//!
//! # Invariants
//!
//! 1. After a sync, the links of a living target name exactly the components whose fields name it.
//! 2. A field is released once its target is not alive any more: at once if there is a link, at the
//!    next sync if not.

// The links are kept in `books/references.rs`. What is demanded is done in `deletion/settle.rs`,
// and the verbs are in `ext`. After a plain despawn there is no caller: then the demands go up by
// `Tracked::settle`.
//
// The files, in reading order:
//
// - `policy`, `path`: what happens to a field, and the way to it
// - `references`, `containers`, `parts`, `mapped`: the trait, and its implementations
// - `field_places`: places in a component that name an entity
// - `entity_set`, `liveness_marks`: look-ups in lists of entities, and whether an entity is alive
// - `tracking`, `reach`: a tracked type with its type erased, and how its components are changed
// - `watch`, `marking`: components that were written, and entities that they name first
// - `tracked`: all tracked types
// - `losses`, `released`, `simple_release`, `release`: fields release what is lost
// - `sync`, `look`: components are linked to what they name
// - `track`: a type becomes tracked
// - `cascade`, `planned_release`: what a deletion would take along, refuse and release

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
pub(crate) mod marking;
pub(crate) mod parts;
pub(crate) mod path;
pub(crate) mod planned_release;
pub(crate) mod policy;
pub(crate) mod reach;
pub(crate) mod references;
pub(crate) mod release;
pub(crate) mod released;
pub(crate) mod simple_release;
pub(crate) mod sync;
pub(crate) mod track;
pub(crate) mod tracked;
pub(crate) mod tracking;
pub(crate) mod watch;
