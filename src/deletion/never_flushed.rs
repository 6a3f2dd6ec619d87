//! A world in which deletions wait and are never torn down.

use bevy_ecs::entity::Entity;
#[cfg(feature = "bevy_app")]
use bevy_ecs::world::World;

use crate::deletion::{queue::Deletions, tear_down_queue::Fate};

/// How many wait before it is said that nothing flushes.
pub(crate) const MANY: usize = 1000;

/// Notes that something flushes.
#[cfg(feature = "bevy_app")]
pub(crate) fn note_flusher(world: &mut World) {
    let mut deletions = Deletions::get_or_init(world);
    deletions.said.nobody_flushes = true;
}

/// Queues a lone entity for its tear-down, and says that nothing flushes if these are many by now.
pub(crate) fn queue_lone(deletions: &mut Deletions, entity: Entity) {
    deletions.to_tear_down.push(entity, Fate::TearDown);
    if deletions.to_tear_down.count_in_turn() == MANY {
        warn_if_never_flushed(deletions);
    }
}

/// Says that nothing flushes, if nothing ever did and it was not said before.
#[cold]
pub(crate) fn warn_if_never_flushed(deletions: &mut Deletions) {
    if !core::mem::replace(&mut deletions.said.nobody_flushes, true) {
        log::warn!(
            "keeping {MANY} entities that were deleted and are not torn down, because nobody has ever flushed this world; add \
             `QdelPlugin`, or call `World::flush_qdel` at the end of each frame"
        );
    }
}
