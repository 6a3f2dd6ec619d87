//! What is being deleted, and how far it got.
//!
//! Plain data: no function here takes a world.

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::ReflectResource;
use bevy_ecs::{entity::Entity, resource::Resource};
use bevy_platform::cell::SyncCell;
use smallvec::SmallVec;

use super::owned::Ownerships;
use crate::signal::{Cause, Panicked, Reserved};

/// What became of a [`qdel`](crate::QdelExt::qdel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Qdel {
    /// It is being deleted. Its listeners were told, or will be before the deletion returns that this
    /// one is part of. With [`Teardown::Immediate`](crate::Teardown::Immediate) it is gone after the outermost.
    Queued,
    /// A handler of [`PreQdel`](crate::PreQdel) objected: nothing has happened.
    Vetoed {
        /// The entity that must stay: the one to be deleted, or one that it owns.
        on: Entity,
    },
    /// Its deletion had begun before.
    AlreadyDeleting,
}

/// How often what happened, since the world began: a resource.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[require(Reserved)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Resource)
)]
#[non_exhaustive]
pub struct QdelCounts {
    /// Entities that were marked and told: those that `qdel` was called on, and what they owned.
    pub deleted: u64,
    /// Calls that a veto stopped.
    pub vetoed: u64,
    /// Calls for an entity whose deletion had begun before.
    pub repeated: u64,
    /// Calls that were refused with an error.
    pub refused: u64,
    /// Entities that were torn down by this crate.
    pub torn_down: u64,
}

/// A notice that is still to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notice {
    pub(super) entity: Entity,
    pub(super) cause: Cause,
    pub(super) force: bool,
}

/// How far work on the worklist goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Goal {
    /// Tell everybody, and leave the rest to the end of the frame.
    #[default]
    Tell,
    /// Tear down what waits for it when the work begins.
    TearDownWaiting,
    /// Tear down until nothing waits for it.
    TearDownAll,
}

/// The worklist.
#[derive(Resource, Default)]
#[require(Reserved)]
pub(super) struct Deletions {
    /// Whether somebody is working on it, and how far.
    pub(super) work: Option<Goal>,
    pub(super) to_tell: SmallVec<[Notice; 2]>,
    /// Owned before owner, oldest deletion first.
    pub(super) to_tear_down: Vec<Entity>,
    /// The panic of a deletion inside another one, which would lose what else waits in the command queue.
    pub(super) panicked: Option<SyncCell<Panicked>>,
    pub(super) ownerships: Ownerships,
}
