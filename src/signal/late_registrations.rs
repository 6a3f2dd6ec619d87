//! Registrations by command that come late, while it is not decided yet who lives on.
//!
//! Whoever is being deleted takes and makes no registrations. Where it may yet live on, a
//! registration that a command brings waits for the decision: then it is in force, or it is
//! answered as all that come late.
//!
//! # Invariants
//!
//! 1. What waits stays here until it is tried again, also where Bevy drops the command that was to
//!    do so.
//! 2. What panics when it is tried again keeps nothing else from that, whatever it panicked with.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::Entity,
    error::{BevyError, Severity},
    world::World,
};

use crate::{
    books::{Books, enter::OnDuplicate, ids::Entry},
    deleting::Deleting,
    error::RegisterError,
    panics::{FirstPanic, Panicked},
};

/// Returns who is being deleted and may yet live on, if that is why a registration was refused.
pub(crate) fn undecided(world: &World, error: &RegisterError) -> Option<Entity> {
    let entity = match error {
        RegisterError::TargetDeleting(registration) => registration.target,
        RegisterError::ListenerDeleting(registration) => registration.listener,
        _ => return None,
    };
    is_undecided(world, entity).then_some(entity)
}

/// Returns `true` if an entity is being deleted and may yet live on.
pub(crate) fn is_undecided(world: &World, entity: Entity) -> bool {
    let deleting = world.get::<Deleting>(entity);
    deleting.is_some_and(Deleting::is_undecided)
}

/// Has a registration that was refused wait for the decision about `undecided`; its command is
/// tried again then.
///
/// # Errors
///
/// Refuses one that comes back should its target live on, and a second one with the same key,
/// unless it is to replace the first.
pub(crate) fn wait(
    world: &mut World,
    undecided: Entity,
    entry: Entry,
    error: RegisterError,
    on_duplicate: OnDuplicate,
    command: impl FnOnce(&mut World) -> Result<(), BevyError> + Send + Sync + 'static,
) -> Result<(), BevyError> {
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    let refused = || {
        let error = RegisterError::AlreadyRegistered(error.registration());
        Err(BevyError::from(error).with_severity(Severity::Warning))
    };
    if books.was_told(entry) {
        return match on_duplicate {
            OnDuplicate::Ensure => Ok(()),
            OnDuplicate::Add | OnDuplicate::AddOnce | OnDuplicate::Replace => refused(),
        };
    }
    let late = &mut books.late;
    let retry = Box::new(move |world: &mut World| world.commands().queue(command));
    if let Some(waiting) = late.retry_mut(entry) {
        return match on_duplicate {
            OnDuplicate::Add | OnDuplicate::AddOnce => refused(),
            OnDuplicate::Ensure => Ok(()),
            OnDuplicate::Replace => {
                // It keeps its place in the order.
                *waiting = retry;
                Ok(())
            }
        };
    }
    late.add(undecided, entry, retry);
    Ok(())
}

/// Says of entities that were deleted whether they live on: those that do not hear nothing any
/// more, and the registrations that waited for the decision are tried again by a command, in order.
///
/// The declared references of those that go stay as they are.
pub(crate) fn conclude(world: &mut World, decided: impl Iterator<Item = (Entity, bool)>) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    let mut waited = Vec::new();
    for (entity, lives) in decided {
        if !lives {
            books.forget_listener(entity);
        }
        if books.late.is_awaited() {
            waited.extend(books.late.decide(entity));
        }
    }
    if waited.is_empty() {
        return;
    }
    waited.sort_unstable_by_key(|decided| decided.order);
    let number = books.late.add_decided(waited);
    world
        .commands()
        .queue(move |world: &mut World| try_again(world, number));
}

/// Tries those again whose commands are lost, as a panic drops what waits behind it, and returns
/// the first panic of all that were tried again.
///
/// To be called when no command that tries them again can be left.
pub(crate) fn complete_all(world: &mut World) -> Result<(), Panicked> {
    loop {
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            return Ok(());
        };
        let late = &mut books.bypass_change_detection().late;
        let Some(number) = late.first_decided() else {
            return late.first_panic.take();
        };
        try_again(world, number);
    }
}

/// Tries the registrations again that waited for a decision, one after the other, with the commands
/// that each of them queues.
///
/// A panic is kept for [`complete_all`]: going on at once, it would lose the commands that wait.
fn try_again(world: &mut World, number: u64) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let all = books.bypass_change_detection().late.take_decided(number);
    let mut first_panic = FirstPanic::default();
    for decided in all {
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            // Somebody has cleared the world.
            break;
        };
        let Some(retry) = books.bypass_change_detection().late.take(decided) else {
            continue;
        };
        first_panic.run(|| {
            retry(world);
            // Bevy forgets what the last command has queued, should it panic and an error handler
            // swallow that.
            world.commands().queue(|_: &mut World| {});
            world.flush();
        });
    }
    let Err(panicked) = first_panic.into_outcome() else {
        return;
    };
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        panicked.resume();
    };
    let late = &mut books.bypass_change_detection().late;
    late.first_panic.keep(panicked);
}
