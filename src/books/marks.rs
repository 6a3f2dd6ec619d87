//! State of the marks of targets, and of targets that are being despawned.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

/// State of the marks of targets.
#[derive(Debug, Default)]
pub(crate) struct TargetMarks {
    /// The target that is being despawned right now. Registrations on it that were told do not come
    /// back.
    despawned: Option<Entity>,
    /// The targets that are still there because a panic cut their despawn short.
    stuck: SmallVec<[Entity; 2]>,
    /// Whether lists were closed since a target was last told. Their targets may not be marked as
    /// deleting yet.
    pub(crate) is_closing: bool,
    /// The targets that are being marked.
    pub(crate) under_way: SmallVec<[Entity; 2]>,
    /// Whether a warning has said that marks are being removed.
    pub(crate) is_reported: bool,
}

impl TargetMarks {
    /// Begins the despawn of a target. Returns `false` if it has begun already: each mark of a
    /// target has a hook.
    pub(crate) fn begin_despawn(&mut self, target: Entity) -> bool {
        let earlier = self.despawned.replace(target);
        if earlier == Some(target) {
            return false;
        }
        if let Some(stuck) = earlier {
            // Bevy leaves it alive.
            self.keep_stuck(stuck);
        }
        true
    }

    /// Ends the despawn of a target. Returns `false` if it is not being despawned.
    pub(crate) fn end_despawn(&mut self, target: Entity) -> bool {
        let ends = self.despawned == Some(target);
        if ends {
            self.forget(target);
        }
        ends
    }

    /// Notes that a panic cuts the despawn of a target short, which stays alive.
    #[cold]
    pub(crate) fn cut_short(&mut self, target: Entity) {
        if self.despawned.take_if(|at| *at == target).is_some() {
            self.keep_stuck(target);
        }
    }

    /// Returns `true` if the despawn of an entity has begun.
    #[inline]
    pub(crate) fn is_despawned(&self, entity: Entity) -> bool {
        self.despawned == Some(entity) || !self.stuck.is_empty() && self.stuck.contains(&entity)
    }

    /// Forgets that the despawn of a target has begun.
    #[inline]
    pub(crate) fn forget(&mut self, target: Entity) {
        self.despawned.take_if(|at| *at == target);
        if !self.stuck.is_empty() {
            self.stuck.retain(|at| *at != target);
        }
    }

    #[cold]
    fn keep_stuck(&mut self, target: Entity) {
        if !self.stuck.contains(&target) {
            self.stuck.push(target);
        }
    }
}
