//! What a handler needs stands in its component.

use bevy_ecs::prelude::*;
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
    let step = 7;
    let _ = world.register_signal(mob, mob, move |mob: &mut Mob, _: Received<Ping>| {
        mob.count += step;
    });
}
