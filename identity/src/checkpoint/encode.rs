//! The record of an object.

use std::collections::BTreeMap;

use bevy_ecs::{
    entity::Entity,
    world::{EntityRef, World},
};

use crate::{
    StableId,
    error::CheckpointError,
    link::{self, Link},
    load::{carried::CarriedAlong, cold_links::ColdLinks},
    map::IdentityMap,
    pins,
    registry::{Class, Classes},
    report::CheckpointReport,
    store::{Record, StoredComponent},
};

/// Returns the record of an object, or `None` if it is not resident.
pub(super) fn encode(
    world: &World,
    map: &IdentityMap,
    classes: &Classes,
    id: StableId,
) -> Result<Option<Record>, CheckpointError> {
    let Some(entity) = map.entity(id) else {
        return Ok(None);
    };
    let Ok(entity) = world.get_entity(entity) else {
        return Ok(None);
    };
    let mut record = Record::new(id);
    record.owner = owner(world, map, classes, entity);
    record.root = root(world, map, classes, entity).unwrap_or(id);
    let mut relations = BTreeMap::new();
    for component in entity.archetype().components() {
        match classes.of(*component) {
            Some(Class::Persistent(stored)) => {
                let encoded = stored.encode(entity, &mut record.names, &mut record.keys);
                match encoded {
                    Ok(component) => record.components.extend(component),
                    Err(cause) => {
                        let component = stored.name().to_owned();
                        return Err(CheckpointError::Codec {
                            id,
                            component,
                            cause,
                        });
                    }
                }
            }
            Some(Class::Relationship(number) | Class::RelationshipTarget(number)) => {
                relations.entry(*number).or_insert_with(Link::default);
            }
            Some(Class::Derived | Class::Volatile(_)) | None => {}
        }
    }
    add_links(world, map, classes, entity, relations, &mut record);
    if let Some(carried) = entity.get::<CarriedAlong>() {
        let is_known = |name: &str| record.components.iter().any(|it| it.name == name);
        let unknown = carried.components.iter().filter(|it| !is_known(&it.name));
        let unknown: Vec<_> = unknown.cloned().collect();
        record.components.extend(unknown);
        record.names.extend(&carried.names);
        record.keys.extend(carried.keys.iter().cloned());
    }
    // In one order, so that what is equal has equal bytes.
    record
        .components
        .sort_unstable_by(|one, other| one.name.cmp(&other.name));
    record.names.sort_unstable();
    record.names.dedup();
    let owner = record.owner;
    record.names.retain(|name| Some(*name) != owner);
    record.keys.sort_unstable();
    record.keys.dedup();
    Ok(Some(record))
}

/// Counts what of an object is not written, and was not said to be lost.
pub(super) fn count_lost(
    world: &World,
    map: &IdentityMap,
    classes: &Classes,
    id: StableId,
    report: &mut CheckpointReport,
) {
    let entity = map
        .entity(id)
        .and_then(|entity| world.get_entity(entity).ok());
    let Some(entity) = entity else {
        return;
    };
    for component in entity.archetype().components() {
        if pins::is_unregistered(world, classes, *component) {
            let name = pins::name(world, *component);
            *report.unregistered.entry(name).or_default() += 1;
        }
    }
    for relation in classes.relations() {
        let target = (relation.target)(entity);
        if target.is_some_and(|target| object(world, map, target).is_none()) {
            let name = relation.name.as_ref().to_owned();
            *report.unstored_targets.entry(name).or_default() += 1;
        }
    }
}

/// Adds the relationships of an object.
fn add_links(
    world: &World,
    map: &IdentityMap,
    classes: &Classes,
    entity: EntityRef<'_>,
    mut relations: BTreeMap<usize, Link>,
    record: &mut Record,
) {
    let cold = entity.get::<ColdLinks>();
    for link in cold.iter().flat_map(|cold| &cold.links) {
        relations.entry(link.relation).or_default().target = Some(link.target);
    }
    for (number, mut link) in relations {
        let relation = &classes.relations()[number];
        if let Some(target) = (relation.target)(entity) {
            link.target = object(world, map, target);
        }
        if relation.is_owning {
            let sources = (relation.sources)(entity);
            link.sources
                .extend(sources.into_iter().filter_map(|it| object(world, map, it)));
        }
        if link != Link::default() {
            record.names.extend(link.target);
            record.components.push(StoredComponent {
                name: relation.name.as_ref().to_owned(),
                version: link::VERSION,
                bytes: link.encode(),
            });
        }
    }
}

/// Returns the object that an entity is.
fn object(world: &World, map: &IdentityMap, entity: Entity) -> Option<StableId> {
    let id = *world.get::<StableId>(entity)?;
    (map.entity(id) == Some(entity)).then_some(id)
}

/// Returns the object that owns an entity: by the relationship that was registered first, if there
/// are several.
fn owner(
    world: &World,
    map: &IdentityMap,
    classes: &Classes,
    entity: EntityRef<'_>,
) -> Option<StableId> {
    let mut targets = classes.owning().filter_map(|it| (it.target)(entity));
    targets.find_map(|target| object(world, map, target))
}

/// Returns the topmost owner of an entity, if anything owns it.
fn root(
    world: &World,
    map: &IdentityMap,
    classes: &Classes,
    entity: EntityRef<'_>,
) -> Option<StableId> {
    let owner_of = |id| {
        let entity = world.get_entity(map.entity(id)?).ok()?;
        owner(world, map, classes, entity)
    };
    let mut root = owner(world, map, classes, entity)?;
    for _ in 0..map.len() {
        match owner_of(root) {
            Some(owner) => root = owner,
            None => return Some(root),
        }
    }
    // What owns each other in a circle has no topmost owner; all of them must agree on one.
    let start = root;
    let circle = core::iter::successors(owner_of(start), |id| {
        let next = owner_of(*id)?;
        (*id != start).then_some(next)
    });
    circle.min()
}
