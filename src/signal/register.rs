//! How registrations begin and end.

use core::any::type_name;

use bevy_ecs::{
    archetype::ArchetypeId,
    change_detection::DetectChangesMut,
    component::Component,
    entity::Entity,
    error::{BevyError, Severity},
    world::{DeferredWorld, EntityRef, World},
};

use super::{
    Replaced, Signals,
    books::{Books, Entered, Reserved},
    handler::SignalHandler,
    late,
    list::ListId,
    listener,
    table::{Known, Takes},
};
use crate::{
    deleting::Deleting,
    error::{RegisterError, UnregisterError},
    registration::Registration,
};

/// What a registration is to do where there is one already, and how often its handler is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub enum Manner {
    /// Refuse a second one.
    Add,
    /// Refuse a second one; end before the call.
    AddOnce,
    /// Take the place of an earlier one.
    Replace,
}

/// What a registration can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub enum About {
    /// An entity of the user.
    Entity(Entity),
    /// Nothing in particular: the immortal target of global signals.
    World,
}

/// How far a registration got without a structural change.
pub(crate) enum Attempt {
    Done(Replaced),
    /// It is legal, but the target must be marked first.
    NeedsMark(Entity),
    /// It may be legal, but nobody has registered with the handler yet, or at all.
    NeedsHandler,
}

/// Registers, with all structural changes that it takes.
pub(crate) fn register<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    listener: Entity,
    about: About,
    handler: H,
    manner: Manner,
) -> Result<Replaced, RegisterError> {
    loop {
        let mut deferred = DeferredWorld::from(&mut *world);
        match attempt(&mut deferred, listener, about, handler, manner)? {
            Attempt::Done(done) => return Ok(done),
            // A structural change applies commands that wait, and those may change what was found: look again.
            Attempt::NeedsMark(target) => {
                world.entity_mut(target).insert(Signals);
            }
            Attempt::NeedsHandler => {
                world.init_resource::<Books>();
                listener::install(world, handler);
            }
        }
    }
}

/// Returns what is known of a handler, if it registered before.
fn known<Shape: 'static, H: SignalHandler<Shape>>(books: &mut Books, _handler: H) -> Option<Known> {
    books.table.handler::<(H, Shape)>()
}

/// Registers when a command is applied: a target that went away in between is told of at once.
pub(crate) fn register_late<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    listener: Entity,
    about: About,
    handler: H,
    manner: Manner,
) -> Result<(), BevyError> {
    let Err(error) = register(world, listener, about, handler, manner) else {
        return Ok(());
    };
    if let Some(undecided) = undecided(world, &error) {
        return late::wait(
            world,
            undecided,
            error.registration(),
            handler,
            about,
            manner,
        );
    }
    let severity = match error {
        RegisterError::TargetNotSpawned(registration)
        | RegisterError::TargetDeleting(registration) => {
            let mut world = DeferredWorld::from(world);
            if handler.tell_missed(&mut world, listener, registration.target) {
                return Ok(());
            }
            Severity::Warning
        }
        // Whoever was to be told is gone.
        RegisterError::ListenerNotSpawned(_) | RegisterError::ListenerDeleting(_) => {
            Severity::Debug
        }
        RegisterError::AlreadyRegistered(_)
        | RegisterError::MissingComponent(_)
        | RegisterError::ReservedTarget(_) => Severity::Warning,
    };
    Err(BevyError::from(error).with_severity(severity))
}

/// Returns who is being deleted and may yet live on, if that is why a registration was refused.
fn undecided(world: &World, error: &RegisterError) -> Option<Entity> {
    let entity = match error {
        RegisterError::TargetDeleting(registration) => registration.target,
        RegisterError::ListenerDeleting(registration) => registration.listener,
        _ => return None,
    };
    let deleting = world.get::<Deleting>(entity);
    deleting
        .is_some_and(Deleting::is_undecided)
        .then_some(entity)
}

/// Ends a registration that was made in the last moments of its listener or its target.
///
/// Whoever holds a `DeferredWorld` may be a hook or an observer of a removal: then it is done with by now.
pub(crate) fn confirm<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    listener: Entity,
    about: About,
    handler: H,
) {
    let Some(target) = target_of(world, about) else {
        return;
    };
    let is_there = |entity: Entity, has: fn(&World, EntityRef) -> bool| {
        let entity = world.get_entity(entity);
        entity.is_ok_and(|entity| has(world, entity))
    };
    let has_listener = is_there(listener, has::<H::Component>);
    let has_target = is_there(target, has::<Signals>);
    if has_listener && has_target {
        return;
    }
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    let was_registered = books
        .table
        .key::<H::Component, H::Signal>()
        .is_some_and(|key| books.leave(listener, target, key));
    if !has_target {
        books.drop_lists(target);
    }
    if was_registered && has_listener {
        handler.tell_missed(&mut DeferredWorld::from(world), listener, target);
    }
}

