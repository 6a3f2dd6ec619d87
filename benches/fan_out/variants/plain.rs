//! Bevy alone: the floor under every other variant.

use std::hint::black_box;

use bevy_ecs::{entity_disabling::Disabled, prelude::*};

use super::{Syncing, Variant};
use crate::scene::Mob;

/// Sets the field and nothing else, so a deletion leaves the mobs' fields stale.
pub(crate) struct Plain;

impl Variant for Plain {
    const TELLS: bool = false;

    fn register(world: &mut World, mob: Entity, target: Entity) {
        if let Some(mut mob) = world.get_mut::<Mob>(mob) {
            mob.target = Some(target);
        }
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        Self::register(world, mob, target);
    }

    fn registrations(_world: &World, _targets: &[Entity]) -> usize {
        0
    }
}

/// As [`Plain`], but what goes is hidden from queries until all go: what any deletion in two steps
/// pays to Bevy.
pub(crate) struct Hidden;

impl Variant for Hidden {
    const TELLS: bool = false;

    fn register(world: &mut World, mob: Entity, target: Entity) {
        Plain::register(world, mob, target);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        Plain::retarget(world, mob, target);
    }

    fn delete_targets(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            world.entity_mut(target).insert(Disabled);
        }
        for &target in targets {
            world.despawn(target);
        }
    }

    fn registrations(_world: &World, _targets: &[Entity]) -> usize {
        0
    }
}

/// As [`Plain`], and looks at the change tick of every mob to find those that were written.
pub(crate) struct Ticks;

/// What the loop keeps from one time to the next.
#[derive(Resource)]
struct TickLoop {
    mobs: QueryState<&'static Mob, Changed<Mob>>,
    found: usize,
}

impl Variant for Ticks {
    const TELLS: bool = false;

    fn setup(world: &mut World) {
        let mobs = world.query_filtered();
        world.insert_resource(TickLoop { mobs, found: 0 });
    }

    fn register(world: &mut World, mob: Entity, target: Entity) {
        Plain::register(world, mob, target);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        Plain::retarget(world, mob, target);
    }

    fn settle(world: &mut World) {
        world.resource_scope(|world, mut ticks: Mut<TickLoop>| {
            ticks.found = 0;
            let TickLoop { mobs, found } = &mut *ticks;
            for mob in mobs.iter(world) {
                black_box(mob);
                *found += 1;
            }
        });
    }

    fn registrations(_world: &World, _targets: &[Entity]) -> usize {
        0
    }
}

impl Syncing for Ticks {
    fn verify_found(world: &World, written: &[(Entity, Entity)]) {
        let found = world.resource::<TickLoop>().found;
        assert_eq!(found, written.len(), "mobs with a new tick");
    }
}
