//! How a type of components with declared references begins to be tracked.

use bevy_ecs::world::World;

use crate::{
    deletion::{end_of_target::end_of_target, prepare, queue::Deletions, worklist},
    reference::{self, reach::TrackedComponent},
};

/// Makes the declared fields of each `C` let go from now on.
pub(crate) fn track<C: TrackedComponent>(world: &mut World) {
    if reference::track::track::<C>(world, end_of_target) {
        prepare::prepare(world);
        let mut deletions = world.resource_mut::<Deletions>();
        deletions.tracks = true;
        deletions.looked.is_needed |= C::CASCADES;
        worklist::sync_references(world);
    }
}
