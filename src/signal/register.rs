//! How registrations begin and end.

use core::any::type_name;

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::{Component, ComponentId},
    entity::Entity,
    error::{BevyError, Severity},
    world::{DeferredWorld, World},
};

use super::{
    Registration, Replaced,
    books::{Books, Entry, Marks, SignalId},
    handler::SignalHandler,
    links::{Link, Put},
    list::{Signals, Tidy},
    listener,
};
use crate::error::{RegisterError, UnregisterError};

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
    /// It is legal, but the handler or the target must be prepared first.
    NeedsStructure,
}

/// Registers, with all structural changes that it takes.
pub(crate) fn register<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    listener: Entity,
    about: About,
    handler: H,
    manner: Manner,
) -> Result<Replaced, RegisterError> {
    world.init_resource::<Books>();
    let mut deferred = DeferredWorld::from(&mut *world);
    if let Attempt::Done(done) = attempt(&mut deferred, listener, about, handler, manner)? {
        return Ok(done);
    }
    if world.resource::<Books>().entry::<(H, Shape)>().is_none() {
        listener::install(world, handler);
    }
    let target = target_of(world, about).expect("the books should have been made above");
    let mut target = world.entity_mut(target);
    if !target.contains::<Signals>() {
        target.insert(Signals::default());
    }
    let mut deferred = DeferredWorld::from(world);
    match attempt(&mut deferred, listener, about, handler, manner)? {
        Attempt::Done(done) => Ok(done),
        Attempt::NeedsStructure => unreachable!("the target and the handler were prepared above"),
    }
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

/// Registers as far as that goes without a structural change.
pub(crate) fn attempt<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut DeferredWorld,
    listener: Entity,
    about: About,
    _handler: H,
    manner: Manner,
) -> Result<Attempt, RegisterError> {
    let Some(target) = target_of(world, about) else {
        return Ok(Attempt::NeedsStructure);
    };
    let registration = Registration {
        listener,
        component: type_name::<H::Component>(),
        target,
        signal: type_name::<H::Signal>(),
    };
    let Some(books) = world.get_resource::<Books>() else {
        return Ok(Attempt::NeedsStructure);
    };
    let entry = books.entry::<(H, Shape)>();
    let component = entry
        .map(|entry| entry.component)
        .or_else(|| world.component_id::<H::Component>());
    let is_prepared = check(world, registration, about, component, books.marks)?;
    let (Some(entry), true) = (entry, is_prepared) else {
        return Ok(Attempt::NeedsStructure);
    };
    enter(world, registration, entry, manner).map(Attempt::Done)
}

/// Refuses what cannot be registered. Otherwise tells whether the target can be listened to already.
fn check(
    world: &World,
    registration: Registration,
    about: About,
    component: Option<ComponentId>,
    marks: Marks,
) -> Result<bool, RegisterError> {
    let Ok(target) = world.entities().get_spawned(registration.target) else {
        return Err(RegisterError::TargetNotSpawned(registration));
    };
    let target = &world.archetypes()[target.archetype_id];
    if target.contains(marks.reserved) && about != About::World {
        return Err(RegisterError::ReservedTarget(registration));
    }
    if target.contains(marks.deleting) {
        return Err(RegisterError::TargetDeleting(registration));
    }
    let Ok(listener) = world.entities().get_spawned(registration.listener) else {
        return Err(RegisterError::ListenerNotSpawned(registration));
    };
    let listener = &world.archetypes()[listener.archetype_id];
    if listener.contains(marks.deleting) {
        return Err(RegisterError::ListenerDeleting(registration));
    }
    if !component.is_some_and(|component| listener.contains(component)) {
        return Err(RegisterError::MissingComponent(registration));
    }
    Ok(target.contains(marks.signals))
}

