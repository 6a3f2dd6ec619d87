//! This crate: the mob's field is declared, and setting it is all.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;
use qdel::prelude::*;

use super::{Syncing, Variant, plain::Plain};
use crate::scene::Mob;

/// Mobs whose field is declared, with targets that go in the way of `W`.
pub(crate) struct Tracked<W>(PhantomData<W>);

/// How targets go.
pub(crate) trait Ending {
    fn delete_targets(world: &mut World, targets: &[Entity]);
}

/// By `despawn`.
pub(crate) struct Despawned;

impl Ending for Despawned {
    fn delete_targets(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            world.despawn(target);
        }
    }
}

/// By `qdel`, and torn down at the end of the frame.
pub(crate) struct Queued;

impl Ending for Queued {
    fn delete_targets(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            super::signal::qdel(world, target);
        }
        world.flush_qdel();
    }
}

impl<W: Ending> Variant for Tracked<W> {
    fn setup(world: &mut World) {
        world.track_references::<Mob>();
    }

    fn register(world: &mut World, mob: Entity, target: Entity) {
        Plain::register(world, mob, target);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        Plain::retarget(world, mob, target);
    }

    fn settle(world: &mut World) {
        world.sync_references();
    }

    fn delete_targets(world: &mut World, targets: &[Entity]) {
        W::delete_targets(world, targets);
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        super::signal::registrations(world, targets)
    }
}

impl<W: Ending> Syncing for Tracked<W> {
    fn verify_found(world: &World, written: &[(Entity, Entity)]) {
        for &(mob, target) in written {
            let named = world.registrations_of(mob);
            let named: Vec<Entity> = named.iter().map(|named| named.target).collect();
            assert_eq!(named, [target], "{mob} should be known to name its target");
        }
    }
}
