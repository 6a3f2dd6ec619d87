//! Registering types of components with a world.

use core::any::type_name;
use std::sync::Arc;

use bevy_ecs::{
    change_detection::Mut,
    component::Component,
    entity::Entity,
    entity_disabling::Disabled,
    lifecycle::{Insert, Remove},
    observer::On,
    query::Allow,
    relationship::{Relationship, RelationshipTarget},
    system::{Commands, Query},
    world::{DeferredWorld, World},
};

use crate::{
    StableId, Stored,
    error::RegisterError,
    load::cold_links::{self, ColdLinks},
    map::IdentityMap,
    registry::{Class, Classes, Registry, builtin, relation::Relation},
};

/// Stores the components `C`.
pub(crate) fn persistent<C: Component>(
    world: &mut World,
    stored: Stored<C>,
) -> Result<(), RegisterError> {
    let component = type_name::<C>();
    if stored.version == 0 {
        return Err(RegisterError::VersionZero { component });
    }
    if let Some(from) = stored.last_upgrade().filter(|from| *from >= stored.version) {
        let version = stored.version;
        return Err(RegisterError::UpgradeFromLater {
            component,
            from,
            version,
        });
    }
    add::<C>(world, Class::Persistent(Arc::new(stored)))?;
    note_removed::<C>(world);
    Ok(())
}

/// Gives the components `C` a class that needs nothing else.
pub(crate) fn add<C: Component>(world: &mut World, class: Class) -> Result<(), RegisterError> {
    let id = world.register_component::<C>();
    classes(world).add(id, type_name::<C>(), class)
}

/// Stores the relationship `R` under `name`.
pub(crate) fn relationship<R: Relationship>(
    world: &mut World,
    name: Arc<str>,
) -> Result<(), RegisterError> {
    let component = type_name::<R>();
    if size_of::<R>() != size_of::<Entity>() {
        return Err(RegisterError::RelationshipHasFields { component });
    }
    let source = world.register_component::<R>();
    let target = world.register_component::<R::RelationshipTarget>();
    let classes = classes(world);
    // All checks come before all changes.
    for (id, type_name) in [
        (source, component),
        (target, type_name::<R::RelationshipTarget>()),
    ] {
        if let Some(known) = classes.by_component.get(&id) {
            return Err(RegisterError::AlreadyRegistered {
                component: type_name,
                class: known.describe(&classes.relations),
            });
        }
    }
    classes.check_name(component, &name)?;
    let number = classes.relations.len();
    classes.relations.push(Relation::new::<R>(name));
    classes.add(source, component, Class::Relationship(number))?;
    classes.add(target, component, Class::RelationshipTarget(number))?;
    note_moved::<R>(world);
    if R::RelationshipTarget::LINKED_SPAWN {
        note_removed::<R::RelationshipTarget>(world);
    }
    stop_waiting::<R>(world, number);
    Ok(())
}

/// Returns the classes of a world, which begin with those of Bevy's own components.
fn classes(world: &mut World) -> &mut Classes {
    ensure(world);
    let registry = world.resource_mut::<Registry>().into_inner();
    Arc::make_mut(&mut registry.0)
}

/// Sees to it that the world has classes.
pub(crate) fn ensure(world: &mut World) {
    if !world.contains_resource::<Registry>() {
        world.init_resource::<Registry>();
        builtin::register(world);
    }
}

/// From now on, notes that an object has lost a component: a removal leaves no change tick.
fn note_removed<C: Component>(world: &mut World) {
    world.add_observer(|removed: On<Remove<C>>, mut world: DeferredWorld<'_>| {
        if let Some((id, mut map)) = object(&mut world, removed.entity) {
            map.set_dirty(id);
        }
    });
}

/// From now on, notes that an object has lost its target: all that it owns may have another root.
fn note_moved<R: Component>(world: &mut World) {
    world.add_observer(|removed: On<Remove<R>>, mut world: DeferredWorld<'_>| {
        if let Some((id, mut map)) = object(&mut world, removed.entity) {
            map.set_moved(id);
        }
    });
}

/// From now on, ends the waiting of an object for a target when it gets another one.
fn stop_waiting<R: Component>(world: &mut World, number: usize) {
    type Waiting<'w, 's> = Query<'w, 's, &'static ColdLinks, Allow<Disabled>>;
    world.add_observer(
        move |inserted: On<Insert<R>>, waiting: Waiting, mut commands: Commands| {
            let entity = inserted.entity;
            if waiting.get(entity).is_ok_and(|cold| cold.has(number)) {
                commands.queue(move |world: &mut World| cold_links::end(world, entity, number));
            }
        },
    );
}

/// Returns the object at `entity`, unless it is leaving.
fn object<'w>(
    world: &'w mut DeferredWorld<'_>,
    entity: Entity,
) -> Option<(StableId, Mut<'w, IdentityMap>)> {
    let id = *world.get::<StableId>(entity)?;
    let map = world.get_resource_mut::<IdentityMap>()?;
    (map.entity(id) == Some(entity)).then_some((id, map))
}
