//! Entities whose end is noted.

use bevy_ecs::{
    component::Component,
    entity::Entity,
    resource::Resource,
    world::{DeferredWorld, World},
};
use qdel::prelude::*;

/// The entities whose deletion was told, in order.
#[derive(Resource, Default)]
pub(crate) struct Told(pub(crate) Vec<Entity>);

/// Notes the deletion of its entity.
#[derive(Component, Clone)]
pub(crate) struct Listener;

impl Listener {
    fn note(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let entity = told.entity;
        world.resource_mut::<Told>().0.push(entity);
    }
}

/// Spawns an entity whose deletion is noted.
pub(crate) fn spawn_noted(world: &mut World) -> Entity {
    let entity = world.spawn(Listener).id();
    world
        .register_signal(entity, entity, Listener::note)
        .unwrap();
    entity
}

/// Returns the entities whose deletion was told.
pub(crate) fn told(world: &World) -> Vec<Entity> {
    world.resource::<Told>().0.clone()
}
