//! How components are noticed that come late: on an entity that is being deleted.

use core::marker::PhantomData;

use bevy_ecs::{
    component::{Component, ComponentId},
    entity::Entity,
    lifecycle::{HookContext, Insert},
    observer::{Observer, On},
    resource::Resource,
    world::{DeferredWorld, World},
};

use crate::{books::Reserved, deleting::Deleting, deletion::queue::Deletions, signal};

/// Notes each `C` that is inserted on an entity that is being deleted.
///
/// A hook costs the least. It needs a component that is in no archetype yet and whose hook is free;
/// otherwise an observer does the same.
pub(crate) fn watch<C: Component>(world: &mut World, component: ComponentId) {
    let is_hooked = !signal::listener::is_in_use(world, component) && {
        let hooks = world.register_component_hooks::<C>();
        hooks.try_on_insert(note_inserted).is_some()
    };
    if !is_hooked {
        let observer = Observer::new(move |inserted: On<Insert<C>>, mut world: DeferredWorld| {
            note(&mut world, inserted.entity, component);
        });
        world.init_resource::<LateInserts<C>>();
        signal::listener::observe_from::<LateInserts<C>>(world, observer);
    }
}

fn note_inserted(mut world: DeferredWorld, context: HookContext) {
    note(&mut world, context.entity, context.component_id);
}

fn note(world: &mut DeferredWorld, entity: Entity, component: ComponentId) {
    if world.get::<Deleting>(entity).is_none() {
        return;
    }
    // Without a worklist, the world was cleared.
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.late.note(entity, component);
    }
}

/// The resource on whose entity the observer of the inserts of `C` lives.
#[derive(Resource)]
#[require(Reserved)]
struct LateInserts<C: Component>(PhantomData<fn() -> C>);

impl<C: Component> Default for LateInserts<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}
