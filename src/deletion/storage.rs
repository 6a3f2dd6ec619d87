//! Whether the storage of a world can still be relied upon.
//!
//! A value that panics when it is dropped interrupts Bevy in the middle of a despawn: the entity is
//! not spawned any more, but its table has a row for it still, and of that row and the last one
//! some components are swapped and dropped, and others are not. Whatever is read or removed there
//! next may have been dropped already. So nothing is torn down in such a world any more: what waits
//! stays as it is.

use bevy_ecs::world::World;

use crate::deletion::queue::{Deletions, Storage};

/// Finds out whether a panic came from a value that was dropped, and keeps it in mind. Tells
/// whether nothing may be torn down any more.
///
/// Each row of a table belongs to an entity of an archetype, except where Bevy was interrupted
/// between the two. Hooks, observers and commands that panic leave both whole.
#[cold]
pub(crate) fn look_after_panic(world: &mut World) -> bool {
    let tables = world.storages().tables.iter();
    let rows: u64 = tables.map(|table| u64::from(table.entity_count())).sum();
    let archetypes = world.archetypes().iter();
    let entities: u64 = archetypes.map(|archetype| u64::from(archetype.len())).sum();
    // Without a worklist, the world was cleared.
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return false;
    };
    if rows != entities && !deletions.is_broken() {
        deletions.storage = Storage::Broken { is_reported: false };
    }
    deletions.is_broken()
}

/// Says once why nothing is torn down any more.
#[cold]
pub(crate) fn report(deletions: &mut Deletions) {
    let is_reported = deletions.storage == Storage::Broken { is_reported: true };
    if !is_reported {
        deletions.storage = Storage::Broken { is_reported: true };
        let waiting = deletions.count_waiting();
        log::error!(
            "tearing nothing down in this world any more, {waiting} waiting: a component panicked when it was dropped, and Bevy left its \
             table half dropped, so that what is read or despawned there next may have been dropped already; end the process or \
             `mem::forget` the world, and mend the `Drop`"
        );
    }
}

/// Calls `despawn`, and looks after a panic of it.
pub(crate) fn guarded<T>(world: &mut World, despawn: impl FnOnce(&mut World) -> T) -> T {
    let guard = Guard(world);
    let despawned = despawn(guard.0);
    core::mem::forget(guard);
    despawned
}

/// Looks after a panic that goes on.
struct Guard<'w>(&'w mut World);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        look_after_panic(self.0);
    }
}
