//! Registrations by command that come late, while a decision is open.
//!
//! An entity that is being deleted takes and makes no registrations. While it may still survive, a
//! registration by command waits for the decision. Then it is in force, or its listener is told
//! that it came too late.
//!
//! # Invariants
//!
//! 1. A registration that waits stays here until it is retried, also if Bevy drops the command that
//!    retries it.
//! 2. A panic of one retry does not prevent another retry.

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

/// Returns the entity that is being deleted and may survive, if that is why a registration was
/// refused.
pub(crate) fn undecided(world: &World, error: &RegisterError) -> Option<Entity> {
    let entity = match error {
        RegisterError::TargetDeleting(registration) => registration.target,
        RegisterError::ListenerDeleting(registration) => registration.listener,
        _ => return None,
    };
    is_undecided(world, entity).then_some(entity)
}

/// Returns `true` if an entity is being deleted and may survive.
pub(crate) fn is_undecided(world: &World, entity: Entity) -> bool {
    let deleting = world.get::<Deleting>(entity);
    deleting.is_some_and(Deleting::is_undecided)
}

/// Makes a registration that was refused wait for the decision about `undecided`. Then its command
/// is retried.
///
/// # Errors
///
/// Refuses one that was told and comes back if its target survives. Refuses a second one with the
/// same key, unless it replaces the first.
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

/// Notes for deleted entities whether they live on. Those that do not are told nothing any more.
/// The registrations that waited for the decision are retried by a command, in order.
///
/// The declared references of entities that go stay as they are.
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

/// Retries registrations whose commands were dropped by a panic, and returns the first panic of all
/// retries.
///
/// Call it when no command that retries them can be left.
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

/// Retries the registrations that waited for a decision, one by one, with the commands that each of
/// them queues.
///
/// A panic is kept for [`complete_all`]. To resume it at once would drop the commands that wait.
fn try_again(world: &mut World, number: u64) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let all = books.bypass_change_detection().late.take_decided(number);
    let mut first_panic = FirstPanic::default();
    for decided in all {
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            // The world was cleared.
            break;
        };
        let Some(retry) = books.bypass_change_detection().late.take(decided) else {
            continue;
        };
        first_panic.run(|| {
            retry(world);
            // If the last command panics and an error handler catches that, Bevy drops what it has
            // queued.
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
