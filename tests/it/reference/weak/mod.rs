//! Weak handles and liveness: who is there, who is going, and who is gone.
//!
//! Section 7 of the design.

mod handles;
mod inside;
mod saves;
mod states;
mod system_param;

use bevy_ecs::{
    entity::{EntityHashMap, MapEntities},
    entity_disabling::Disabled,
    prelude::*,
    system::RunSystemOnce,
    world::DeferredWorld,
};
use qdel::{Deleting, prelude::*};
use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::stage::spawn_many;

#[derive(Component)]
struct Mob;

/// What a handle says: what `resolve` and `hard_resolve` return, and the liveness.
type Sight = (Option<Entity>, Option<Entity>, Liveness);

/// What was seen, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Sight>);

fn see(world: &impl LivenessExt, entity: Entity) -> Sight {
    let handle = WeakEntity::new(entity);
    (
        handle.resolve(world),
        handle.hard_resolve(world),
        world.liveness(entity),
    )
}

fn see_in_system(world: &mut World, entity: Entity) -> Sight {
    let look = move |liveness: EntityLiveness| see(&liveness, entity);
    world.run_system_once(look).unwrap()
}

fn alive(entity: Entity) -> Sight {
    (Some(entity), Some(entity), Liveness::Alive)
}

fn deleting(entity: Entity) -> Sight {
    (None, Some(entity), Liveness::Deleting)
}

fn gone() -> Sight {
    (None, None, Liveness::Gone)
}

/// Writes down what its target's handle says in the moment of the notice.
fn look(mut world: DeferredWorld, told: Received<Qdeleting, Mob>) {
    let seen = see(&world, told.target());
    world.resource_mut::<Seen>().0.push(seen);
}

/// What was seen by way of the system parameter, in order.
#[derive(Resource, Default)]
struct SeenBySystem(Vec<Sight>);

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.init_resource::<SeenBySystem>();
    world
}

/// Returns an entity that is gone, and one that is alive and has its index.
fn same_index_twice(world: &mut World) -> (Entity, Entity) {
    let old = world.spawn_empty().id();
    world.despawn(old);
    let crowd: Vec<_> = (0..300).map(|_| world.spawn_empty().id()).collect();
    for extra in crowd {
        world.despawn(extra);
    }
    let new = (0..600)
        .map(|_| world.spawn_empty().id())
        .find(|entity| entity.index() == old.index())
        .expect("an index should be used again after so many despawns");
    (old, new)
}
