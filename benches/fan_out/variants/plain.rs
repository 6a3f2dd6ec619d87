//! Bevy alone: the floor under every other variant.

use bevy_ecs::prelude::*;

use super::Variant;
use crate::scene::Mob;

/// Sets the field and tells nobody, so a deletion leaves the mobs' fields stale.
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
