//! Putting a unit that was decoded into the world.
//!
//! All members are spawned empty, so that they can relate to each other in circles. Then each gets
//! its components, owners first, and relationships come last. Hooks and observers of the game run
//! meanwhile. If one panics, all members are taken out again.

use std::sync::Arc;

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    world::World,
};

use crate::{
    Persistent, StableId,
    error::LoadError,
    events::{self, Loaded},
    hash::HashSet,
    load::{
        cold_links::{ColdLink, ColdLinks},
        member::Member,
    },
    map::IdentityMap,
    panics,
    registry::{Classes, relation::Relation},
};

/// Puts a unit into the world. `gone` are objects that are not stored any more, in order.
pub(super) fn bring_in(
    world: &mut World,
    root: StableId,
    members: Vec<Member>,
    classes: &Arc<Classes>,
    gone: &[StableId],
) -> Result<Vec<(StableId, Entity)>, LoadError> {
    let mut entities = Vec::with_capacity(members.len());
    let mut met = Vec::new();
    let filled = panics::caught(|| {
        let told = fill(world, members, classes, gone, &mut entities);
        relate_waiting(world, &entities, classes, &mut met);
        told
    });
    world
        .resource_mut::<IdentityMap>()
        .set_loading(EntityHashSet::default());
    let told = match filled {
        Ok(told) => told,
        Err(message) => {
            part(world, &met, classes);
            let ids: Vec<_> = entities.iter().map(|(id, _)| *id).collect();
            take_out(world, &ids, classes);
            return Err(LoadError::Panicked { id: root, message });
        }
    };
    for loaded in told {
        // A handler may have ended it.
        if world.get_entity(loaded.entity).is_ok() {
            events::tell(world, loaded);
        }
    }
    Ok(entities)
}

fn fill(
    world: &mut World,
    members: Vec<Member>,
    classes: &Classes,
    gone: &[StableId],
    entities: &mut Vec<(StableId, Entity)>,
) -> Vec<Loaded> {
    for member in &members {
        let entity = world.spawn_empty().id();
        entities.push((member.id, entity));
        world
            .resource_mut::<IdentityMap>()
            .enter(member.id, entity, member.saved);
    }
    let loading = entities.iter().map(|(_, entity)| *entity).collect();
    world.resource_mut::<IdentityMap>().set_loading(loading);
    let mut links = Vec::new();
    let mut told = Vec::with_capacity(members.len());
    for (member, &(id, entity)) in members.into_iter().zip(&*entities) {
        put(world, entity, (id, Persistent));
        for fill in member.fills {
            // A hook or an observer may have despawned it, which is a deletion.
            if let Ok(mut entity) = world.get_entity_mut(entity) {
                fill(&mut entity);
            }
        }
        if let Some(carried) = member.carried {
            put(world, entity, carried);
        }
        links.extend(
            member
                .links
                .into_iter()
                .map(|(number, link)| (id, number, link)),
        );
        let mut names = member.names;
        let map = world.resource::<IdentityMap>();
        names.retain(|name| gone.binary_search(name).is_ok() || map.is_deleted(*name));
        told.push(Loaded {
            entity,
            id,
            gone: names,
        });
    }
    relate_members(world, &links, classes, gone);
    // What a handler despawned before it carried its id is deleted as well.
    for &(id, entity) in &*entities {
        if world.get_entity(entity).is_err() {
            world.resource_mut::<IdentityMap>().delete_early(id);
        }
    }
    told
}

fn put(world: &mut World, entity: Entity, bundle: impl bevy_ecs::bundle::Bundle) {
    if let Ok(mut entity) = world.get_entity_mut(entity) {
        entity.insert(bundle);
    }
}

/// Relates the members to each other, and to what else is resident.
fn relate_members(
    world: &mut World,
    links: &[(StableId, usize, crate::link::Link)],
    classes: &Classes,
    gone: &[StableId],
) {
    let targets: crate::hash::HashMap<_, _> = links
        .iter()
        .filter_map(|(id, number, link)| Some(((*id, *number), link.target?)))
        .collect();
    let mut related = HashSet::default();
    // First what is owned, in the order in which its owner has it.
    for (id, number, link) in links {
        for source in &link.sources {
            if targets.get(&(*source, *number)) == Some(id) && related.insert((*source, *number)) {
                relate(world, &classes.relations()[*number], *source, *id);
            }
        }
    }
    for (id, number, link) in links {
        let Some(target) = link.target else {
            continue;
        };
        if related.contains(&(*id, *number)) {
            continue;
        }
        let map = world.resource::<IdentityMap>();
        if map.entity(target).is_some() {
            relate(world, &classes.relations()[*number], *id, target);
        } else if !map.is_deleted(target) && gone.binary_search(&target).is_err() {
            keep_cold(world, *id, *number, target);
        }
    }
}

