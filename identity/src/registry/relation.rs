//! How a relationship is stored, without its type.

use std::sync::Arc;

use bevy_ecs::{
    entity::Entity,
    relationship::{Relationship, RelationshipTarget},
    world::{EntityRef, EntityWorldMut, World},
};

use crate::{StableId, registry::stored_type};

/// A relationship that is stored: by the id of its target.
#[derive(Clone)]
pub(crate) struct Relation {
    /// The name under which it is stored.
    pub(crate) name: Arc<str>,
    /// Whether the target owns its sources.
    pub(crate) is_owning: bool,
    /// Returns the target of an entity.
    pub(crate) target: fn(EntityRef<'_>) -> Option<Entity>,
    /// Returns the sources that relate to an entity, in order.
    pub(crate) sources: fn(EntityRef<'_>) -> Vec<Entity>,
    /// Relates an entity to another one.
    pub(crate) relate: fn(&mut EntityWorldMut<'_>, Entity),
    /// Ends the relationship of an entity.
    pub(crate) unrelate: fn(&mut EntityWorldMut<'_>),
    /// Adds the objects whose target has changed.
    pub(crate) changed: fn(&mut World, &mut Vec<StableId>),
    /// Adds the objects whose sources have changed.
    pub(crate) changed_sources: fn(&mut World, &mut Vec<StableId>),
}

impl Relation {
    /// Stores `R` under `name`.
    pub(crate) fn new<R: Relationship>(name: Arc<str>) -> Self {
        Self {
            name,
            is_owning: R::RelationshipTarget::LINKED_SPAWN,
            target: |entity| entity.get::<R>().map(R::get),
            sources: |entity| match entity.get::<R::RelationshipTarget>() {
                Some(target) => target.iter().collect(),
                None => Vec::new(),
            },
            relate: |entity, target| {
                entity.insert(R::from(target));
            },
            unrelate: |entity| {
                entity.remove::<R>();
            },
            changed: stored_type::changed::<R>,
            changed_sources: stored_type::changed::<R::RelationshipTarget>,
        }
    }
}
