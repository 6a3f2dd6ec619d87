//! The marks of targets, and how they stay on their entities.
//!
//! A target is marked by a [`SignalTarget`], or by the component of a kind of targets that was made
//! known. All marks have the same hooks.
//!
//! Registrations belong to an entity, not to its mark: they do not end when the mark is removed. A
//! `SignalTarget` takes its place, once for each removal. If it is removed again at once, the
//! registrations end.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::Component,
    entity::Entity,
    lifecycle::HookContext,
    world::{DeferredWorld, World},
};

use crate::{
    books::Books,
    panics::{Panicked, catch},
    signal::dispatch,
};

/// Marks an entity that is or was listened to, so that its despawn is noticed.
///
/// The crate inserts it with the first registration. A kind of entity that is often listened to
/// needs none if its own component is made known by
/// [`register_target`](crate::WorldQdelExt::register_target). Or it can have one from its spawn on,
/// by `#[require(SignalTarget)]`. Both make the first registration as cheap as the next, and hooks
/// and handlers, which hold a `DeferredWorld`, can register at once.
///
/// Do not remove it: [`unregister_all`](crate::WorldSignalExt::unregister_all) ends the
/// registrations on an entity. To remove it, for instance with all components of an entity, ends
/// nothing. If there are registrations on the entity, or declared references to it, the crate
/// inserts it again when commands are applied. It does so once for each removal. If an observer,
/// for instance, removes it again at once, its registrations end, and a warning says so. Then
/// registering fails with [`RegisterError::MarkRemoved`](crate::RegisterError::MarkRemoved). The
/// mark is not cloned with its entity.
#[derive(Component, Debug, Default)]
#[component(
    storage = "SparseSet",
    clone_behavior = Ignore,
    on_despawn = dispatch::tell_of_despawn,
    on_remove = on_remove
)]
pub struct SignalTarget;

/// Marks `target`, which is listened to from now on. Returns `true` if the mark stays. Otherwise,
/// the registrations on it have ended.
///
/// It may also be gone afterwards.
pub(crate) fn mark(world: &mut World, target: Entity) -> bool {
    // Commands that wait may remove the mark. Apply them before it is inserted.
    world.flush();
    if !lacks_mark(world, target) {
        return true;
    }
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return true;
    };
    books.bypass_change_detection().marks.under_way.push(target);
    let marked = catch(|| {
        if let Ok(mut target) = world.get_entity_mut(target) {
            target.insert(SignalTarget);
        }
    });
    // The world may have been cleared.
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        let under_way = &mut books.bypass_change_detection().marks.under_way;
        if let Some(at) = under_way.iter().rposition(|at| *at == target) {
            under_way.remove(at);
        }
    }
    if let Err(panicked) = marked {
        panicked.resume();
    }
    let stays = !lacks_mark(world, target);
    if !stays {
        give_up(world, target);
    }
    stays
}

/// Returns `true` if an entity is spawned and has no mark.
pub(crate) fn lacks_mark(world: &World, target: Entity) -> bool {
    let Ok(target) = world.get_entity(target) else {
        return false;
    };
    if target.contains::<SignalTarget>() {
        return false;
    }
    let books = world.get_resource::<Books>();
    !books.is_some_and(|books| books.marks.are_in(target.archetype()))
}

/// Ends the registrations on a target that cannot be marked.
fn give_up(world: &mut World, target: Entity) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    let ended = books.leave_all(target);
    books.drop_lists(target);
    if !core::mem::replace(&mut books.marks.is_reported, true) {
        log::warn!(
            "`SignalTarget` was removed from {target} as soon as it was inserted, so it cannot be listened to, and {ended} \
             registrations on it have ended; do not remove `SignalTarget`, and end registrations by `unregister_all`"
        );
    }
}

/// The hook of a component that listens, marks targets, or both: a component has room for one.
///
/// The registrations of a component that listens end. The lists of a target that is despawned are
/// dropped. Any other target is marked again.
pub(crate) fn on_remove(mut world: DeferredWorld, context: HookContext) {
    let target = context.entity;
    let component = context.component_id;
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    if books.marks.is_listening(component) {
        books.forget(target, component);
    }
    // The books of a world that was cleared may not know what the hooks were for.
    if !books.marks.is_mark(component) {
        return;
    }
    if books.marks.end_despawn(target) || books.is_unused(target) {
        books.drop_lists(target);
        return;
    }
    if !books.marks.under_way.contains(&target) {
        world
            .commands()
            .queue(move |world: &mut World| put_back(world, target));
    }
}

/// Returns `true` if nothing is left to be told of the end of a target.
pub(crate) fn is_finished(world: &World, target: Entity) -> bool {
    let books = world.get_resource::<Books>();
    books.is_none_or(|books| books.is_finished(target))
}

/// Drops the lists of `targets`, which are [finished](is_finished) and are despawned next. That
/// leaves little to do for their hooks.
pub(crate) fn drop_lists(world: &mut World, targets: &[Entity]) {
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        let books = books.bypass_change_detection();
        for target in targets {
            books.drop_lists(*target);
        }
    }
}

/// Puts the mark of a target back.
#[cold]
fn put_back(world: &mut World, target: Entity) {
    if world.entities().contains_spawned(target) {
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            return;
        };
        if books.is_unused(target) {
            // All listeners are gone by now, too.
            books.bypass_change_detection().drop_lists(target);
        } else {
            mark(world, target);
        }
    } else if let Err(panicked) = tell_afterwards(world, target) {
        panicked.resume();
    }
}

/// Tells the listeners of a target that was despawned while it had no mark.
fn tell_afterwards(world: &mut World, target: Entity) -> Result<(), Panicked> {
    let books = world.get_resource::<Books>();
    if books.is_none_or(|books| books.first(target).is_none()) {
        return Ok(());
    }
    let mut deferred = DeferredWorld::from(&mut *world);
    let told = dispatch::tell_afterwards(&mut deferred, target);
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        books.bypass_change_detection().drop_lists(target);
    }
    told
}
