//! The listening component is lent for the call.

use std::cell::RefCell;

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

thread_local! {
    static KEPT: RefCell<Option<&'static mut Mob>> = RefCell::new(None);
}

fn keep(mob: &mut Mob, _: Received<Ping>) {
    KEPT.set(Some(mob));
}

fn main() {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let _ = world.register_signal(mob, mob, keep);
}
