//! Only a deletion marks an entity.

use bevy_ecs::prelude::*;
use qdel::Deleting;

fn main() {
    let mut world = World::new();
    world.spawn(Deleting {});
}
