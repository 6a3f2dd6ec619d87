//! Changing immutable components of types that are known at run time only.

use crate::panics::catch;
use bevy_ecs::{
    component::{ComponentId, ComponentInfo},
    entity::Entity,
    world::World,
};
use bevy_reflect::{Reflect, ReflectFromPtr};

/// Puts a new value in the place of the immutable component of `holder`: the old one, after
/// `change`.
///
/// Hooks and observers see it as if it was inserted again, and nothing of it is lost on the way.
/// (`ReflectComponent` can only insert what `FromReflect` makes, which has the defaults of all
/// fields that reflection ignores.)
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
        // Somebody has put the data of another type into the registry.
        return;
    }
    let cast = pointer.raw_pointer_cast();
    let changed = world.modify_component_by_id(holder, component, |mut value| {
        let value = cast(value.as_mut().as_ptr().cast());
        // SAFETY: the pointer is that of the component, which nobody else reaches while it is being
        // modified, and the type of the component is the one that the cast is for, as was compared
        // above.
        let value = unsafe { &mut *value };
        // A panic in between would keep Bevy from telling that there is a new value.
        catch(|| change(value))
    });
    // Without the entity or the component there is nothing left to change.
    if let Ok(Some(Err(panicked))) = changed {
        panicked.resume();
    }
}
