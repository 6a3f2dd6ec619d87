//! How an object gets its id, and loses it.
//!
//! # Invariants
//!
//! 1. The map knows an id before an entity carries it. An entity that carries an id which the map
//!    does not have for it is refused: it loses the id and [`Persistent`], or gets its own id back.
//! 2. An entity with [`Persistent`] and without an id is new, and was never written.

use bevy_ecs::{
    component::Component,
    entity::Entity,
    lifecycle::HookContext,
    query::{With, Without},
    world::{DeferredWorld, World},
};

use qdel::Deleting;

use crate::{
    StableId,
    connection::Connection,
    error::{SpawnError, StoreError},
    events::{self, Created, IdRefused},
    load::{carried::CarriedAlong, cold_links::ColdLinks},
    map::{BLOCK, IdentityMap, Saved},
    queries,
    store::Existence,
};

/// An object that is written to the store, and can leave the world without being lost.
///
/// Spawn it like any other component. The entity gets a [`StableId`]. If the ids that were reserved
/// are used up, it gets one at the next checkpoint.
///
/// An entity that loses it is no object any more: the object is deleted in the store by the next
/// checkpoint, as if the entity was despawned.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel_identity::{Persistent, StableId, WorldIdentityExt, store::MemoryStore};
///
/// let mut world = World::new();
/// world.attach_store(MemoryStore::new())?;
///
/// let sword = world.spawn(Persistent).id();
///
/// let id = *world.get::<StableId>(sword).unwrap();
/// assert_eq!(world.find_object(id), Some(sword));
/// # Ok::<(), qdel_identity::error::AttachError>(())
/// ```
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[component(on_add = begin, on_remove = end)]
pub struct Persistent;

/// Gives a new object its id.
fn begin(mut world: DeferredWorld<'_>, context: HookContext) {
    let entity = context.entity;
    if world.get::<StableId>(entity).is_some() {
        return;
    }
    let Some(mut map) = world.get_resource_mut::<IdentityMap>() else {
        return;
    };
    if let Some(id) = map.take_id() {
        map.enter(id, entity, Saved::NEVER);
        world
            .commands()
            .queue(move |world: &mut World| give(world, id, entity));
    }
}

/// Takes the id of an entity that is no object any more.
fn end(mut world: DeferredWorld<'_>, context: HookContext) {
    let entity = context.entity;
    let Some(id) = world.get::<StableId>(entity).copied() else {
        return;
    };
    // In a despawn, the id is gone before.
    let map = world.get_resource::<IdentityMap>();
    if map.is_some_and(|map| map.entity(id) == Some(entity)) {
        world
            .commands()
            .entity(entity)
            .try_remove::<(StableId, ColdLinks, CarriedAlong)>();
    }
}

/// Lets an entity carry an id that the map has for it.
fn give(world: &mut World, id: StableId, entity: Entity) {
    let is_waiting = world
        .get_entity(entity)
        .is_ok_and(|entity| entity.contains::<Persistent>() && !entity.contains::<StableId>());
    if !is_waiting {
        if let Some(mut map) = world.get_resource_mut::<IdentityMap>() {
            map.release(id, entity);
        }
        return;
    }
    world.entity_mut(entity).insert(id);
    events::tell(world, Created { entity, id });
}

/// Lets an entity keep the id that it got, if that is its own.
pub(crate) fn carry(mut world: DeferredWorld<'_>, context: HookContext) {
    let entity = context.entity;
    let Some(id) = world.get::<StableId>(entity).copied() else {
        return;
    };
    let Some(mut map) = world.get_resource_mut::<IdentityMap>() else {
        return;
    };
    if map.entity(id) == Some(entity) {
        return;
    }
    let own = map.restore(entity);
    world
        .commands()
        .queue(move |world: &mut World| refuse(world, id, entity, own));
}

/// Notes that an entity has lost its id.
pub(crate) fn drop_id(mut world: DeferredWorld<'_>, context: HookContext) {
    let entity = context.entity;
    let id = world.get::<StableId>(entity).copied();
    if let Some((id, mut map)) = id.zip(world.get_resource_mut::<IdentityMap>()) {
        map.leave(id, entity);
    }
}

/// Takes an id that is not the entity's own, and gives it back its own.
pub(crate) fn refuse(world: &mut World, id: StableId, entity: Entity, own: Option<StableId>) {
    let Ok(mut refused) = world.get_entity_mut(entity) else {
        return;
    };
    if refused.get::<StableId>() == Some(&id) {
        match own {
            Some(own) => refused.insert(own),
            None => refused.remove::<(StableId, Persistent)>(),
        };
    }
    log::warn!(
        "refusing the id `{id}` at entity `{entity}`: ids are given by `Persistent` and `spawn_object`"
    );
    events::tell(world, IdRefused { entity, id, own });
}

/// Spawns an object under an id of the user's own choice.
pub(crate) fn spawn_with_id(world: &mut World, id: StableId) -> Result<Entity, SpawnError> {
    let Some(connection) = world.get_resource::<Connection>() else {
        return Err(SpawnError::NoStore);
    };
    let floor = connection.store.floor();
    if id >= floor {
        return Err(SpawnError::NotBelowFloor { id, floor });
    }
    let map = world.resource::<IdentityMap>();
    if map.entity(id).is_some() {
        return Err(SpawnError::Taken { id });
    }
    if map.is_deleted(id) {
        return Err(SpawnError::Deleted { id });
    }
    let answer = connection.store.existence(&[id]);
    match answer.map(|existence| existence.first().copied()) {
        Ok(Some(Existence::Unknown)) => {}
        Ok(Some(Existence::Gone)) => return Err(SpawnError::Deleted { id }),
        Ok(Some(Existence::Stored) | None) => return Err(SpawnError::Taken { id }),
        Err(cause) => return Err(SpawnError::Store { id, cause }),
    }
    let entity = world.spawn_empty().id();
    world
        .resource_mut::<IdentityMap>()
        .enter(id, entity, Saved::NEVER);
    world.entity_mut(entity).insert((id, Persistent));
    Ok(entity)
}

/// Reserves ids, as far as that is needed, and gives one to each new object.
pub(crate) fn give_ids(world: &mut World) -> Result<(), StoreError> {
    reserve(world)?;
    let new = queries::unfiltered(world, |world| {
        let mut query = world
            .query_filtered::<Entity, (With<Persistent>, Without<StableId>, Without<Deleting>)>();
        query.iter(world).collect::<Vec<_>>()
    });
    for entity in new {
        let mut map = world.resource_mut::<IdentityMap>();
        let id = match map.take_id() {
            Some(id) => id,
            None => {
                reserve(world)?;
                let mut map = world.resource_mut::<IdentityMap>();
                map.take_id().expect("a block should have ids")
            }
        };
        world
            .resource_mut::<IdentityMap>()
            .enter(id, entity, Saved::NEVER);
        give(world, id, entity);
    }
    reserve(world)
}

fn reserve(world: &mut World) -> Result<(), StoreError> {
    while world.resource::<IdentityMap>().wants_ids() {
        let block = world.resource::<Connection>().store.reserve_ids(BLOCK)?;
        let block = block.start().get()..block.end().get() + 1;
        world.resource_mut::<IdentityMap>().add_ids(block);
    }
    Ok(())
}
