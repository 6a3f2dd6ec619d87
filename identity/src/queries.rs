//! Looking at entities that are hidden from queries.

use bevy_ecs::{entity_disabling::DefaultQueryFilters, world::World};

/// Calls `look`, in which queries see all entities, also those that are disabled.
pub(crate) fn unfiltered<T>(world: &mut World, look: impl FnOnce(&mut World) -> T) -> T {
    let Some(mut filters) = world.get_resource_mut::<DefaultQueryFilters>() else {
        return look(world);
    };
    let filters = core::mem::replace(&mut *filters, DefaultQueryFilters::empty());
    let found = look(world);
    if let Some(mut empty) = world.get_resource_mut::<DefaultQueryFilters>() {
        *empty = filters;
    }
    found
}
