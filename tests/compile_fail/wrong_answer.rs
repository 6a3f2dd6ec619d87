//! A handler answers what its signal asks for.

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

fn hear(mob: &mut Mob, _: Received<Ping>) -> u32 {
    mob.count
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let _ = world.register_signal(mob, mob, hear);
}
