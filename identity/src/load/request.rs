//! Loads that no frame waits for.

use bevy_ecs::world::World;

use crate::{
    StableId,
    connection::{Connection, ReadDone},
    error::LoadError,
    events::{self, LoadFailed},
    load,
    map::{IdentityMap, Moment},
    store::Loaded,
};

/// Asks for objects. Those that are resident or asked for already are left out.
pub(crate) fn request(world: &mut World, ids: &[StableId]) {
    if !world.contains_resource::<Connection>() {
        fail(world, ids, || LoadError::NoStore);
        return;
    }
    let map = world.resource::<IdentityMap>();
    let mut cold: Vec<_> = ids.to_vec();
    cold.retain(|id| map.entity(*id).is_none());
    let mut connection = world.resource_mut::<Connection>();
    cold.retain(|id| connection.asked.insert(*id));
    if cold.is_empty() {
        return;
    }
    let since = world.resource_mut::<IdentityMap>().watch_leaving();
    let mut connection = world.resource_mut::<Connection>();
    if let Err(error) = connection.send_read(&cold, since) {
        connection.asked_done(&cold);
        world.resource_mut::<IdentityMap>().stop_watching();
        let mut error = Some(error);
        for id in cold {
            let error = error.take().map(LoadError::Store);
            events::tell(world, LoadFailed { id, error });
        }
    }
}

fn fail(world: &mut World, ids: &[StableId], error: impl Fn() -> LoadError) {
    for &id in ids {
        let error = Some(error());
        events::tell(world, LoadFailed { id, error });
    }
}

/// Puts into the world what was read meanwhile.
pub(crate) fn poll(world: &mut World) {
    // What comes in while handlers run is put off until they are done.
    if !world.resource::<IdentityMap>().loading().is_empty() {
        return;
    }
    while let Some(done) = world.resource::<Connection>().poll_read() {
        finish(world, done);
    }
}

fn finish(world: &mut World, done: ReadDone) {
    let ReadDone {
        mut ids,
        since,
        loaded,
    } = done;
    let mut loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            world.resource_mut::<Connection>().asked_done(&ids);
            world.resource_mut::<IdentityMap>().stop_watching();
            let mut error = Some(error);
            for id in ids {
                let error = error.take().map(LoadError::Store);
                events::tell(world, LoadFailed { id, error });
            }
            return;
        }
    };
    let again = take_stale(
        world.resource::<IdentityMap>(),
        &mut loaded,
        &mut ids,
        since,
    );
    world.resource_mut::<Connection>().asked_done(&ids);
    if !again.is_empty() {
        world.resource_mut::<Connection>().asked_done(&again);
        request(world, &again);
    }
    for (id, error) in load::apply_watched(world, loaded, &ids, since).failed {
        events::tell(world, LoadFailed { id, error });
    }
}

/// Takes out the units of which a member has been resident since they were read, or is now. Returns
/// those of `ids` that must be asked for again.
fn take_stale(
    map: &IdentityMap,
    loaded: &mut Loaded,
    ids: &mut Vec<StableId>,
    since: Moment,
) -> Vec<StableId> {
    let mut again = Vec::new();
    let mut stale = Vec::new();
    loaded.units.retain(|unit| {
        let members = || unit.members.iter().map(|(id, _)| *id);
        let is_stale = members().any(|id| map.has_left_since(id, since));
        // Another load was faster.
        let is_here = members().any(|id| map.entity(id).is_some());
        if is_stale {
            stale.extend(members());
        }
        !is_stale && !is_here
    });
    stale.sort_unstable();
    ids.retain(|id| {
        let is_stale = stale.binary_search(id).is_ok() && map.entity(*id).is_none();
        if is_stale {
            again.push(*id);
        }
        !is_stale
    });
    again
}
