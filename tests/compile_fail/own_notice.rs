//! Only a deletion says so.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

fn main() {
    let mut world = World::new();
    let entity = world.spawn_empty().id();
    world.send_signal(
        entity,
        Qdeleting {
            entity,
            cause: Cause::Qdel,
            force: false,
        },
    );
}
