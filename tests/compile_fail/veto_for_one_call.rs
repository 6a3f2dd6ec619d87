//! Asking ends no registration: it can only look.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component)]
struct Blessing;

fn protect(_: &Blessing, _: Received<PreQdel>) -> Verdict {
    Verdict::Veto
}

fn main() {
    let mut world = World::new();
    let king = world.spawn(Blessing).id();
    let _ = world.register_signal_once(king, king, protect);
}
