//! What cannot be written has no handler that writes it.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

struct Ping;

impl Signal for Ping {
    type Answer = ();
}

#[derive(Component)]
#[component(immutable)]
struct Statue;

fn hear(_: &mut Statue, _: Received<Ping>) {}

fn main() {
    let mut world = World::new();
    let statue = world.spawn(Statue).id();
    let _ = world.register_signal(statue, statue, hear);
}