fn relate(world: &mut World, relation: &Relation, source: StableId, target: StableId) {
    let map = world.resource::<IdentityMap>();
    if let (Some(source), Some(target)) = (map.entity(source), map.entity(target))
        && world.get_entity(target).is_ok()
        && let Ok(mut source) = world.get_entity_mut(source)
    {
        (relation.relate)(&mut source, target);
    }
}

/// Keeps a relationship by the id of its target, which is not here.
fn keep_cold(world: &mut World, id: StableId, relation: usize, target: StableId) {
    let Some(entity) = world.resource::<IdentityMap>().entity(id) else {
        return;
    };
    let Ok(mut source) = world.get_entity_mut(entity) else {
        return;
    };
    let mut cold = source.get::<ColdLinks>().cloned().unwrap_or(ColdLinks {
        source: id,
        links: Vec::new(),
    });
    cold.links.retain(|link| link.relation != relation);
    cold.links.push(ColdLink { relation, target });
    source.insert(cold);
}

/// A relationship that waited for its target.
struct Met {
    source: StableId,
    relation: usize,
    target: StableId,
}

/// Relates what waits for objects that are here now, and notes that.
fn relate_waiting(
    world: &mut World,
    entities: &[(StableId, Entity)],
    classes: &Classes,
    met: &mut Vec<Met>,
) {
    for &(target, _) in entities {
        for source in world.resource::<IdentityMap>().waiting_for(target) {
            for relation in take_cold(world, source, target) {
                let source_entity = world.resource::<IdentityMap>().entity(source);
                met.push(Met {
                    source,
                    relation,
                    target,
                });
                let relation = &classes.relations()[relation];
                // Another target that it got meanwhile counts more.
                let is_free = source_entity
                    .and_then(|source| world.get_entity(source).ok())
                    .is_some_and(|source| (relation.target)(source).is_none());
                if is_free {
                    relate(world, relation, source, target);
                }
            }
        }
    }
}

/// Takes the relationships to `target` that `source` keeps by id.
fn take_cold(world: &mut World, source: StableId, target: StableId) -> Vec<usize> {
    let Some(entity) = world.resource::<IdentityMap>().entity(source) else {
        return Vec::new();
    };
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return Vec::new();
    };
    let Some(cold) = entity.get::<ColdLinks>().cloned() else {
        return Vec::new();
    };
    match cold.without(|link| link.target == target) {
        Some(left) => entity.insert(left),
        None => entity.remove::<ColdLinks>(),
    };
    let links = cold.links.iter().filter(|link| link.target == target);
    links.map(|link| link.relation).collect()
}

/// Lets those whose relationship waited wait again.
fn part(world: &mut World, met: &[Met], classes: &Classes) {
    for met in met {
        let relation = &classes.relations()[met.relation];
        let map = world.resource::<IdentityMap>();
        let target = map.entity(met.target);
        let Some(source) = map.entity(met.source) else {
            continue;
        };
        let has = world
            .get_entity(source)
            .ok()
            .and_then(|it| (relation.target)(it));
        if has.is_none() || has == target {
            make_cold(world, met.source, met.relation, relation, met.target);
        }
    }
}

/// Keeps a relationship by the id of its target from now on.
fn make_cold(
    world: &mut World,
    source: StableId,
    number: usize,
    relation: &Relation,
    target: StableId,
) {
    // What panics here has panicked before, and is reported already.
    let _ = panics::caught(|| {
        let entity = world.resource::<IdentityMap>().entity(source);
        if let Some(Ok(mut source)) = entity.map(|entity| world.get_entity_mut(entity)) {
            (relation.unrelate)(&mut source);
        }
        keep_cold(world, source, number, target);
    });
}

/// Takes objects out of the world that stay in the store.
pub(crate) fn take_out(world: &mut World, ids: &[StableId], classes: &Classes) {
    cool(world, ids, classes);
    let leaving = ids.iter().copied().collect();
    world.resource_mut::<IdentityMap>().set_unloading(leaving);
    for &id in ids {
        if let Some(entity) = world.resource::<IdentityMap>().entity(id) {
            // What panics here has panicked before, and is reported already.
            let _ = panics::caught(|| world.despawn(entity));
            // It may not have carried its id yet.
            world.resource_mut::<IdentityMap>().release(id, entity);
        }
    }
    let mut map = world.resource_mut::<IdentityMap>();
    map.set_unloading(HashSet::default());
}

/// Lets those that stay keep their relationships to those that leave by id.
fn cool(world: &mut World, ids: &[StableId], classes: &Classes) {
    let leaving: HashSet<_> = ids.iter().copied().collect();
    for &target in ids {
        for (number, relation) in classes.relations().iter().enumerate() {
            if relation.is_owning {
                continue;
            }
            let Some(entity) = world.resource::<IdentityMap>().entity(target) else {
                continue;
            };
            let Ok(entity) = world.get_entity(entity) else {
                continue;
            };
            for source in (relation.sources)(entity) {
                let Some(id) = world.get::<StableId>(source).copied() else {
                    continue;
                };
                if !leaving.contains(&id) {
                    make_cold(world, id, number, relation, target);
                }
            }
        }
    }
}
