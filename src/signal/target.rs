//! The mark of targets, and how an entity keeps it.
//!
//! Registrations belong to an entity, not to its mark: whoever takes that off does not end them. It
//! is put back, once for each time; whoever has it taken off again at once has the target listened
//! to by nobody.

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
    signal::{dispatch, qdeleting::QdelCause},
};

/// Marks an entity that is or was listened to, so that its despawn is noticed.
///
/// The crate inserts it with the first registration. A kind of entity that is often listened to can
/// carry it from its spawn with `#[require(SignalTarget)]`: the first registration is then as cheap as
/// the next, and hooks and handlers, which hold a `DeferredWorld`, register on it at once.
///
/// Do not remove it: [`unregister_all`](crate::WorldSignalExt::unregister_all) ends the registrations on
/// an entity. Whoever removes it all the same, with all components of an entity for instance, ends
/// nothing: while anybody is registered on the entity, or names it by a declared reference, the
/// crate inserts it again as soon as commands are applied, once for each time. If it is removed
/// again at once, by an observer for instance, registering fails with
/// [`RegisterError::MarkRemoved`](crate::RegisterError::MarkRemoved), what was registered ends, and
/// a warning says so. It is not cloned with its entity.
#[derive(Component, Debug, Default)]
#[component(
    storage = "SparseSet",
    clone_behavior = Ignore,
    on_despawn = dispatch::tell_of_despawn,
    on_remove = on_remove
)]
pub struct SignalTarget;

/// Marks `target`, which is listened to from now on, and tells whether it stays so; if not, nobody
/// listens to it any more.
///
/// It may also be gone afterwards.
pub(crate) fn mark(world: &mut World, target: Entity) -> bool {
    // Commands that wait may take a mark off, and do not mean this one.
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
    // Somebody may have cleared the world.
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

/// Returns `true` if an entity is there and has no mark.
pub(crate) fn lacks_mark(world: &World, target: Entity) -> bool {
    let target = world.get_entity(target);
    target.is_ok_and(|target| !target.contains::<SignalTarget>())
}

/// Ends what is registered on a target that cannot be marked.
fn give_up(world: &mut World, target: Entity) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    let ended = books.leave_all(target);
    books.drop_lists(target);
    if !core::mem::replace(&mut books.marks.is_reported, true) {
        log::warn!(
            "`SignalTarget` was taken off {target} as soon as it was inserted, so nobody can listen to it, and {ended} registrations on it have \
             ended; leave `SignalTarget` where it is, and call `unregister_all` where nobody is to listen any more"
        );
    }
}

/// Drops the lists of a target that is despawned; puts the mark back where it was only taken off.
pub(crate) fn on_remove(mut world: DeferredWorld, context: HookContext) {
    let target = context.entity;
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    if books.marks.despawned.take() == Some(target) || books.is_unused(target) {
        books.drop_lists(target);
        return;
    }
    if !books.marks.under_way.contains(&target) {
        world
            .commands()
            .queue(move |world: &mut World| put_back(world, target));
    }
}

/// Marks a target anew whose mark was taken off.
#[cold]
fn put_back(world: &mut World, target: Entity) {
    if world.entities().contains_spawned(target) {
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            return;
        };
        if books.is_unused(target) {
            // Whoever listened is gone by now, too.
            books.bypass_change_detection().drop_lists(target);
        } else {
            mark(world, target);
        }
    } else if let Err(panicked) = tell_afterwards(world, target) {
        panicked.resume();
    }
}

/// Tells of a target that was despawned while it had no mark.
fn tell_afterwards(world: &mut World, target: Entity) -> Result<(), Panicked> {
    let books = world.get_resource::<Books>();
    if books.is_none_or(|books| books.first(target).is_none()) {
        return Ok(());
    }
    let mut deferred = DeferredWorld::from(&mut *world);
    let told = dispatch::tell_all(&mut deferred, target, QdelCause::AlreadyGone);
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        books.bypass_change_detection().drop_lists(target);
    }
    told
}
