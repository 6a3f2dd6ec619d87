//! The observer that notices the end of a listener if no hook can.
//!
//! For each listener that goes away, an observer that is a system costs some 300 instructions more
//! than a hook. An observer with a runner of its own costs half of that.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::{Component, ComponentId},
    entity::Entity,
    lifecycle::{REMOVE, RemoveEvent},
    observer::{Observer, TriggerContext},
    ptr::PtrMut,
    world::DeferredWorld,
};

use crate::books::Books;

/// Returns an observer that ends the registrations of a removed `C`, which is the component `id`.
#[expect(
    unsafe_code,
    reason = "a system in its place costs 150 instructions more for each listener that goes away"
)]
pub(crate) fn removal_observer<C: Component>(id: ComponentId) -> Observer {
    let observer = Observer::with_dynamic_runner(forget_removed::<C>).with_component(id);
    // SAFETY: the runner takes what it is given for a `RemoveEvent`, which is the event of this
    // key.
    unsafe { observer.with_event_key(REMOVE) }
}

/// Ends the registrations of the `C` that a `RemoveEvent` is about.
///
/// # Safety
///
/// `event` must point to a `RemoveEvent`.
#[expect(
    unsafe_code,
    reason = "a system in its place costs 150 instructions more for each listener that goes away"
)]
unsafe fn forget_removed<C: Component>(
    mut world: DeferredWorld,
    _observer: Entity,
    _context: &TriggerContext,
    event: PtrMut,
    _trigger: PtrMut,
) {
    // SAFETY: the caller says so.
    let RemoveEvent { entity } = *unsafe { event.deref_mut::<RemoveEvent>() };
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        let books = books.bypass_change_detection();
        if let Some(component) = books.table.watched::<C>() {
            books.forget(entity, component);
        }
    }
}
