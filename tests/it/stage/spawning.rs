//! Many entities at once.

use bevy_ecs::{entity::Entity, world::World};

/// Spawns entities without components.
pub(crate) fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}
