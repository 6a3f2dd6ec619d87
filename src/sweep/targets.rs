//! Whom a sweep looks for.

use bevy_ecs::{
    entity::{Entity, EntityHashMap, EntityHashSet},
    world::World,
};

/// What a sweep does where somebody is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// It empties the place, if it can.
    Empty,
    /// It only says so.
    Report,
}

/// Whom a sweep looks for.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    /// What is done where somebody is named who is gone, whoever that is.
    gone: Option<Treatment>,
    /// Who is none of them though gone.
    left_out: EntityHashSet,
    known: EntityHashMap<KnownTarget>,
}

#[derive(Debug)]
struct KnownTarget {
    treatment: Treatment,
    name: Option<String>,
}

impl Targets {
    /// Returns everybody who is gone.
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

    /// Adds everybody who is gone.
    pub(crate) fn add_gone(&mut self, treatment: Treatment) {
        self.gone = Some(treatment);
    }

    /// Leaves out an entity, unless it was added by itself.
    pub(crate) fn leave_out(&mut self, entity: Entity) {
        self.left_out.insert(entity);
    }

    /// Returns what is done where `entity` is named.
    pub(crate) fn treatment(&self, world: &World, entity: Entity) -> Option<Treatment> {
        if !self.known.is_empty()
            && let Some(known) = self.known.get(&entity)
        {
            return Some(known.treatment);
        }
        self.gone
            .filter(|_| is_gone(world, entity) && !self.left_out.contains(&entity))
    }

    /// Returns the name that somebody had who is gone.
    pub(crate) fn name(&self, entity: Entity) -> Option<&str> {
        self.known.get(&entity)?.name.as_deref()
    }
}

/// Returns `true` if `entity` was there and is not any more; not so if its id is merely reserved,
/// or stands for nobody.
fn is_gone(world: &World, entity: Entity) -> bool {
    !world.entities().contains(entity) && entity != Entity::PLACEHOLDER
}
