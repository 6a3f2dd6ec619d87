//! What a component has lost.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::{Entity, EntityIndexSet};
use smallvec::SmallVec;

/// So many are looked at one by one.
const FEW: usize = 16;

/// What a component has lost, each entity once and in order.
///
/// Most components lose one entity at a time, so no memory is asked for up to four.
#[derive(Debug, Clone)]
pub(crate) struct LostSet(Entities);

#[derive(Debug, Clone)]
enum Entities {
    /// At most [`FEW`].
    Few(SmallVec<[Entity; 4]>),
    Many(EntityIndexSet),
}

impl Default for LostSet {
    fn default() -> Self {
        Self(Entities::Few(SmallVec::new()))
    }
}

impl LostSet {
    pub(crate) fn is_empty(&self) -> bool {
        match &self.0 {
            Entities::Few(few) => few.is_empty(),
            Entities::Many(many) => many.is_empty(),
        }
    }

    pub(crate) fn contains(&self, entity: &Entity) -> bool {
        match &self.0 {
            Entities::Few(few) => few.contains(entity),
            Entities::Many(many) => many.contains(entity),
        }
    }

    /// Adds an entity at the end, unless it is there.
    pub(crate) fn insert(&mut self, entity: Entity) {
        match &mut self.0 {
            Entities::Few(few) if few.contains(&entity) => {}
            Entities::Few(few) if few.len() < FEW => few.push(entity),
            Entities::Few(few) => {
                let many = few.drain(..).chain([entity]).collect();
                self.0 = Entities::Many(many);
            }
            Entities::Many(many) => {
                many.insert(entity);
            }
        }
    }

    /// Drops those that are not to be `kept`.
    pub(crate) fn retain(&mut self, mut kept: impl FnMut(&Entity) -> bool) {
        match &mut self.0 {
            Entities::Few(few) => few.retain(|entity| kept(entity)),
            Entities::Many(many) => many.retain(kept),
        }
    }

    /// Returns the entities in order.
    pub(super) fn into_entities(self) -> SmallVec<[Entity; 4]> {
        match self.0 {
            Entities::Few(few) => few,
            Entities::Many(many) => many.into_iter().collect(),
        }
    }
}
