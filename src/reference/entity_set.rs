//! Look-ups in lists of entities.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::{Entity, EntityHashSet};

/// Up to this length, a list is searched one by one.
const FEW: usize = 16;

/// A list of entities, prepared for look-ups.
pub(crate) struct Among<'a> {
    entities: &'a [Entity],
    /// Empty for short lists.
    index: EntityHashSet,
}

impl<'a> Among<'a> {
    pub(crate) fn new(entities: &'a [Entity]) -> Self {
        let index = match entities.len() {
            ..=FEW => EntityHashSet::default(),
            _ => entities.iter().copied().collect(),
        };
        Self { entities, index }
    }

    pub(crate) fn contains(&self, entity: Entity) -> bool {
        match self.entities.len() {
            ..=FEW => self.entities.contains(&entity),
            _ => self.index.contains(&entity),
        }
    }
}

/// Removes duplicates from `entities`, from `start` on.
pub(crate) fn dedup_from(entities: &mut Vec<Entity>, start: usize) {
    if entities.len() <= start + 1 {
        return;
    }
    let all = entities.split_off(start);
    if all.len() <= FEW {
        for entity in all {
            if !entities[start..].contains(&entity) {
                entities.push(entity);
            }
        }
    } else {
        let mut seen = EntityHashSet::default();
        entities.extend(all.into_iter().filter(|entity| seen.insert(*entity)));
    }
}