/// Writes a registration into the list of its target and into the books of its listener.
fn enter(
    world: &mut DeferredWorld,
    registration: Registration,
    entry: Entry,
    manner: Manner,
) -> Result<Replaced, RegisterError> {
    let Registration {
        listener, target, ..
    } = registration;
    let Entry { key, signal, .. } = entry;
    let handler = match manner {
        Manner::Add | Manner::Replace => entry.handler,
        Manner::AddOnce => entry.handler.once(),
    };
    let books = world.resource::<Books>();
    let known = books.links.find(listener, target, key);
    let only = books.links.only(listener);
    let only_is_stale = only.is_some_and(|link| !is_in_force(world, books, listener, link));

    let mut signals = world
        .get_mut::<Signals>(target)
        .expect("a checked target should have its list");
    let signals = signals.bypass_change_detection();
    if signals.is_closed() {
        return Err(RegisterError::TargetDeleting(registration));
    }
    let list = signals.list_or_new(signal, handler);
    if let Some(place) = known
        && list.get(place).is_some_and(|(at, _)| at == listener)
    {
        if manner != Manner::Replace {
            return Err(RegisterError::AlreadyRegistered(registration));
        }
        list.replace(place, handler);
        return Ok(Replaced::Handler);
    }
    let place = if list.wants_compaction_to_grow() {
        compact(world, target, signal);
        let mut signals = world
            .get_mut::<Signals>(target)
            .expect("a checked target should have its list");
        let list = signals
            .bypass_change_detection()
            .list_or_new(signal, handler);
        list.push(listener, handler)
    } else {
        list.push(listener, handler)
    };

    let link = Link { target, key, place };
    let mut books = world.resource_mut::<Books>();
    let put = books
        .bypass_change_detection()
        .links
        .put(listener, link, only_is_stale);
    match put {
        Put::Alone => {}
        Put::InMap => mark_crowded(world, target, signal),
        Put::MadeMap(first) => {
            let first_signal = world.resource::<Books>().signal_of(first.key);
            mark_crowded(world, first.target, first_signal);
            mark_crowded(world, target, signal);
        }
    }
    Ok(Replaced::Nothing)
}

/// Ends a registration.
pub(crate) fn unregister<C: Component, S: 'static>(
    world: &mut DeferredWorld,
    listener: Entity,
    about: About,
) -> Result<(), UnregisterError> {
    let target = target_of(world, about).unwrap_or(Entity::PLACEHOLDER);
    let refused = UnregisterError::NotRegistered(Registration {
        listener,
        component: type_name::<C>(),
        target,
        signal: type_name::<S>(),
    });
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Err(refused);
    };
    let books = books.bypass_change_detection();
    let Some(key) = books.key::<C, S>() else {
        return Err(refused);
    };
    let Some(place) = books.links.find(listener, target, key) else {
        return Err(refused);
    };
    let signal = books.signal_of(key);
    books.links.take(listener, target, key);
    if remove(world, listener, target, signal, place) {
        Ok(())
    } else {
        Err(refused)
    }
}

/// Empties a place in the list of `target`, if `listener` holds it and it is in force.
pub(crate) fn remove(
    world: &mut DeferredWorld,
    listener: Entity,
    target: Entity,
    signal: SignalId,
    place: u32,
) -> bool {
    let Some(mut signals) = world.get_mut::<Signals>(target) else {
        return false;
    };
    let signals = signals.bypass_change_detection();
    let Some(list) = signals.list_mut(signal) else {
        return false;
    };
    if list.get(place).is_none_or(|(at, _)| at != listener) {
        return false;
    }
    list.remove(place);
    if signals.tidy(signal) == Tidy::Compact {
        compact(world, target, signal);
    }
    true
}

/// Moves the registrations of a list to its front, and tells the books of their listeners.
pub(crate) fn compact(world: &mut DeferredWorld, target: Entity, signal: SignalId) {
    let Some(mut signals) = world.get_mut::<Signals>(target) else {
        return;
    };
    let Some(mut list) = signals.bypass_change_detection().lend(signal) else {
        return;
    };
    list.compact();
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    for (place, listener, handler) in list.iter() {
        let key = books.key_of(handler);
        books.links.moved(listener, target, key, place);
    }
    let mut signals = world
        .get_mut::<Signals>(target)
        .expect("a target that lent its list should still be there");
    signals.bypass_change_detection().give_back(list);
}

/// Tells whether a link describes a registration in force.
pub(crate) fn is_in_force(world: &World, books: &Books, listener: Entity, link: Link) -> bool {
    let Some(signals) = world.get::<Signals>(link.target) else {
        return false;
    };
    let list = signals.list(books.signal_of(link.key));
    list.and_then(|list| list.get(link.place))
        .is_some_and(|(at, handler)| at == listener && books.key_of(handler) == link.key)
}

/// Returns the target that a registration is about.
pub(crate) fn target_of(world: &World, about: About) -> Option<Entity> {
    match about {
        About::Entity(entity) => Some(entity),
        About::World => world.resource_entity::<Books>(),
    }
}

fn mark_crowded(world: &mut DeferredWorld, target: Entity, signal: SignalId) {
    if let Some(mut signals) = world.get_mut::<Signals>(target)
        && let Some(list) = signals.bypass_change_detection().list_mut(signal)
    {
        list.crowded = true;
    }
}
