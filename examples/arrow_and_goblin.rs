//! An archer forgets a goblin that dies in the middle of a frame, and her arrow in flight loses its
//! aim.
//!
//! Shows: registering, deleting from a system, what the handler sees, and a weak handle where
//! nothing has to react.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::prelude::*;

#[derive(Component)]
struct Goblin {
    gold: u32,
}

#[derive(Component)]
struct Archer {
    target: Option<Entity>,
    missed_gold: u32,
}

impl Archer {
    /// Runs while the goblin is still whole, so there is something to look at.
    fn forget(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let goblin = world.get::<Goblin>(told.target());
        let gold = goblin.map_or(0, |goblin| goblin.gold);
        if let Some(mut archer) = world.get_mut::<Self>(told.listener()) {
            archer.target = None;
            archer.missed_gold += gold;
        }
    }
}

#[derive(Component)]
struct Arrow(WeakEntity);

fn spring_trap(goblins: Query<Entity, With<Goblin>>, mut commands: Commands) {
    for goblin in &goblins {
        commands.entity(goblin).qdel();
    }
}

fn fly(arrows: Query<(Entity, &Arrow)>, liveness: EntityLiveness, mut commands: Commands) {
    let has_lost_its_aim = move |arrow: &Arrow| arrow.0.resolve(&liveness).is_none();
    for (entity, arrow) in &arrows {
        if has_lost_its_aim(arrow) {
            commands.entity(entity).qdel();
        }
    }
}

fn main() -> Result {
    let mut world = World::new();
    let goblin = world.spawn(Goblin { gold: 3 }).id();
    let (target, missed_gold) = (Some(goblin), 0);
    let archer = world
        .spawn(Archer {
            target,
            missed_gold,
        })
        .id();
    let arrow = world.spawn(Arrow(goblin.into())).id();
    world.register_signal(archer, goblin, Archer::forget)?;

    let mut frame = Schedule::default();
    frame.add_systems((spring_trap, fly).chain());
    frame.run(&mut world);

    let archer = world.get::<Archer>(archer).ok_or("the archer lives")?;
    assert_eq!((archer.target, archer.missed_gold), (None, 3));
    let deleted = [goblin, arrow];
    assert_eq!(
        deleted.map(|at| world.liveness(at)),
        [Liveness::Deleting; 2]
    );

    // The end of the frame; `QdelPlugin` does this in `Last`.
    assert_eq!(world.flush_qdel(), 2);
    assert_eq!(deleted.map(|at| world.liveness(at)), [Liveness::Gone; 2]);
    Ok(())
}