/// Registers as far as that goes without a structural change.
///
/// What is like an earlier registration is written at once. All else, and what must be refused, is looked at thoroughly.
#[inline]
pub(crate) fn attempt<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut DeferredWorld,
    listener: Entity,
    about: About,
    handler: H,
    manner: Manner,
) -> Result<Attempt, RegisterError> {
    let Some(target) = target_of(world, about) else {
        return Ok(Attempt::NeedsHandler);
    };
    let entities = world.entities();
    if let Ok(location) = entities.get_spawned(listener)
        && let Ok(target_location) = entities.get_spawned(target)
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        let books = books.bypass_change_detection();
        if let Some(known) = known(books, handler)
            && books.table.fits(known.handler, location.archetype_id)
            && let Some(takes) = books.table.takes(target_location.archetype_id)
            && (books.immortal == Some(target)) == (about == About::World)
        {
            if takes == Takes::OnceMarked {
                return Ok(Attempt::NeedsMark(target));
            }
            let first = books.first(target);
            if let Some(replaced) = write(books, listener, target, first, known, manner) {
                return Ok(Attempt::Done(replaced));
            }
        }
    }
    attempt_thoroughly(world, listener, target, about, handler, manner)
}

/// Registers where something is new: the handler, or the kind of listener or target.
#[cold]
fn attempt_thoroughly<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut DeferredWorld,
    listener: Entity,
    target: Entity,
    about: About,
    handler: H,
    manner: Manner,
) -> Result<Attempt, RegisterError> {
    let registration = Registration {
        listener,
        component: type_name::<H::Component>(),
        target,
        signal: type_name::<H::Signal>(),
    };
    let listening = check_listener::<H::Component>(world, registration)?;
    let (listened_to, takes) = check_target(world, registration, about)?;
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(Attempt::NeedsHandler);
    };
    let books = books.bypass_change_detection();
    let Some(known) = known(books, handler) else {
        return Ok(Attempt::NeedsHandler);
    };
    books.table.add_fitting(known.handler, listening);
    books.table.add_target(listened_to, takes);
    if about == About::World {
        books.immortal = Some(target);
    }
    if takes == Takes::OnceMarked {
        return Ok(Attempt::NeedsMark(target));
    }
    if books.is_closed(target) {
        return Err(RegisterError::TargetDeleting(registration));
    }
    let first = books.first(target);
    match write(books, listener, target, first, known, manner) {
        Some(replaced) => Ok(Attempt::Done(replaced)),
        None => Err(RegisterError::AlreadyRegistered(registration)),
    }
}

/// Writes a registration into the books, where `first` is the first list of its target.
///
/// Returns `None`, with the books unchanged, if the target is closed or there is a registration that may not be replaced.
#[inline(always)]
fn write(
    books: &mut Books,
    listener: Entity,
    target: Entity,
    first: Option<ListId>,
    known: Known,
    manner: Manner,
) -> Option<Replaced> {
    if first.is_some_and(|first| books.list(first).closed) {
        return None;
    }
    let list = books.find_or_add(target, first, known.signal);
    match books.enter(listener, list, known.key, known.handler, manner) {
        Entered::New => Some(Replaced::Nothing),
        Entered::Replaced => Some(Replaced::Handler),
        Entered::Refused => None,
    }
}

/// Refuses a target that cannot be listened to, and returns the archetype of one that can and how that takes registrations.
fn check_target(
    world: &World,
    registration: Registration,
    about: About,
) -> Result<(ArchetypeId, Takes), RegisterError> {
    let Ok(target) = world.get_entity(registration.target) else {
        return Err(RegisterError::TargetNotSpawned(registration));
    };
    if has::<Reserved>(world, target) && about != About::World {
        return Err(RegisterError::ReservedTarget(registration));
    }
    if has::<Deleting>(world, target) {
        return Err(RegisterError::TargetDeleting(registration));
    }
    let takes = if has::<Signals>(world, target) {
        Takes::AsItIs
    } else {
        Takes::OnceMarked
    };
    Ok((target.archetype().id(), takes))
}

/// Refuses a listener that cannot listen, and returns the archetype of one that can.
fn check_listener<C: Component>(
    world: &World,
    registration: Registration,
) -> Result<ArchetypeId, RegisterError> {
    let Ok(listener) = world.get_entity(registration.listener) else {
        return Err(RegisterError::ListenerNotSpawned(registration));
    };
    if has::<Deleting>(world, listener) {
        return Err(RegisterError::ListenerDeleting(registration));
    }
    if !has::<C>(world, listener) {
        return Err(RegisterError::MissingComponent(registration));
    }
    Ok(listener.archetype().id())
}

/// Tells whether an entity has a `C`, without a look at components that wait to be registered.
fn has<C: Component>(world: &World, entity: EntityRef) -> bool {
    let id = world.components().valid_component_id::<C>();
    id.is_some_and(|id| entity.contains_id(id))
}

/// Ends a registration.
pub(crate) fn unregister<C: Component, S: 'static>(
    world: &mut DeferredWorld,
    listener: Entity,
    about: About,
) -> Result<(), UnregisterError> {
    if let Some(target) = target_of(world, about)
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        let books = books.bypass_change_detection();
        let key = books.table.key::<C, S>();
        if key.is_some_and(|key| books.leave(listener, target, key)) {
            return Ok(());
        }
        if let Some(key) = key {
            books.forgo(listener, target, key);
        }
        if books.late.cancel::<C, S>(listener, target) {
            return Ok(());
        }
    }
    let (component, signal) = (type_name::<C>(), type_name::<S>());
    Err(match about {
        About::Entity(target) => UnregisterError::NotRegistered(Registration {
            listener,
            component,
            target,
            signal,
        }),
        About::World => UnregisterError::NotRegisteredGlobally {
            listener,
            component,
            signal,
        },
    })
}

/// Returns the target that a registration is about.
pub(crate) fn target_of(world: &World, about: About) -> Option<Entity> {
    match about {
        About::Entity(entity) => Some(entity),
        About::World => world.resource_entity::<Books>(),
    }
}
