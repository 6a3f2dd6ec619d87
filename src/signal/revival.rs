//! How a target that was told of its end and survives gets its registrations back.
//!
//! Registrations that were told stay in their list, before its cursor. Until it is decided which
//! entities survive, components that lose their registrations are remembered.

use bevy_ecs::{change_detection::DetectChangesMut, entity::Entity, world::World};

use crate::books::Books;

/// Begins to remember registrations that end after they were told, so that [`reopen`] does not
/// bring them back.
pub(crate) fn begin_remembering(world: &mut World) {
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        books
            .bypass_change_detection()
            .ended
            .get_or_insert_default();
    }
}

/// Ends what [`begin_remembering`] began.
pub(crate) fn end_remembering(world: &mut World) {
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        books.bypass_change_detection().ended = None;
    }
}

/// Brings the registrations on `target` back, which was told of its end and survives.
pub(crate) fn reopen(world: &mut World, target: Entity) {
    let Some(books) = world.get_resource::<Books>() else {
        return;
    };
    let is_valid = |listener: Entity, component| {
        let entity = world.get_entity(listener);
        entity.is_ok_and(|entity| entity.contains_id(component))
            && !books.has_ended(listener, component)
    };
    let told = books.told(target);
    let valid: Vec<_> = told
        .filter(|(_, listener, component)| is_valid(*listener, *component))
        .map(|(place, ..)| place)
        .collect();
    let mut books = world.resource_mut::<Books>();
    books.bypass_change_detection().reopen(target, &valid);
}
