//! How a type of components with declared references begins to be tracked.

use bevy_ecs::world::World;

use crate::{
    deletion::{prepare, queue::Deletions, settle::settle, worklist},
    reference::{self, reach::TrackedComponent},
};

/// Has the declared fields of each `C` let go from now on.
pub(crate) fn track<C: TrackedComponent>(world: &mut World) {
    if reference::track::track::<C>(world, settle) {
        prepare::prepare(world);
        let mut deletions = world.resource_mut::<Deletions>();
        deletions.tracks = true;
        deletions.looked.is_needed |= C::CASCADES;
        worklist::sync_references(world);
    }
}
