//! Deleting objects that are not resident.

use std::collections::BTreeSet;

use bevy_ecs::world::World;
use qdel::WorldQdelExt;

use crate::{
    StableId,
    connection::Connection,
    error::DeleteError,
    load::{self, cold_links::ColdLinks},
    map::IdentityMap,
    store::{Existence, Unit},
};

/// Deletes an object, resident or not.
pub(crate) fn delete(world: &mut World, id: StableId) -> Result<(), DeleteError> {
    let Some(connection) = world.get_resource::<Connection>() else {
        return Err(DeleteError::NoStore);
    };
    let map = world.resource::<IdentityMap>();
    if let Some(entity) = map.entity(id) {
        world.qdel(entity)?;
        return Ok(());
    }
    if map.is_deleted(id) {
        return Err(DeleteError::Gone { id });
    }
    let loaded = load::read(&*connection.store, &[id])?;
    if let Some((_, existence)) = loaded.absent.first() {
        return Err(match existence {
            Existence::Unknown => DeleteError::Unknown { id },
            Existence::Stored | Existence::Gone => DeleteError::Gone { id },
        });
    }
    for id in loaded.units.iter().flat_map(|unit| owned(unit, id)) {
        forget(world, id);
    }
    Ok(())
}

/// Notes that an object is deleted, and lets go of it what relates to it.
fn forget(world: &mut World, target: StableId) {
    let mut map = world.resource_mut::<IdentityMap>();
    map.delete_cold(target);
    for source in map.waiting_for(target) {
        let map = world.resource::<IdentityMap>();
        let Some(entity) = map.entity(source) else {
            continue;
        };
        let Ok(mut entity) = world.get_entity_mut(entity) else {
            continue;
        };
        let left = entity
            .get::<ColdLinks>()
            .map(|cold| cold.without(|it| it.target == target));
        match left {
            Some(Some(left)) => entity.insert(left),
            Some(None) => entity.remove::<ColdLinks>(),
            None => continue,
        };
        world.resource_mut::<IdentityMap>().set_dirty(source);
    }
}

/// Returns a member of a unit and all that it owns there.
fn owned(unit: &Unit, id: StableId) -> BTreeSet<StableId> {
    let owner = |record: &Result<crate::store::Record, _>| {
        let record = record.as_ref().ok()?;
        record.owner
    };
    let mut owned = BTreeSet::from([id]);
    // Owners may come after what they own, so go on until nothing is added.
    loop {
        let before = owned.len();
        for (member, record) in &unit.members {
            if owner(record).is_some_and(|owner| owned.contains(&owner)) {
                owned.insert(*member);
            }
        }
        if owned.len() == before {
            return owned;
        }
    }
}
