//! How a registration is moved from one target to another.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::Component,
    entity::Entity,
    error::{BevyError, Severity},
    world::{DeferredWorld, World},
};

use crate::{
    books::{
        Books,
        enter::{Entered, OnDuplicate},
        ids::{Entry, HandlerId, KeyId, SignalId},
        table::TargetState,
    },
    error::{RegisterError, RetargetError},
    signal::{
        late_registrations, listener, missed,
        outcome::Registered,
        register::{Subject, check_listener, check_target, registration},
        target,
        world_parts::WorldParts,
    },
};

/// A registration that can be moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    listener: Entity,
    from: Entity,
    to: Entity,
    key: KeyId,
    signal: SignalId,
    takes: TargetState,
    pub(crate) handler: HandlerId,
}

/// Returns what moves a registration, or why it cannot be moved.
pub(crate) fn plan<C: Component, S: 'static>(
    world: &mut DeferredWorld,
    listener: Entity,
    from: Entity,
    to: Entity,
) -> Result<Plan, RetargetError> {
    let moved = registration::<C, S>(listener, to);
    let missing = RetargetError::NotRegistered {
        registration: registration::<C, S>(listener, from),
        to,
    };
    let mut parts = WorldParts::of(world);
    let Some(books) = parts.books.as_deref_mut() else {
        return Err(missing);
    };
    let Some(key) = books.table.key::<C, S>() else {
        return Err(missing);
    };
    let entry = |target| Entry {
        listener,
        target,
        key,
    };
    let Some((_, handler)) = books.link_of(entry(from)) else {
        return Err(missing);
    };
    let signal = books.table.signal_of(key);
    let is_taken = books.link_of(entry(to)).is_some();
    let is_closed = books.is_closed(to);
    check_listener::<C>(&parts, moved)?;
    let (_, takes) = check_target(&parts, moved, Subject::Entity(to))?;
    if is_closed {
        return Err(RegisterError::TargetDeleting(moved).into());
    }
    if is_taken {
        return Err(RegisterError::AlreadyRegistered(moved).into());
    }
    Ok(Plan {
        listener,
        from,
        to,
        key,
        signal,
        takes,
        handler,
    })
}

impl Plan {
    /// Returns what identifies the registration once it is moved.
    pub(crate) fn entry(&self) -> Entry {
        Entry {
            listener: self.listener,
            target: self.to,
            key: self.key,
        }
    }

    /// Returns `true` if no structural change is needed.
    pub(crate) fn is_ready(&self, books: &Books) -> bool {
        self.takes == TargetState::AsItIs && books.table.lacks(self.handler).is_none()
    }

    /// Moves the registration. Its target may still have to be marked.
    pub(crate) fn carry_out(&self, books: &mut Books) {
        books.leave(Entry {
            target: self.from,
            ..self.entry()
        });
        let list = books.find_or_add(self.to, books.first(self.to), self.signal);
        // Whether the handler is called once is part of its number.
        let entered = books.enter(
            self.listener,
            list,
            self.key,
            self.handler,
            OnDuplicate::Add,
        );
        debug_assert_eq!(entered, Entered::New, "the place should be free");
    }
}

/// Moves a registration, with all structural changes that are needed.
pub(crate) fn retarget<C: Component, S: 'static>(
    world: &mut World,
    listener: Entity,
    from: Entity,
    to: Entity,
) -> Result<Registered, RetargetError> {
    loop {
        let plan = plan::<C, S>(&mut DeferredWorld::from(&mut *world), listener, from, to)?;
        let mut books = world.resource_mut::<Books>();
        let books = books.bypass_change_detection();
        if plan.is_ready(books) {
            plan.carry_out(books);
            return Ok(Registered::Now);
        }
        // A structural change applies commands that wait, which may change what was found. So look
        // again.
        listener::prepare(world, plan.handler);
        if plan.takes == TargetState::OnceMarked && !target::mark(world, to) {
            let moved = registration::<C, S>(listener, to);
            return Err(RegisterError::MarkRemoved(moved).into());
        }
    }
}

/// Moves a registration when a command is applied. If the target went away meanwhile, the listener
/// is told at once.
pub(crate) fn retarget_late<C: Component, S: 'static>(
    world: &mut World,
    listener: Entity,
    from: Entity,
    to: Entity,
) -> Result<(), BevyError> {
    let error = match retarget::<C, S>(world, listener, from, to) {
        Ok(_) => return Ok(()),
        Err(RetargetError::Refused(error)) => error,
        Err(error @ RetargetError::NotRegistered { .. }) => {
            return Err(BevyError::from(error).with_severity(Severity::Warning));
        }
    };
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    let key = books.table.key::<C, S>();
    let entry = key.map(|key| Entry {
        listener,
        target: from,
        key,
    });
    let known = entry.and_then(|entry| Some((entry, books.link_of(entry)?.1)));
    let Some((entry, handler)) = known else {
        // Commands that were applied meanwhile have ended it.
        return Err(BevyError::from(error).with_severity(Severity::Debug));
    };
    if let Some(undecided) = late_registrations::undecided(world, &error) {
        let moved = Entry {
            target: to,
            ..entry
        };
        return late_registrations::wait(
            world,
            undecided,
            moved,
            error,
            OnDuplicate::Add,
            move |world| retarget_late::<C, S>(world, listener, from, to),
        );
    }
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    if let RegisterError::TargetNotSpawned(_) | RegisterError::TargetDeleting(_) = error
        && books.table.call(handler).has_words(to)
        && !books.was_told(Entry {
            target: to,
            ..entry
        })
    {
        // It is told about its new target, and its registration on the old one has ended.
        books.leave(entry);
    }
    missed::refuse(world, error, OnDuplicate::Add, |_| (entry.key, handler))
}
