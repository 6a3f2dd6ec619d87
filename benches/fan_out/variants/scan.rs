//! No index at all: every mob is looked at.

use bevy_ecs::{
    entity::{Entities, EntityHashSet},
    prelude::*,
};

use super::{Variant, plain::Plain};
use crate::scene::Mob;

/// How many frames the deletions take that are followed by a look at all mobs.
const FRAMES: usize = 100;

/// At the end of every frame, each mob looks whether its target is still there.
pub(crate) struct Polling;

impl Variant for Polling {
    fn register(world: &mut World, mob: Entity, target: Entity) {
        Plain::register(world, mob, target);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        Plain::retarget(world, mob, target);
    }

    fn delete_targets(world: &mut World, targets: &[Entity]) {
        let a_frame = targets.len().div_ceil(FRAMES).max(1);
        // Where fewer die than there are frames, none dies in the last ones.
        let frames = targets.chunks(a_frame).chain(std::iter::repeat(&[][..]));
        for dying in frames.take(FRAMES) {
            for &target in dying {
                world.despawn(target);
            }
            world
                .run_system_cached(poll)
                .expect("a pass over the mobs should always be possible");
        }
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        count_chasers(world, targets)
    }
}

/// All deletions of a frame are followed by one look at all mobs.
pub(crate) struct Scanning;

impl Variant for Scanning {
    fn register(world: &mut World, mob: Entity, target: Entity) {
        Plain::register(world, mob, target);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        Plain::retarget(world, mob, target);
    }

    fn delete_targets(world: &mut World, targets: &[Entity]) {
        let dying: EntityHashSet = targets.iter().copied().collect();
        for mut mob in world.query::<&mut Mob>().iter_mut(world) {
            if mob.target.is_some_and(|target| dying.contains(&target)) {
                mob.lose_target();
            }
        }
        for &target in targets {
            world.despawn(target);
        }
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        count_chasers(world, targets)
    }
}

fn poll(mut mobs: Query<&mut Mob>, entities: &Entities) {
    for mut mob in &mut mobs {
        let is_gone = |target| !entities.contains_spawned(target);
        if mob.target.is_some_and(is_gone) {
            mob.lose_target();
        }
    }
}

fn count_chasers(world: &World, targets: &[Entity]) -> usize {
    let targets: EntityHashSet = targets.iter().copied().collect();
    let mobs = world.iter_entities().filter_map(|it| it.get::<Mob>());
    mobs.filter_map(|mob| mob.target)
        .filter(|target| targets.contains(target))
        .count()
}
