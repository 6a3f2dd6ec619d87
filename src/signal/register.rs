//! How registrations begin and end.

use core::any::type_name;

use bevy_ecs::{
    archetype::ArchetypeId,
    change_detection::DetectChangesMut,
    component::Component,
    entity::Entity,
    error::BevyError,
    world::{DeferredWorld, World},
};

use crate::{
    books::{
        Books, Reserved,
        enter::{Entered, OnDuplicate},
        ids::{Entry, ListId},
        table::{KnownHandler, TargetState},
    },
    deleting::Deleting,
    error::{RegisterError, UnregisterError},
    registration::Registration,
    signal::{
        handler::SignalHandler, late_registrations, listener, missed, target,
        world_parts::WorldParts,
    },
};

/// The target of a registration, as the caller names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub enum Subject {
    /// An entity of the user.
    Entity(Entity),
    /// No entity: the target of global signals.
    World,
}

/// How far a registration got without a structural change.
pub(crate) enum Attempt {
    Done(Entered, Entry),
    /// It is valid, but the target must be marked first.
    NeedsMark,
    /// It may be valid, but the world is not prepared for the handler, or has no books.
    NeedsHandler,
}

/// Registers, with all structural changes that are needed.
pub(crate) fn register<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    listener: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<Entered, RegisterError> {
    loop {
        let Some(target) = target_of(world, subject) else {
            listener::install(world, handler);
            continue;
        };
        let mut deferred = DeferredWorld::from(&mut *world);
        let mut parts = WorldParts::of(&mut deferred);
        // A structural change applies commands that wait, which may change what was found. So look
        // again each time.
        match attempt(&mut parts, listener, target, subject, handler, on_duplicate)? {
            Attempt::Done(entered, _) => return Ok(entered),
            Attempt::NeedsMark => {
                if !target::mark(world, target) {
                    return Err(RegisterError::MarkRemoved(registration::<
                        H::Component,
                        H::Signal,
                    >(
                        listener, target
                    )));
                }
            }
            Attempt::NeedsHandler => listener::install(world, handler),
        }
    }
}

/// Registers pairs of a listener and a target, in order. Returns why some were refused.
pub(crate) fn register_many<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    pairs: impl IntoIterator<Item = (Entity, Entity)>,
    handler: H,
) -> Vec<RegisterError> {
    let mut refused = Vec::new();
    let mut pairs = pairs.into_iter();
    loop {
        let mut deferred = DeferredWorld::from(&mut *world);
        let mut parts = WorldParts::of(&mut deferred);
        // Until one needs a structural change.
        let next = pairs.by_ref().find(|&(listener, target)| {
            let subject = Subject::Entity(target);
            let attempt = attempt(
                &mut parts,
                listener,
                target,
                subject,
                handler,
                OnDuplicate::Add,
            );
            match attempt {
                Ok(Attempt::Done(..)) => false,
                Ok(Attempt::NeedsMark | Attempt::NeedsHandler) => true,
                Err(error) => {
                    refused.push(error);
                    false
                }
            }
        });
        let Some((listener, target)) = next else {
            return refused;
        };
        let subject = Subject::Entity(target);
        let registered = register(world, listener, subject, handler, OnDuplicate::Add);
        refused.extend(registered.err());
    }
}

/// Returns the numbers of a handler, if it was registered before.
fn known<Shape: 'static, H: SignalHandler<Shape>>(
    books: &mut Books,
    _handler: H,
) -> Option<KnownHandler> {
    books.table.handler::<(H, Shape)>()
}

/// Registers when a command is applied. If the target went away meanwhile, the listener is told at
/// once.
pub(crate) fn register_late<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    listener: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<(), BevyError> {
    let Err(error) = register(world, listener, subject, handler, on_duplicate) else {
        return Ok(());
    };
    if let Some(undecided) = late_registrations::undecided(world, &error) {
        let known = listener::introduce(world, handler);
        let entry = known.entry(listener, error.registration().target);
        return late_registrations::wait(
            world,
            undecided,
            entry,
            error,
            on_duplicate,
            move |world| register_late(world, listener, subject, handler, on_duplicate),
        );
    }
    missed::refuse(world, error, on_duplicate, |world| {
        let known = listener::introduce(world, handler);
        (known.key, on_duplicate.apply(known.handler))
    })
}

/// Returns a registration by names.
pub(crate) fn registration<C, S>(listener: Entity, target: Entity) -> Registration {
    Registration {
        listener,
        component: type_name::<C>(),
        target,
        signal: type_name::<S>(),
    }
}

/// Registers as far as possible without a structural change.
///
/// A registration that is like an earlier one is written at once. All others, and those that must
/// be refused, are checked thoroughly.
// Always, because it has several callers: as a call it is 7 % of a registration dearer.
#[inline(always)]
pub(crate) fn attempt<Shape: 'static, H: SignalHandler<Shape>>(
    parts: &mut WorldParts,
    listener: Entity,
    target: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<Attempt, RegisterError> {
    if let Some(listening) = parts.archetype_of(listener)
        && let Some(listened_to) = parts.archetype_of(target)
        && let Some(books) = parts.books.as_deref_mut()
        && let Some(known) = known(books, handler)
        && books.table.fits(known.handler, listening)
        && let Some(takes) = books.table.takes(listened_to)
        && (books.immortal == Some(target)) == (subject == Subject::World)
    {
        if takes == TargetState::OnceMarked {
            return Ok(Attempt::NeedsMark);
        }
        let first = books.first(target);
        if let Some(entered) = write(books, listener, target, first, known, on_duplicate) {
            return Ok(Attempt::Done(entered, known.entry(listener, target)));
        }
    }
    attempt_thoroughly(parts, listener, target, subject, handler, on_duplicate)
}

