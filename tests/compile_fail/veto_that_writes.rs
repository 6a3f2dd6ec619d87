//! A veto can only look at its component.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component)]
struct Blessing {
    charges: u32,
}

fn protect(blessing: &mut Blessing, _: Received<PreQdel>) -> Verdict {
    blessing.charges -= 1;
    Verdict::Veto
}

fn main() {
    let mut world = World::new();
    let king = world.spawn(Blessing { charges: 1 }).id();
    let _ = world.register_signal(king, king, protect);
}
