//! How the marks of targets come and go.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

/// How the marks of targets come and go.
#[derive(Debug, Default)]
pub(crate) struct TargetMarks {
    /// Who was told of the end of this target is told for good: it is despawned right now.
    pub(crate) despawned: Option<Entity>,
    /// The targets that are being marked.
    pub(crate) under_way: SmallVec<[Entity; 2]>,
    /// Whether it was said that somebody takes the marks off.
    pub(crate) is_reported: bool,
}
