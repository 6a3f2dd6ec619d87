//! Which components came late: those that are destroyed, and were inserted on an entity that is
//! being deleted when its others were destroyed already.
//!
//! Plain data: no function here takes a world.

use core::mem;

use bevy_ecs::{component::ComponentId, entity::Entity};
use smallvec::SmallVec;

use crate::hash::{HashMap, IndexMap};

/// How often a component of one entity is destroyed that comes back each time.
pub(crate) const MOST_RETURNS: u32 = 16;

/// What was inserted on entities that are being deleted, in the order in which they got the first.
#[derive(Debug, Default)]
pub(crate) struct LateComponents(IndexMap<Entity, SmallVec<[ComponentId; 1]>>);

impl LateComponents {
    /// Returns `true` if nothing is noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all that is noted: entities in order, each with its components.
    pub(crate) fn take(
        &mut self,
    ) -> impl Iterator<Item = (Entity, SmallVec<[ComponentId; 1]>)> + use<> {
        mem::take(&mut self.0).into_iter()
    }

    /// Forgets what was inserted on an entity, because all of its components are destroyed now.
    pub(crate) fn forget(&mut self, entity: Entity) {
        if !self.0.is_empty() {
            self.0.swap_remove(&entity);
        }
    }

    /// Notes that a component was inserted on an entity that is being deleted.
    pub(crate) fn note(&mut self, entity: Entity, component: ComponentId) {
        let noted = self.0.entry(entity).or_default();
        if !noted.contains(&component) {
            noted.push(component);
        }
    }
}

/// How often each component of each entity was destroyed late, by one deletion or flush.
#[derive(Default)]
pub(crate) struct Returns(HashMap<(Entity, ComponentId), u32>);

impl Returns {
    /// Counts once more, and tells whether that is still bearable.
    pub(crate) fn count(&mut self, entity: Entity, component: ComponentId) -> bool {
        let returns = self.0.entry((entity, component)).or_default();
        *returns += 1;
        *returns <= MOST_RETURNS
    }
}
