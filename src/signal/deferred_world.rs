//! Registration from a `DeferredWorld`.
//!
//! A registration is entered at once, and a command does the rest.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::Component,
    entity::Entity,
    error::BevyError,
    system::Commands,
    world::{DeferredWorld, World},
};

use crate::{
    books::{
        Books,
        enter::{Entered, OnDuplicate},
        ids::{Entry, HandlerId},
    },
    deleting::Deleting,
    error::{RegisterError, RetargetError},
    panics::{FirstPanic, Panicked},
    registration::Registration,
    signal::{
        handler::SignalHandler,
        late_registrations, listener, missed,
        outcome::Registered,
        register::{Attempt, Subject, attempt, register_late, registration, target_of, write},
        retarget, target,
        world_parts::WorldParts,
    },
};

/// The state of a registration when its command is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is complete, unless it was made in the last moments of its listener or its target.
    Entered,
    /// It waits, unless it was ended.
    Waiting,
}

/// What a command has to do after a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    Nothing,
    SeeTo(Entry, Phase),
    Prepare(HandlerId),
}

impl Later {
    pub(crate) fn queue(self, commands: &mut Commands) {
        match self {
            Self::Nothing => {}
            Self::SeeTo(entry, phase) => {
                commands.queue(move |world: &mut World| see_to(world, entry, phase));
            }
            Self::Prepare(handler) => commands.queue(move |world: &mut World| {
                if world.contains_resource::<Books>() {
                    listener::prepare(world, handler);
                }
            }),
        }
    }
}

/// Registers at once, or as soon as commands are applied.
pub(crate) fn register<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut DeferredWorld,
    listener: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<Registered, RegisterError> {
    if let Some(target) = target_of(world, subject) {
        let mut parts = WorldParts::of(world);
        let entered = enter(&mut parts, listener, target, subject, handler, on_duplicate)?;
        if let Some((registered, later)) = entered {
            later.queue(&mut world.commands());
            return Ok(registered);
        }
    }
    world.commands().queue(move |world: &mut World| {
        register_late(world, listener, subject, handler, on_duplicate)
    });
    Ok(Registered::Queued)
}

/// Enters a registration, and returns what is to be done later. Returns `None` if there are no
/// books yet.
#[inline]
pub(crate) fn enter<Shape: 'static, H: SignalHandler<Shape>>(
    parts: &mut WorldParts,
    listener: Entity,
    target: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<Option<(Registered, Later)>, RegisterError> {
    match attempt(parts, listener, target, subject, handler, on_duplicate)? {
        Attempt::Done(entered, entry) => {
            // The world may be that of a hook or an observer of a removal.
            let later = match entered {
                Entered::New => Later::SeeTo(entry, Phase::Entered),
                Entered::Replaced | Entered::Kept | Entered::Refused => Later::Nothing,
            };
            Ok(Some((Registered::by(entered), later)))
        }
        Attempt::NeedsMark | Attempt::NeedsHandler => {
            enter_waiting(parts, listener, target, subject, handler, on_duplicate)
        }
    }
}

/// Enters a registration that is valid and needs a structural change, which is left to a command.
/// Returns `None` if there are no books yet.
fn enter_waiting<Shape: 'static, H: SignalHandler<Shape>>(
    parts: &mut WorldParts,
    listener: Entity,
    target: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<Option<(Registered, Later)>, RegisterError> {
    let component = parts.components.valid_component_id::<H::Component>();
    let (Some(books), Some(component)) = (parts.books.as_deref_mut(), component) else {
        return Ok(None);
    };
    let known = listener::introduce_with(&mut books.table, component, handler);
    if subject == Subject::World {
        books.immortal = Some(target);
    }
    let first = books.first(target);
    let Some(entered) = write(books, listener, target, first, known, on_duplicate) else {
        let registration = registration::<H::Component, H::Signal>(listener, target);
        return Err(RegisterError::AlreadyRegistered(registration));
    };
    let entry = known.entry(listener, target);
    Ok(Some(match entered {
        Entered::New => {
            books.wait(entry, on_duplicate.apply(known.handler));
            (Registered::Queued, Later::SeeTo(entry, Phase::Waiting))
        }
        Entered::Replaced => (Registered::Replaced, Later::Prepare(known.handler)),
        Entered::Kept | Entered::Refused => (Registered::Now, Later::Nothing),
    }))
}

/// Moves a registration from one target to another, at once or as soon as commands are applied.
pub(crate) fn retarget<C: Component, S: 'static>(
    world: &mut DeferredWorld,
    listener: Entity,
    from: Entity,
    to: Entity,
) -> Result<Registered, RetargetError> {
    let plan = retarget::plan::<C, S>(world, listener, from, to)?;
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    plan.carry_out(books);
    let entry = plan.entry();
    if plan.is_ready(books) {
        see_to_later(world, entry, Phase::Entered);
        Ok(Registered::Now)
    } else {
        books.wait(entry, plan.handler);
        see_to_later(world, entry, Phase::Waiting);
        Ok(Registered::Queued)
    }
}

