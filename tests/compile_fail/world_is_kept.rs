//! The world is lent for the call.

use std::cell::RefCell;

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

thread_local! {
    static KEPT: RefCell<Option<DeferredWorld<'static>>> = RefCell::new(None);
}

fn keep(world: DeferredWorld, _: Received<Ping, Mob>) {
    KEPT.set(Some(world));
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let _ = world.register_signal(mob, mob, keep);
}
