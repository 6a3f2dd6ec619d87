//! What a target carries.

use bevy_ecs::{
    change_detection::DetectChangesMut, component::Component, lifecycle::HookContext,
    world::DeferredWorld,
};

use super::{books::Books, dispatch};

/// Marks an entity that is or was listened to, so that its despawn is noticed.
///
/// The crate inserts it with the first registration. A kind of entity that is often listened to can carry
/// it from its spawn with `#[require(Signals)]`: the first registration is then as cheap as the next, and
/// hooks and handlers, which hold a `DeferredWorld`, register on it at once.
///
/// Removing it ends the registrations on its entity without telling anybody.
/// It is not cloned with its entity.
#[derive(Component, Debug, Default)]
#[component(
    storage = "SparseSet",
    clone_behavior = Ignore,
    on_despawn = dispatch::tell_of_despawn,
    on_remove = drop_lists
)]
pub struct Signals;

/// Ends the registrations on a target whose lists go away, with the target or without it.
fn drop_lists(mut world: DeferredWorld, context: HookContext) {
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        books.bypass_change_detection().drop_lists(context.entity);
    }
}