/// Does the work of commands that a panic has dropped, and returns the first panic of that work.
///
/// Registrations that waited for a decision are only retried if `is_decided` returns `true`.
pub(crate) fn complete_all(
    world: &mut World,
    is_decided: impl FnOnce(&World) -> bool,
) -> Result<(), Panicked> {
    let books = world.get_resource::<Books>();
    if books.is_none_or(|books| books.pending.is_empty() && books.late.is_complete()) {
        return Ok(());
    }
    let mut first_panic = FirstPanic::from(complete_pending(world));
    if is_decided(world) {
        first_panic.note(late_registrations::complete_all(world));
    }
    first_panic.into_outcome()
}

/// Completes the registrations that wait, though their commands were dropped.
fn complete_pending(world: &mut World) -> Result<(), Panicked> {
    let Some(books) = world.get_resource::<Books>() else {
        return Ok(());
    };
    let mut first_panic = FirstPanic::default();
    let waiting: Vec<_> = books.pending.entries().collect();
    for entry in waiting {
        see_to_later(&mut DeferredWorld::from(&mut *world), entry, Phase::Waiting);
        first_panic.run(|| world.flush());
    }
    first_panic.into_outcome()
}

fn see_to_later(world: &mut DeferredWorld, entry: Entry, phase: Phase) {
    Later::SeeTo(entry, phase).queue(&mut world.commands());
}

/// Completes a registration of a `DeferredWorld`, or ends it.
fn see_to(world: &mut World, entry: Entry, phase: Phase) -> Result<(), BevyError> {
    let outcome = match phase {
        Phase::Entered => confirm(world, entry),
        Phase::Waiting => complete(world, entry),
    };
    // Without a mark, the target cannot drop its lists when it goes.
    let target = entry.target;
    let is_gone = !world.entities().contains_spawned(target);
    if (is_gone || target::lacks_mark(world, target))
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        let books = books.bypass_change_detection();
        if is_gone || books.is_unused(target) {
            books.drop_lists(target);
        }
    }
    outcome
}

/// Ends a registration that was made in the last moments of its listener or its target.
fn confirm(world: &mut World, entry: Entry) -> Result<(), BevyError> {
    let Some(books) = world.get_resource::<Books>() else {
        return Ok(());
    };
    let Some((_, handler)) = books.link_of(entry) else {
        return Ok(());
    };
    if is_listening(world, entry) && !world.entities().contains_spawned(entry.target) {
        // It was registered without an error, so there is none to report now.
        let _ = come_late(world, entry, handler);
    }
    Ok(())
}

/// Completes a registration that waits, unless it was ended.
fn complete(world: &mut World, entry: Entry) -> Result<(), BevyError> {
    let Some(handler) = waiting(world, entry) else {
        return Ok(());
    };
    // This may apply commands.
    listener::prepare(world, handler);
    let Some(handler) = waiting(world, entry) else {
        return Ok(());
    };
    let mut books = world.resource_mut::<Books>();
    let was_told = books.bypass_change_detection().was_told(entry);
    if !was_told && late_registrations::is_undecided(world, entry.target) {
        // Until then it stays where it is.
        let error = RegisterError::TargetDeleting(describe(world, entry));
        let again = move |world: &mut World| see_to(world, entry, Phase::Waiting);
        return late_registrations::wait(
            world,
            entry.target,
            entry,
            error,
            OnDuplicate::Replace,
            again,
        );
    }
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    books.stop_waiting(entry);
    let is_open = !books.is_closed(entry.target);
    if !is_listening(world, entry) {
        return Ok(());
    }
    let target = world.get_entity(entry.target);
    if target.is_ok_and(|target| is_open && !target.contains::<Deleting>()) {
        if target::lacks_mark(world, entry.target) && !target::mark(world, entry.target) {
            let error = RegisterError::MarkRemoved(describe(world, entry));
            return missed::refuse(world, error, OnDuplicate::Add, |_| (entry.key, handler));
        }
        return Ok(());
    }
    come_late(world, entry, handler)
}

fn waiting(world: &World, entry: Entry) -> Option<HandlerId> {
    world.get_resource::<Books>()?.waits(entry)
}

fn describe(world: &World, entry: Entry) -> Registration {
    let table = &world.resource::<Books>().table;
    table.describe(entry.listener, entry.target, entry.key)
}

/// Returns `true` if the listening component is there. Ends the registration otherwise.
fn is_listening(world: &mut World, entry: Entry) -> bool {
    let books = world.resource::<Books>();
    let component = books.table.component_of(entry.key);
    let listener = world.get_entity(entry.listener);
    let is_listening = listener.is_ok_and(|listener| listener.contains_id(component));
    if !is_listening {
        let mut books = world.resource_mut::<Books>();
        books.bypass_change_detection().leave(entry);
    }
    is_listening
}

/// Ends a registration whose target is going or gone. Tells its listener, unless it was told.
fn come_late(world: &mut World, entry: Entry, handler: HandlerId) -> Result<(), BevyError> {
    let registration = describe(world, entry);
    let error = if world.entities().contains_spawned(entry.target) {
        RegisterError::TargetDeleting(registration)
    } else {
        RegisterError::TargetNotSpawned(registration)
    };
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    if books.was_told(entry) {
        if target::lacks_mark(world, entry.target) {
            // It was told though it has no mark: its end was announced for an observer. With a
            // mark, its lists are dropped with it.
            target::mark(world, entry.target);
        }
        return Ok(());
    }
    books.leave(entry);
    missed::refuse(world, error, OnDuplicate::Add, |_| (entry.key, handler))
}
