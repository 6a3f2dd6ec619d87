//! Relationships to objects that are not here.

use bevy_ecs::{
    component::Component,
    entity::Entity,
    lifecycle::HookContext,
    world::{DeferredWorld, World},
};

use crate::{StableId, map::IdentityMap};

/// The relationships of an object whose targets are not resident, by the id of the target.
///
/// A relationship is there again as soon as both ends are.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
#[component(immutable, clone_behavior = Ignore, on_insert = wait, on_discard = stop_waiting)]
pub(crate) struct ColdLinks {
    /// The object.
    pub(crate) source: StableId,
    /// Its relationships.
    pub(crate) links: Vec<ColdLink>,
}

/// A relationship to an object that is not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColdLink {
    /// The number of the relationship.
    pub(crate) relation: usize,
    /// The object.
    pub(crate) target: StableId,
}

impl ColdLinks {
    /// Returns `true` if one of them is of that relationship.
    pub(crate) fn has(&self, relation: usize) -> bool {
        self.links.iter().any(|link| link.relation == relation)
    }

    /// Returns these without some, or `None` if none are left.
    pub(crate) fn without(&self, is_out: impl Fn(&ColdLink) -> bool) -> Option<Self> {
        let links: Vec<_> = self
            .links
            .iter()
            .copied()
            .filter(|it| !is_out(it))
            .collect();
        let source = self.source;
        (!links.is_empty()).then_some(Self { source, links })
    }
}

/// Ends the waiting of an entity for the target of a relationship.
pub(crate) fn end(world: &mut World, entity: Entity, relation: usize) {
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return;
    };
    let left = entity
        .get::<ColdLinks>()
        .map(|cold| cold.without(|link| link.relation == relation));
    match left {
        Some(Some(left)) => entity.insert(left),
        Some(None) => entity.remove::<ColdLinks>(),
        None => return,
    };
}

fn wait(world: DeferredWorld<'_>, context: HookContext) {
    change(world, &context, IdentityMap::wait);
}

fn stop_waiting(world: DeferredWorld<'_>, context: HookContext) {
    change(world, &context, IdentityMap::stop_waiting);
}

fn change(
    mut world: DeferredWorld<'_>,
    context: &HookContext,
    change: fn(&mut IdentityMap, StableId, StableId),
) {
    let Some(cold) = world.get::<ColdLinks>(context.entity).cloned() else {
        return;
    };
    if let Some(mut map) = world.get_resource_mut::<IdentityMap>() {
        for link in cold.links {
            change(&mut map, link.target, cold.source);
        }
    }
}
