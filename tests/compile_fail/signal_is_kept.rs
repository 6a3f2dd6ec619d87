//! The signal is lent for the call.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

struct Ping;

impl Signal for Ping {
    type Answer = ();
}

#[derive(Component)]
struct Collector {
    last: Option<Received<'static, Ping>>,
}

fn keep(collector: &mut Collector, ping: Received<Ping>) {
    collector.last = Some(ping);
}

fn main() {
    let mut world = World::new();
    let collector = world.spawn(Collector { last: None }).id();
    let _ = world.register_signal(collector, collector, keep);
}
