//! The same for handlers that take the world.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::prelude::*;

struct Ping;

impl Signal for Ping {
    type Answer = ();
}

#[derive(Component, Default)]
struct Mob {
    count: u32,
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let friend = world.spawn(Mob::default()).id();
    let help = move |mut world: DeferredWorld, _: Received<Ping, Mob>| {
        world.get_mut::<Mob>(friend).unwrap().count += 1;
    };
    let _ = world.register_signal(mob, mob, help);
}
