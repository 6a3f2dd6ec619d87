//! How kinds of targets become known: their own component is the mark.

use core::any::type_name;

use bevy_ecs::{component::Component, lifecycle::ComponentHooks, world::World};

use crate::{
    books::Books,
    signal::{
        dispatch,
        listener::{is_in_use, open_books},
        target,
    },
};

/// Makes the `C` mark targets. Returns `false`, and logs a warning, if its hooks cannot be added.
pub(crate) fn register_target<C: Component>(world: &mut World) -> bool {
    open_books(world);
    let component = world.register_component::<C>();
    let marks = &world.resource::<Books>().marks;
    if marks.is_mark(component) {
        return true;
    }
    let is_listening = marks.is_listening(component);
    let is_hooked = !is_in_use(world, component)
        && add_hooks(world.register_component_hooks::<C>(), is_listening);
    if !is_hooked {
        log::warn!(
            "the hooks of `{}` are taken or come too late, so its entities are marked by `SignalTarget` when they are first listened \
             to; call `register_target` before the first is spawned",
            type_name::<C>()
        );
        return false;
    }
    world.resource_mut::<Books>().marks.add(component);
    true
}

/// Adds the hooks of a mark: all of them, or none. One may be there, of a component that
/// `is_listening`.
///
/// Another hook that runs at the end of an entity would not be noticed.
fn add_hooks(hooks: &mut ComponentHooks, is_listening: bool) -> bool {
    let mut added = hooks.clone();
    let are_free = added.try_on_despawn(dispatch::tell_of_despawn).is_some()
        && (is_listening || added.try_on_remove(target::on_remove).is_some())
        && added.clone().try_on_discard(|_, _| {}).is_some();
    if are_free {
        *hooks = added;
    }
    are_free
}
