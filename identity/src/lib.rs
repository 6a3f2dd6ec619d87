//! An identity map for `bevy_ecs`: a world larger than memory, whose objects are in a store while
//! nothing needs them.
//!
#![doc = include_str!("../README.md")]
//!
//! # Words
//!
//! | word | meaning |
//! | --- | --- |
//! | stable id | the identity of an object in the store, `#123`: never used again |
//! | resident, cold, gone | in this world; in the store only; in neither |
//! | unit | an object that nothing owns, and all that it owns: it comes and leaves as a whole |
//! | checkpoint | one atomic, durable write of everything that changed |
//! | pin | a reason why an object must stay in the world |
//!
//! # What becomes of a component
//!
//! - *Persistent*: it is written, and comes back. [`WorldIdentityExt::persist`].
//! - *Derived*: it is dropped, and rebuilt by what made it.
//!   [`WorldIdentityExt::register_derived`].
//! - *Volatile*: it is not written, and keeps its object in the world.
//!   [`WorldIdentityExt::register_volatile`].
//! - *Relationships* are written by the id of their target. If the target owns its sources, they
//!   are one unit. Else the relationship is there whenever both ends are.
//!   [`WorldIdentityExt::persist_relationship`].
//! - What is not registered is not written either. It pins, and reports name it.
//!
//! Bevy's `ChildOf` and `Disabled` are persistent under these names. Lists of what relates to an
//! entity are derived, and observers of an entity are volatile.

mod attach;
mod checkpoint;
mod connection;
mod delete;
pub mod error;
mod events;
mod ext;
mod hash;
mod life;
mod link;
mod load;
mod map;
mod names;
mod panics;
mod pins;
#[cfg(feature = "bevy_app")]
mod plugin;
mod queries;
mod registry;
mod report;
mod residents;
mod stable_id;
mod stable_ref;
pub mod store;
mod stored;
pub mod testing;
mod worker;

pub use self::{
    checkpoint::CheckpointStart,
    ext::{commands::CommandsIdentityExt, world::WorldIdentityExt},
    life::Persistent,
    load::carried::CarriedAlong,
    pins::Pin,
    report::{CheckpointReport, LoadReport},
    residents::{Residents, Resolved},
    stable_id::StableId,
    stable_ref::StableRef,
    stored::Stored,
};
#[cfg(feature = "bevy_app")]
pub use self::{
    ext::app::AppIdentityExt,
    plugin::{IdentityPlugin, IdentitySystems},
};

/// What a game is told of its objects.
pub mod event {
    pub use crate::events::{
        CheckpointFailed, Checkpointed, Created, IdRefused, LoadFailed, Loaded,
    };
}
