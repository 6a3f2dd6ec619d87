//! A world and its store.

use std::sync::Arc;

use bevy_ecs::{
    change_detection::CheckChangeTicks, entity::Entity, observer::On, system::ResMut, world::World,
};

use crate::{
    StableId, checkpoint,
    connection::Connection,
    error::{AttachError, StoreError},
    life,
    load::request,
    map::IdentityMap,
    panics, queries,
    registry::register,
    store::Store,
};

/// Attaches a store to a world.
pub(crate) fn attach(world: &mut World, store: Arc<dyn Store>) -> Result<(), AttachError> {
    if world.contains_resource::<Connection>() {
        return Err(AttachError::AlreadyAttached);
    }
    let committed = store.committed()?;
    register::ensure(world);
    let now = world.increment_change_tick();
    // What carries an id of an earlier store is no object of this one.
    for (entity, id) in carriers(world) {
        life::refuse(world, id, entity, None);
    }
    world.insert_resource(IdentityMap::default());
    world.insert_resource(Connection::new(store, committed, now));
    let given = panics::caught(|| life::give_ids(world)).unwrap_or_else(|message| {
        Err(StoreError::Unavailable {
            cause: message.into(),
        })
    });
    if let Err(error) = given {
        world.remove_resource::<Connection>();
        world.remove_resource::<IdentityMap>();
        // Without a map, nothing hears of it.
        for (entity, _) in carriers(world) {
            world.entity_mut(entity).remove::<StableId>();
        }
        return Err(error.into());
    }
    world.add_observer(
        |ticks: On<CheckChangeTicks>, connection: Option<ResMut<Connection>>| {
            if let Some(mut connection) = connection {
                connection.since.check_tick(*ticks);
            }
        },
    );
    Ok(())
}

/// Returns the entities that carry an id.
fn carriers(world: &mut World) -> Vec<(Entity, StableId)> {
    queries::unfiltered(world, |world| {
        let mut query = world.query::<(Entity, &StableId)>();
        query
            .iter(world)
            .map(|(entity, id)| (entity, *id))
            .collect()
    })
}

/// Does what has become possible since the last call.
pub(crate) fn poll(world: &mut World) {
    if world.contains_resource::<Connection>() {
        checkpoint::poll(world);
        request::poll(world);
    }
}

/// Returns the store of a world.
pub(crate) fn store(world: &World) -> Option<&dyn Store> {
    Some(&*world.get_resource::<Connection>()?.store)
}
