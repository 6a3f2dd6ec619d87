//! Nor does it borrow what is outside.

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
    let _ = world.register_signal(mob, mob, |mob: &mut Mob, _: Received<Ping>| {
        mob.count += step;
    });
}
