//! What the books of a world say.

use bevy_ecs::{entity::Entity, world::World};
use qdel::{prelude::*, statistics::QdelCounts};

/// Returns the listeners on `target`, after a check of the books.
pub(crate) fn listeners_on(world: &World, target: Entity) -> Vec<Entity> {
    assert_eq!(world.check_registrations(), Ok(()));
    let on = world.registrations_on(target);
    on.into_iter().map(|on| on.listener).collect()
}

/// Returns the counts. In a world that never deleted, all are zero.
pub(crate) fn counts(world: &World) -> QdelCounts {
    world.get_resource().copied().unwrap_or_default()
}
