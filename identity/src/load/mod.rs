//! Objects that come into the world, with the whole of their unit.
//!
//! A unit is decoded before anything of it is spawned. So what cannot be read leaves the world as
//! it was.
//!
//! # Invariants
//!
//! 1. What is resident is not read.
//! 2. What was read while an object left is read again, if the object is in it.

pub(crate) mod bring_in;
pub(crate) mod carried;
pub(crate) mod cold_links;
mod member;
pub(crate) mod request;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use bevy_ecs::{entity::Entity, world::World};
use qdel::{Liveness, LivenessExt};

use crate::{
    StableId,
    connection::Connection,
    error::{LoadError, StoreError},
    hash::HashSet,
    map::{IdentityMap, Moment},
    panics,
    registry::Registry,
    report::LoadReport,
    store::{Existence, Loaded, Store},
};

/// Loads one object.
pub(crate) fn load(world: &mut World, id: StableId) -> Result<Entity, LoadError> {
    let mut report = load_batch(world, &[id])?;
    match report.failed.pop() {
        Some((_, Some(error))) => Err(error),
        Some((_, None)) => Err(LoadError::Gone { id }),
        None => report
            .found
            .pop()
            .map(|(_, entity)| entity)
            .ok_or(LoadError::Gone { id }),
    }
}

/// Loads several objects with one read.
pub(crate) fn load_batch(world: &mut World, ids: &[StableId]) -> Result<LoadReport, LoadError> {
    let Some(connection) = world.get_resource::<Connection>() else {
        return Err(LoadError::NoStore);
    };
    let map = world.resource::<IdentityMap>();
    let is_cold = |id: &StableId| map.entity(*id).is_none() && !map.is_deleted(*id);
    let cold: Vec<_> = ids.iter().copied().filter(is_cold).collect();
    if let Some(&id) = cold.first() {
        if !map.loading().is_empty() {
            return Err(LoadError::Nested { id });
        }
        let loaded = read(&*connection.store, &cold)?;
        let since = world.resource_mut::<IdentityMap>().watch_leaving();
        return Ok(apply_watched(world, loaded, ids, since));
    }
    Ok(apply(world, Loaded::default(), ids, Moment::default()))
}

/// Puts what was read into the world, and ends that it is noted what leaves.
fn apply_watched(world: &mut World, loaded: Loaded, ids: &[StableId], since: Moment) -> LoadReport {
    let applied = catch_unwind(AssertUnwindSafe(|| apply(world, loaded, ids, since)));
    if let Some(mut map) = world.get_resource_mut::<IdentityMap>() {
        map.stop_watching();
    }
    applied.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Reads from a store. A panic of its engine is an error.
pub(crate) fn read(store: &dyn Store, ids: &[StableId]) -> Result<Loaded, StoreError> {
    panics::caught(|| store.load(ids)).unwrap_or_else(|message| {
        Err(StoreError::Unavailable {
            cause: message.into(),
        })
    })
}

/// Puts what was read into the world, and says what became of `ids`.
///
/// A unit of which a member left after `since` is not what was read any more, and stays out.
fn apply(world: &mut World, loaded: Loaded, ids: &[StableId], since: Moment) -> LoadReport {
    let classes = Arc::clone(&world.resource::<Registry>().0);
    let mut report = LoadReport::default();
    let mut errors = Vec::new();
    for unit in loaded.units {
        let root = unit.root;
        let members: HashSet<_> = unit.members.iter().map(|(id, _)| *id).collect();
        let map = world.resource::<IdentityMap>();
        if members.iter().any(|id| map.has_left_since(*id, since)) {
            continue;
        }
        let decoded = member::decode(unit, &classes, world.resource::<IdentityMap>());
        let come = decoded
            .and_then(|decoded| bring_in::bring_in(world, root, decoded, &classes, &loaded.gone));
        match come {
            Ok(come) => {
                report.units += 1;
                report.loaded += come.len();
            }
            Err(error) => errors.push((members, Some(error))),
        }
    }
    for &id in ids {
        match state(world, id) {
            Liveness::Alive => {
                let entity = world.resource::<IdentityMap>().entity(id);
                report.found.extend(entity.map(|entity| (id, entity)));
            }
            Liveness::Deleting => report.failed.push((id, Some(LoadError::Gone { id }))),
            Liveness::Gone => {
                let failed = errors.iter_mut().find(|(members, _)| members.contains(&id));
                let error = match failed {
                    Some((_, error)) => error.take(),
                    None => Some(absence(&loaded.absent, id)),
                };
                report.failed.push((id, error));
            }
        }
    }
    report
}

/// Returns whether an object is here, leaving, or not here.
fn state(world: &World, id: StableId) -> Liveness {
    let entity = world.resource::<IdentityMap>().entity(id);
    entity.map_or(Liveness::Gone, |entity| world.liveness(entity))
}

fn absence(absent: &[(StableId, Existence)], id: StableId) -> LoadError {
    let found = absent.iter().find(|(absent, _)| *absent == id);
    match found {
        Some((_, Existence::Unknown)) => LoadError::Unknown { id },
        Some((_, Existence::Stored | Existence::Gone)) | None => LoadError::Gone { id },
    }
}
