//! Which entities are hidden from queries while they are deleted, and which are not any more.

use bevy_ecs::{
    archetype::{Archetype, ArchetypeEntity},
    entity::Entity,
    entity_disabling::Disabled,
    lifecycle::{DESPAWN, DISCARD, REMOVE},
    observer::{CachedComponentObservers, ObserverMap},
    query::With,
    world::World,
};

use crate::{
    books::Reserved,
    deleting::{Deleting, Visibility},
    deletion::{mark::insert_each, queue::Deletions},
    panics::{FirstPanic, Panicked, catch},
};

/// Takes an entity out of hiding that is about to be despawned, if its deletion hid it. Returns
/// `None` if there is nothing to do.
pub(crate) fn show(world: &mut World, entity: Entity) -> Option<Result<(), Panicked>> {
    let mut entity = world.get_entity_mut(entity).ok()?;
    let is_hidden = is_hidden_by_us(entity.get()) && entity.contains::<Disabled>();
    is_hidden.then(|| {
        catch(|| {
            entity.remove::<Disabled>();
        })
    })
}

/// Hides entities that are being deleted and were made visible, if they are to be hidden.
/// Applies no commands.
pub(crate) fn hide_shown(world: &mut World) -> Result<(), Panicked> {
    let Some(deletions) = world.get_resource::<Deletions>() else {
        return Ok(());
    };
    if !deletions.may_show(world) {
        return Ok(());
    }
    let removals = deletions.profiles.removals(world);
    let archetypes = deletions.profiles.shown(world);
    let entities = archetypes.flat_map(Archetype::entities);
    let shown: Vec<_> = entities.map(ArchetypeEntity::id).collect();
    world.resource_mut::<Deletions>().removals = Some(removals);
    for entity in &shown {
        if let Some(mut mark) = world.get_mut::<Deleting>(*entity) {
            mark.set_visibility(Visibility::Hidden);
        }
    }
    insert_each(world, shown.into_iter().map(|entity| (entity, Disabled)))
}

/// Makes the entities seen again that their deletion hid.
pub(crate) fn show_all(world: &mut World) -> Result<(), Panicked> {
    let mut hidden = world.query_filtered::<(Entity, &mut Deleting), With<Disabled>>();
    let mut to_show = Vec::new();
    for (entity, mut mark) in hidden.iter_mut(world) {
        if mark.visibility() == Visibility::Hidden {
            mark.set_visibility(Visibility::AsItWas);
            to_show.push(entity);
        }
    }
    let mut first_panic = FirstPanic::default();
    for entity in to_show {
        let Ok(mut entity) = world.get_entity_mut(entity) else {
            continue;
        };
        // An observer of another one may have brought this one back.
        if !entity.contains::<Deleting>() {
            continue;
        }
        first_panic.run(|| {
            entity.remove::<Disabled>();
        });
    }
    first_panic.into_outcome()
}

/// Hides an entity that could not be despawned, as it was before.
pub(crate) fn hide_again(world: &mut World, entity: Entity) -> Result<(), Panicked> {
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return Ok(());
    };
    if !is_hidden_by_us(entity.get()) {
        return Ok(());
    }
    catch(|| {
        entity.insert_if_new(Disabled);
    })
}

fn is_hidden_by_us(mark: Option<&Deleting>) -> bool {
    mark.is_some_and(|mark| mark.visibility() == Visibility::Hidden)
}

/// Returns `true` if observers may look at entities of an archetype when they are despawned.
///
/// Those of this crate read by id, as hooks do, so that they see the hidden as well.
pub(crate) fn is_looked_at(world: &World, archetype: &Archetype) -> bool {
    let flagged = [
        (archetype.has_remove_observer(), REMOVE),
        (archetype.has_discard_observer(), DISCARD),
        (archetype.has_despawn_observer(), DESPAWN),
    ];
    let observed = flagged.into_iter().filter(|(is_flagged, _)| *is_flagged);
    let mut observers =
        observed.filter_map(|(_, event)| world.observers().try_get_observers(event));
    let looks = |map: &ObserverMap| map.keys().any(|at| world.get::<Reserved>(*at).is_none());
    let looks_at = |component: &CachedComponentObservers| {
        let of_entities = component.entity_component_observers();
        !of_entities.is_empty() || looks(component.global_observers())
    };
    observers.any(|observers| {
        let of_components = observers.component_observers();
        let mut components = archetype.components().iter();
        !observers.entity_observers().is_empty()
            || looks(observers.global_observers())
            || components.any(|component| of_components.get(component).is_some_and(looks_at))
    })
}
