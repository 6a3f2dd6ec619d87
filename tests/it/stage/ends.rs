//! Ways in which an entity goes.

use bevy_ecs::{entity::Entity, world::World};
use qdel::prelude::*;

/// What is done to one entity.
pub(crate) type End = fn(&mut World, Entity);

/// Ways in which an entity goes by an orderly deletion.
pub(crate) const DELETIONS: [(&str, End); 5] = [
    ("qdel", |world, target| {
        world.qdel(target).unwrap();
    }),
    ("forced qdel", |world, target| {
        world.force_qdel(target).unwrap();
    }),
    ("batch", |world, target| {
        let batch = world.qdel_batch([target]);
        assert_eq!(batch.queued, [target]);
    }),
    ("command", |world, target| {
        world.commands().entity(target).qdel();
        world.flush();
    }),
    ("owner", |world, target| {
        let owner = world.spawn_empty().add_child(target).id();
        world.qdel(owner).unwrap();
    }),
];

/// Ways in which it goes without that.
pub(crate) const DESPAWNS: [(&str, End); 3] = [
    ("despawn", |world, target| {
        world.despawn(target);
    }),
    ("despawn by command", |world, target| {
        world.commands().entity(target).despawn();
        world.flush();
    }),
    ("despawn of the owner", |world, target| {
        let owner = world.spawn_empty().add_child(target).id();
        world.despawn(owner);
    }),
];
