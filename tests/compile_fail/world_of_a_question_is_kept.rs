//! The world of a question is lent for the call.

use std::cell::RefCell;

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component)]
struct Blessing;

thread_local! {
    static KEPT: RefCell<Option<&'static World>> = RefCell::new(None);
}

fn keep(world: &World, _: Received<PreQdel, Blessing>) -> Verdict {
    KEPT.set(Some(world));
    Verdict::Allow
}

fn main() {
    let mut world = World::new();
    let king = world.spawn(Blessing).id();
    let _ = world.register_signal(king, king, keep);
}
