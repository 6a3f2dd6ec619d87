//! A handler finishes before its target is torn down.

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

async fn hear(mob: &mut Mob, _: Received<'_, Ping>) {
    mob.count += 1;
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let _ = world.register_signal(mob, mob, hear);
}
