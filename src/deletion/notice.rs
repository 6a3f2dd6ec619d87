//! What is to be told of an entity that was marked.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use crate::signal::qdeleting::QdelCause;

/// An entity that was marked, and of which its listeners are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) entity: Entity,
    /// Why it is deleted.
    pub(crate) cause: QdelCause,
    /// Whether the deletion is forced.
    pub(crate) force: bool,
}

/// The notices of entities that were marked together, most often few.
pub(crate) type Notices = SmallVec<[Notice; 2]>;
