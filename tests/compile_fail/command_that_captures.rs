//! By command as well.

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
    let handler = move |mob: &mut Mob, _: Received<Ping>| mob.count += step;
    world.commands().entity(mob).register_signal(mob, handler);
}
