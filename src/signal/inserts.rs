//! How the inserts of components are noticed.

use bevy_ecs::{
    component::{Component, ComponentId},
    entity::Entity,
    lifecycle::{HookContext, Insert},
    observer::{Observer, On},
    world::{DeferredWorld, World},
};

use crate::signal::listener::{is_in_use, observe_for};

/// What is done when a component of a watched type is inserted.
pub(crate) trait OnInsert: 'static {
    fn on_insert(world: &mut DeferredWorld, entity: Entity, component: ComponentId);
}

/// Calls `W` for each `C` that is inserted from now on.
///
/// A hook costs the least. It needs a component that is in no archetype yet and whose hook is free;
/// otherwise an observer does the same.
pub(crate) fn watch_inserts<W: OnInsert, C: Component>(world: &mut World, component: ComponentId) {
    let is_hooked = !is_in_use(world, component)
        && world
            .register_component_hooks::<C>()
            .try_on_insert(|mut world, context: HookContext| {
                W::on_insert(&mut world, context.entity, context.component_id);
            })
            .is_some();
    if !is_hooked {
        let observer = Observer::new(move |inserted: On<Insert<C>>, mut world: DeferredWorld| {
            W::on_insert(&mut world, inserted.entity, component);
        });
        observe_for::<W, C>(world, observer);
    }
}
