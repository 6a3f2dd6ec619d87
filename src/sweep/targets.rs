//! The targets of a sweep.

use bevy_ecs::{
    entity::{Entity, EntityHashMap, EntityHashSet},
    world::World,
};

/// What a sweep does with a place that names a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It empties the place, if it can.
    Empty,
    /// It only reports the place.
    Report,
}

/// The targets of a sweep.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// The treatment of places that name any entity which is gone.
    gone: Option<Treatment>,
    /// Entities that are no targets though they are gone.
    left_out: EntityHashSet,
    known: EntityHashMap<KnownTarget>,
}

#[derive(Debug)]
struct KnownTarget {
    treatment: Treatment,
    name: Option<String>,
}

impl Targets {
    /// Returns all entities that are gone as targets.
    pub(crate) fn gone(treatment: Treatment) -> Self {
        Self {
            gone: Some(treatment),
            ..Self::default()
        }
    }

    /// Adds an entity, with the name that it has or had.
    pub(crate) fn insert(&mut self, entity: Entity, treatment: Treatment, name: Option<String>) {
        self.known.insert(entity, KnownTarget { treatment, name });
    }

    /// Adds all entities that are gone.
    pub(crate) fn add_gone(&mut self, treatment: Treatment) {
        self.gone = Some(treatment);
    }

    /// Leaves an entity out, unless it was added by itself.
    pub(crate) fn leave_out(&mut self, entity: Entity) {
        self.left_out.insert(entity);
    }

    /// Returns the treatment of places that name `entity`, if it is a target.
    pub(crate) fn treatment(&self, world: &World, entity: Entity) -> Option<Treatment> {
        if !self.known.is_empty()
            && let Some(known) = self.known.get(&entity)
        {
            return Some(known.treatment);
        }
        self.gone
            .filter(|_| is_gone(world, entity) && !self.left_out.contains(&entity))
    }

    /// Returns the name that an entity had which is gone.
    pub(crate) fn name(&self, entity: Entity) -> Option<&str> {
        self.known.get(&entity)?.name.as_deref()
    }
}

/// Returns `true` if `entity` was spawned and is gone. An id that is only reserved, or a
/// placeholder, was not spawned.
fn is_gone(world: &World, entity: Entity) -> bool {
    !world.entities().contains(entity) && entity != Entity::PLACEHOLDER
}
