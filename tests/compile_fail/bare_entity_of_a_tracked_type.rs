//! A type whose declaration is wrong gives one error, wherever it is used.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component, References)]
struct Mob {
    #[entities]
    target: Entity,
}

#[derive(Component, References)]
struct Crowd {
    #[entities]
    targets: Option<Entity>,
    #[references]
    mobs: Vec<Mob>,
}

fn main() {
    let mut world = World::new();
    world
        .track_references::<Mob>()
        .track_references::<Crowd>();
}
