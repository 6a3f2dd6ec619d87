//! How declared references are read until nothing is lost any more.

use bevy_ecs::world::World;

use crate::{
    deletion::{notify::carry_out, settle::settle_inside},
    panics::{FirstPanic, Panicked, apply_commands},
    reference::{self, tracked::Tracked, tracking::NotifyOwner},
};

/// How often references are read until nothing is lost any more, because a component that hears of
/// a loss may write what is lost as well. The last time, none hears.
const MOST_SYNCS: usize = 16;

/// Makes declared references learn what was written, and let go of what is lost, until nothing is.
pub(crate) fn sync_references(world: &mut World) -> Result<(), Panicked> {
    // Commands that wait may write as well.
    let mut first_panic = FirstPanic::from(apply_commands(world));
    if !world.contains_resource::<Tracked>() {
        first_panic.note(carry_out(world));
        return first_panic.into_outcome();
    }
    for round in 1..=MOST_SYNCS {
        let hears = if round == MOST_SYNCS {
            NotifyOwner::No
        } else {
            NotifyOwner::Yes
        };
        let (lost, synced) = sync_references_once(world, hears);
        first_panic.note(synced);
        first_panic.note(carry_out(world));
        if lost == 0 {
            break;
        }
    }
    first_panic.into_outcome()
}

/// Makes declared references learn what was written, and let go of what is lost. Returns how many
/// components let go.
pub(crate) fn sync_references_once(
    world: &mut World,
    hears: NotifyOwner,
) -> (usize, Result<(), Panicked>) {
    let released = reference::sync::sync(world, hears);
    (released.components, settle_inside(world, released))
}
