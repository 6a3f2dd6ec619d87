//! What a test does in the middle of a deletion.

use std::sync::Arc;

use bevy_ecs::{component::Component, entity::Entity, world::DeferredWorld, world::World};
use qdel::prelude::*;

/// Does what a test asks for when a target is deleted.
#[derive(Component, Clone)]
struct Reaction(Arc<React>);

type React = dyn Fn(&mut DeferredWorld, Qdeleting) + Send + Sync;

impl Reaction {
    fn react(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let reaction = world.get::<Self>(told.listener()).unwrap().clone();
        (reaction.0)(&mut world, *told.signal());
    }
}

/// Calls `reaction` when `target` is deleted. Returns the listener.
pub(crate) fn on_death(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(&mut DeferredWorld, Qdeleting) + Send + Sync + 'static,
) -> Entity {
    let listener = world.spawn(Reaction(Arc::new(reaction))).id();
    world
        .register_signal(listener, target, Reaction::react)
        .unwrap();
    listener
}
