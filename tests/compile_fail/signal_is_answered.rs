//! Nor does the signal leave with the answer.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

struct Ping;

impl Signal for Ping {
    type Answer = Vec<&'static Ping>;
}

#[derive(Component)]
struct Mob;

fn give_away(_: &mut Mob, ping: Received<Ping>) -> Vec<&'static Ping> {
    vec![ping.signal()]
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob).id();
    let _ = world.register_signal(mob, mob, give_away);
}
