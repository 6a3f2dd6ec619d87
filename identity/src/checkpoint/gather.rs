//! Which objects may have changed since the last checkpoint.

use std::collections::BTreeSet;

use bevy_ecs::{entity::Entity, query::With, world::World};
use qdel::{Deleting, Liveness, LivenessExt};

use crate::{StableId, connection::Connection, map::IdentityMap, queries, registry::Classes};

/// Returns the objects that may have changed, in order. What changes from now on counts for the
/// next time.
pub(super) fn gather(world: &mut World, classes: &Classes) -> Vec<StableId> {
    delete_marked(world);
    let now = world.increment_change_tick();
    let since = core::mem::replace(&mut world.resource_mut::<Connection>().since, now);
    let [mut found, mut moved] = [Vec::new(), Vec::new()];
    queries::unfiltered(world, |world| {
        world.last_change_tick_scope(since, |world| {
            for stored in classes.stored() {
                stored.changed(world, &mut found);
            }
            for relation in classes.relations() {
                if relation.is_owning {
                    (relation.changed)(world, &mut moved);
                    (relation.changed_sources)(world, &mut found);
                } else {
                    (relation.changed)(world, &mut found);
                }
            }
        });
    });
    let mut map = world.resource_mut::<IdentityMap>();
    let [dirty, moved_before] = map.take_dirty();
    moved.extend(moved_before);
    let map = world.resource::<IdentityMap>();
    let mut candidates: BTreeSet<_> = found.into_iter().chain(dirty).collect();
    for id in moved {
        add_owned(world, map, classes, id, &mut candidates);
    }
    candidates.retain(|id| map.entity(*id).is_some());
    candidates.into_iter().collect()
}

/// Counts as deleted what `qdel` will tear down.
fn delete_marked(world: &mut World) {
    let marked: Vec<_> = queries::unfiltered(world, |world| {
        let mut query = world.query_filtered::<(Entity, &StableId), With<Deleting>>();
        query
            .iter(world)
            .map(|(entity, id)| (entity, *id))
            .collect()
    });
    for (entity, id) in marked {
        if world.liveness(entity) == Liveness::Deleting {
            world.resource_mut::<IdentityMap>().delete_early(id);
        }
    }
}

/// Adds an object and all that it owns.
fn add_owned(
    world: &World,
    map: &IdentityMap,
    classes: &Classes,
    id: StableId,
    candidates: &mut BTreeSet<StableId>,
) {
    let mut open: Vec<_> = map.entity(id).into_iter().collect();
    // What is owned in a circle is seen once.
    let mut seen: bevy_ecs::entity::EntityHashSet = open.iter().copied().collect();
    while let Some(entity) = open.pop() {
        let Ok(entity) = world.get_entity(entity) else {
            continue;
        };
        candidates.extend(entity.get::<StableId>());
        for relation in classes.owning() {
            let sources = (relation.sources)(entity);
            open.extend(sources.into_iter().filter(|source| seen.insert(*source)));
        }
    }
}
