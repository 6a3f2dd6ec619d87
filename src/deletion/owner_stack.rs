//! Where the tear-down of an owner is that still owns something.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::{Entity, EntityHashSet};

/// An owner that is torn down, and on top of it what must go before.
#[derive(Debug, Default)]
pub(crate) struct OwnerStack {
    pub(super) frames: Vec<Frame>,
    /// The entities whose turn it was, on the stack or not any more. One that is met again stands
    /// in a ring.
    pub(super) entered: EntityHashSet,
}

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) entity: Entity,
    /// Whether it was its turn.
    pub(super) is_entered: bool,
    /// How often newcomers were waited for.
    pub(super) rounds: u32,
}

impl OwnerStack {
    /// Returns the stack that begins with `root`.
    pub(crate) fn from(root: Entity) -> Self {
        let mut stack = Self::default();
        stack.push(root);
        stack
    }

    /// Returns `true` if nothing is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.frames.is_empty()
    }

    /// Returns how many entities are known to be left.
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Returns the entities that are left to be despawned, owned before owner.
    pub(crate) fn left(self) -> impl Iterator<Item = Entity> {
        self.frames.into_iter().rev().map(|frame| frame.entity)
    }

    /// Puts an entity on top that must go before the others.
    pub(super) fn push(&mut self, entity: Entity) {
        self.frames.push(Frame {
            entity,
            is_entered: false,
            rounds: 0,
        });
    }
}
