//! Only what says which entities it names can be tracked.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component)]
struct Mob {
    target: Option<Entity>,
}

fn main() {
    World::new().track_references::<Mob>();
}