/// Registers if the handler, or the kind of listener or target, may be new.
#[cold]
fn attempt_thoroughly<Shape: 'static, H: SignalHandler<Shape>>(
    parts: &mut WorldParts,
    listener: Entity,
    target: Entity,
    subject: Subject,
    handler: H,
    on_duplicate: OnDuplicate,
) -> Result<Attempt, RegisterError> {
    let registration = registration::<H::Component, H::Signal>(listener, target);
    let listening = check_listener::<H::Component>(parts, registration)?;
    let (listened_to, takes) = check_target(parts, registration, subject)?;
    let Some(books) = parts.books.as_deref_mut() else {
        return Ok(Attempt::NeedsHandler);
    };
    if books.is_closed(target) {
        return Err(RegisterError::TargetDeleting(registration));
    }
    let known = known(books, handler).filter(|known| books.table.lacks(known.handler).is_none());
    let Some(known) = known else {
        return Ok(Attempt::NeedsHandler);
    };
    books.table.add_fitting(known.handler, listening);
    books.table.add_target(listened_to, takes);
    if subject == Subject::World {
        books.immortal = Some(target);
    }
    if takes == TargetState::OnceMarked {
        return Ok(Attempt::NeedsMark);
    }
    let first = books.first(target);
    match write(books, listener, target, first, known, on_duplicate) {
        Some(entered) => Ok(Attempt::Done(entered, known.entry(listener, target))),
        None => Err(RegisterError::AlreadyRegistered(registration)),
    }
}

/// Writes a registration into the books, where `first` is the first list of its target.
///
/// Returns `None`, with the books unchanged, if the target is closed or there is a registration
/// that may not be replaced.
#[inline(always)]
pub(crate) fn write(
    books: &mut Books,
    listener: Entity,
    target: Entity,
    first: Option<ListId>,
    known: KnownHandler,
    on_duplicate: OnDuplicate,
) -> Option<Entered> {
    let is_closed = first.is_some_and(|first| books.list(first).closed);
    // It may be despawned right now, and have no list.
    if is_closed || books.marks.is_despawned(target) {
        return None;
    }
    let list = books.find_or_add(target, first, known.signal);
    match books.enter(listener, list, known.key, known.handler, on_duplicate) {
        Entered::Refused => None,
        entered => Some(entered),
    }
}

/// Refuses a target that cannot be listened to. Returns the archetype and state of any other.
pub(crate) fn check_target(
    parts: &WorldParts,
    registration: Registration,
    subject: Subject,
) -> Result<(ArchetypeId, TargetState), RegisterError> {
    let Some(target) = parts.archetype_of(registration.target) else {
        return Err(RegisterError::TargetNotSpawned(registration));
    };
    if parts.has::<Reserved>(target) && subject != Subject::World {
        return Err(RegisterError::ReservedTarget(registration));
    }
    if parts.has::<Deleting>(target) {
        return Err(RegisterError::TargetDeleting(registration));
    }
    let archetype = &parts.archetypes[target];
    let books = parts.books.as_deref();
    let takes = if books.is_some_and(|books| books.marks.are_in(archetype)) {
        TargetState::AsItIs
    } else {
        TargetState::OnceMarked
    };
    Ok((target, takes))
}

/// Refuses a listener that cannot listen. Returns the archetype of any other.
pub(crate) fn check_listener<C: Component>(
    parts: &WorldParts,
    registration: Registration,
) -> Result<ArchetypeId, RegisterError> {
    let Some(listener) = parts.archetype_of(registration.listener) else {
        return Err(RegisterError::ListenerNotSpawned(registration));
    };
    if parts.has::<Deleting>(listener) {
        return Err(RegisterError::ListenerDeleting(registration));
    }
    if !parts.has::<C>(listener) {
        return Err(RegisterError::MissingComponent(registration));
    }
    Ok(listener)
}

/// Ends a registration.
pub(crate) fn unregister<C: Component, S: 'static>(
    world: &mut DeferredWorld,
    listener: Entity,
    subject: Subject,
) -> Result<(), UnregisterError> {
    if let Some(target) = target_of(world, subject)
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        let books = books.bypass_change_detection();
        let entry = books.table.key::<C, S>().map(|key| Entry {
            listener,
            target,
            key,
        });
        // A registration that was told does not come back, and one that waits is cancelled.
        let end = |entry| {
            let is_cancelled = books.late.cancel(entry);
            books.leave(entry) || books.withdraw(entry) || is_cancelled
        };
        if entry.is_some_and(end) {
            return Ok(());
        }
    }
    Err(match subject {
        Subject::Entity(target) => {
            UnregisterError::NotRegistered(registration::<C, S>(listener, target))
        }
        Subject::World => UnregisterError::NotRegisteredGlobally {
            listener,
            component: type_name::<C>(),
            signal: type_name::<S>(),
        },
    })
}

/// Returns the entity of the target of a registration.
pub(crate) fn target_of(world: &World, subject: Subject) -> Option<Entity> {
    match subject {
        Subject::Entity(entity) => Some(entity),
        Subject::World => world.resource_entity::<Books>(),
    }
}
