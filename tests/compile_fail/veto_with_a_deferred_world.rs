//! A veto can only look at the world.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::prelude::*;

#[derive(Component)]
struct Blessing;

fn protect(mut world: DeferredWorld, asked: Received<PreQdel, Blessing>) -> Verdict {
    world.queue_qdel(asked.listener());
    Verdict::Veto
}

fn main() {
    let mut world = World::new();
    let king = world.spawn(Blessing).id();
    let _ = world.register_signal(king, king, protect);
}
