//! Objects in a world: how they begin, are written, come back, and end.

mod checkpoints;
mod classes;
mod codecs;
mod faults;
mod life;
mod loads;
mod model;
mod relations;
mod requests;

use bevy_ecs::prelude::*;
use qdel_identity::{
    Persistent, StableId, StableRef, Stored, WorldIdentityExt,
    store::{MemoryStore, Store},
    testing::validate_identity,
};
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
pub(crate) struct Title(pub(crate) String);

#[derive(Component, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
pub(crate) struct Health(pub(crate) u32);

#[derive(Component, Serialize, Deserialize, Debug, Clone, PartialEq, Default)]
pub(crate) struct Exit(pub(crate) Option<StableRef>);

#[derive(Component, Debug, PartialEq)]
#[relationship(relationship_target = Contents)]
pub(crate) struct LocatedIn(pub(crate) Entity);

#[derive(Component, Debug)]
#[relationship_target(relationship = LocatedIn)]
pub(crate) struct Contents(Vec<Entity>);

/// A world with a store and the components of these tests.
pub(crate) fn world_on(store: impl Store) -> World {
    let mut world = World::new();
    world.attach_store(store).unwrap();
    register(&mut world);
    world
}

pub(crate) fn register(world: &mut World) {
    let title = Stored::<Title>::new("Title");
    let title = title.with_index("title", |title| Some(title.0.clone()));
    world.persist(title).unwrap();
    world.persist(Stored::<Health>::new("Health")).unwrap();
    world.persist(Stored::<Exit>::new("Exit")).unwrap();
    world
        .persist_relationship::<LocatedIn>("LocatedIn")
        .unwrap();
}

/// A world with a store of its own, and that store.
pub(crate) fn new_world() -> (World, MemoryStore) {
    let store = MemoryStore::with_floor(StableId::new(100).unwrap());
    (world_on(store.clone()), store)
}

pub(crate) fn title(text: &str) -> Title {
    Title(text.into())
}

pub(crate) fn spawn(world: &mut World, text: &str) -> (Entity, StableId) {
    let entity = world.spawn((Persistent, title(text))).id();
    (entity, id_of(world, entity))
}

pub(crate) fn id_of(world: &World, entity: Entity) -> StableId {
    *world.get::<StableId>(entity).unwrap()
}

pub(crate) fn titles(world: &World, entities: &[Entity]) -> Vec<String> {
    let title = |entity: &Entity| world.get::<Title>(*entity).unwrap().0.clone();
    entities.iter().map(title).collect()
}

pub(crate) fn children(world: &World, entity: Entity) -> Vec<Entity> {
    let children = world.get::<Children>(entity);
    children.map_or(Vec::new(), |children| children.iter().collect())
}

pub(crate) fn valid(world: &mut World) {
    validate_identity(world).unwrap();
}
