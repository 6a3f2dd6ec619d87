//! Marks many entities as targets at once, where no user code can notice.

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityHashSet},
    lifecycle::{ADD, INSERT},
    observer::CachedObservers,
    world::World,
};

use crate::signal::target::SignalTarget;

/// Marks those of `targets` that are no targets yet, in order. Returns `false` if any code of the
/// user would run meanwhile. Then nothing was done.
///
/// All of them must be spawned. No commands are applied.
pub(crate) fn mark_unnoticed(world: &mut World, targets: &[Entity]) -> bool {
    if is_mark_noticed(world) {
        return false;
    }
    let mut seen = EntityHashSet::default();
    let targets = targets.iter().filter(|target| seen.insert(**target));
    world.insert_batch(targets.map(|target| (*target, SignalTarget)));
    true
}

/// Returns `true` if any code of the user may run when an entity is marked.
fn is_mark_noticed(world: &mut World) -> bool {
    let bundle = world.register_bundle::<SignalTarget>();
    // It may require others by now.
    let &[mark] = bundle.contributed_components() else {
        return true;
    };
    let has_observer = [ADD, INSERT].into_iter().any(|event| {
        let observers = world.observers().try_get_observers(event);
        observers.is_some_and(|observers| may_run(observers, mark))
    });
    has_observer || has_hook(world, mark)
}

fn may_run(observers: &CachedObservers, mark: ComponentId) -> bool {
    observers.component_observers().contains_key(&mark)
        || !observers.global_observers().is_empty()
        || !observers.entity_observers().is_empty()
}

/// Returns `true` if there is a hook for inserts of a component.
fn has_hook(world: &World, component: ComponentId) -> bool {
    let info = world.components().get_info(component);
    info.is_none_or(|info| {
        // A hook that can still be set is not there.
        let mut hooks = info.hooks().clone();
        let hooks = hooks.try_on_add(|_, _| ());
        hooks
            .and_then(|hooks| hooks.try_on_insert(|_, _| ()))
            .is_none()
    })
}
