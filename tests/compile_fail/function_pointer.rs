//! A pointer to a function is a value: a registration has no room for it.

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

fn hear(mob: &mut Mob, _: Received<Ping>) {
    mob.count += 1;
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let handler: fn(&mut Mob, Received<Ping>) = hear;
    let _ = world.register_signal(mob, mob, handler);
}
