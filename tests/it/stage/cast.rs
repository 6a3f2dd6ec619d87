//! The entities of a deletion in which code meddles.

use bevy_ecs::entity::Entity;

/// Three that must go, the first with the others, and one that may.
#[derive(Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) owner: Entity,
    pub(crate) target: Entity,
    pub(crate) owned: Entity,
    pub(crate) other: Entity,
}

impl Cast {
    pub(crate) fn all(self) -> [Entity; 4] {
        [self.owner, self.target, self.owned, self.other]
    }
}
