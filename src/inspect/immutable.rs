//! Changes immutable components of types that are only known at run time.

use crate::panics::catch;
use bevy_ecs::{
    component::{ComponentId, ComponentInfo},
    entity::Entity,
    world::World,
};
use bevy_reflect::{Reflect, ReflectFromPtr};

/// Replaces the immutable component of `holder` by the same value after `change`.
///
/// Hooks and observers run as for an insert, and no field is lost. (`ReflectComponent` can only
/// insert what `FromReflect` makes. That has default values in all fields that reflection ignores.)
#[expect(
    unsafe_code,
    reason = "Bevy has no safe way to reflect an immutable component and change it"
)]
pub(crate) fn modify(
    world: &mut World,
    holder: Entity,
    component: ComponentId,
    pointer: &ReflectFromPtr,
    change: impl FnOnce(&mut dyn Reflect),
) {
    let info = world.components().get_info(component);
    if info.and_then(ComponentInfo::type_id) != Some(pointer.type_id()) {
        // The registry holds the data of another type under this one.
        return;
    }
    let cast = pointer.raw_pointer_cast();
    let changed = world.modify_component_by_id(holder, component, |mut value| {
        let value = cast(value.as_mut().as_ptr().cast());
        // SAFETY: the pointer is that of the component, which is borrowed exclusively while it is
        // being modified. The type of the component is that of the cast, as was compared above.
        let value = unsafe { &mut *value };
        // A panic in between would keep Bevy from running the hooks of the new value.
        catch(|| change(value))
    });
    // Without the entity or the component there is nothing left to change.
    if let Ok(Some(Err(panicked))) = changed {
        panicked.resume();
    }
}
