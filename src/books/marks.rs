//! State of the marks of targets.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

/// State of the marks of targets.
#[derive(Debug, Default)]
pub(crate) struct TargetMarks {
    /// The target that is being despawned right now. Registrations on it that were told do not come
    /// back.
    pub(crate) despawned: Option<Entity>,
    /// The targets that are being marked.
    pub(crate) under_way: SmallVec<[Entity; 2]>,
    /// Whether a warning has said that marks are being removed.
    pub(crate) is_reported: bool,
}
