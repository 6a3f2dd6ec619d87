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

use std::collections::BTreeMap;

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::{Entity, EntityHashMap},
    error::{BevyError, Severity},
    world::World,
};
use bevy_platform::cell::SyncCell;

use crate::{
    books::{
        Books, Manner,
        ids::{Entry, Sort},
        links::Held,
    },
    deleting::Deleting,
    error::RegisterError,
    hash::HashMap,
    panics::{Panicked, catch},
};

/// The registrations that wait, each key once.
#[derive(Default)]
pub(crate) struct Late {
    waiting: HashMap<Entry, Waiting>,
    /// Which of them wait for the decision about an entity. Those that were cancelled stay in here.
    by_entity: EntityHashMap<Vec<Entry>>,
    /// Those whose decision is taken, by its number and in order. Those that were cancelled stay in
    /// here.
    decided: BTreeMap<u64, Vec<Decided>>,
    next: u64,
    /// What the first of those that were tried again panicked with.
    panicked: Option<SyncCell<Panicked>>,
}

/// A registration that waits no more for a decision, by its place in the order.
#[derive(Clone, Copy)]
struct Decided {
    order: u64,
    entry: Entry,
}

struct Waiting {
    /// Grows from registration to registration.
    order: u64,
    retry: Retry,
}

/// Queues a command again.
type Retry = Box<dyn FnOnce(&mut World) + Send + Sync>;

impl Late {
    /// Takes back a registration that waits, and tells whether there was one.
    pub(crate) fn cancel(&mut self, entry: Entry) -> bool {
        !self.waiting.is_empty() && self.waiting.remove(&entry).is_some()
    }

    /// Takes back all registrations that wait for the decision about their target.
    pub(crate) fn cancel_all(&mut self, target: Entity) {
        let undecided = self.by_entity.get(&target).into_iter().flatten();
        let decided = self.decided.values().flatten();
        for entry in undecided.chain(decided.map(|decided| &decided.entry)) {
            if entry.target == target {
                self.waiting.remove(entry);
            }
        }
    }

    /// Returns those that wait for the decision about an entity, which is taken.
    fn decide(&mut self, entity: Entity) -> impl Iterator<Item = Decided> {
        let entries = self.by_entity.remove(&entity).unwrap_or_default();
        entries.into_iter().filter_map(|entry| {
            let order = self.waiting.get(&entry)?.order;
            Some(Decided { order, entry })
        })
    }

    /// Takes out what tries a registration again whose decision is taken, unless it was cancelled.
    fn take(&mut self, decided: Decided) -> Option<Retry> {
        let Decided { order, entry } = decided;
        let is_it = self.waiting.get(&entry)?.order == order;
        let waiting = is_it.then(|| self.waiting.remove(&entry))??;
        Some(waiting.retry)
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}

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
    manner: Manner,
    command: impl FnOnce(&mut World) -> Result<(), BevyError> + Send + Sync + 'static,
) -> Result<(), BevyError> {
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    let refused = || {
        let error = RegisterError::AlreadyRegistered(error.registration());
        Err(BevyError::from(error).with_severity(Severity::Warning))
    };
    if books.was_told(entry) {
        return match manner {
            Manner::Ensure => Ok(()),
            Manner::Add | Manner::AddOnce | Manner::Replace => refused(),
        };
    }
    let late = &mut books.late;
    let retry = Box::new(move |world: &mut World| world.commands().queue(command));
    if let Some(waiting) = late.waiting.get_mut(&entry) {
        return match manner {
            Manner::Add | Manner::AddOnce => refused(),
            Manner::Ensure => Ok(()),
            Manner::Replace => {
                // It keeps its place in the order.
                waiting.retry = retry;
                Ok(())
            }
        };
    }
    let order = late.number();
    late.waiting.insert(entry, Waiting { order, retry });
    late.by_entity.entry(undecided).or_default().push(entry);
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
        if !books.late.by_entity.is_empty() {
            waited.extend(books.late.decide(entity));
        }
    }
    if waited.is_empty() {
        return;
    }
    waited.sort_unstable_by_key(|decided| decided.order);
    let number = books.late.number();
    books.late.decided.insert(number, waited);
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
        let Some(number) = late.decided.keys().next().copied() else {
            let panicked = late.panicked.take().map(SyncCell::to_inner);
            return panicked.map_or(Ok(()), Err);
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
    let late = &mut books.bypass_change_detection().late;
    let all = late.decided.remove(&number).unwrap_or_default();
    let mut outcome = Ok(());
    for decided in all {
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            // Somebody has cleared the world.
            break;
        };
        let Some(retry) = books.bypass_change_detection().late.take(decided) else {
            continue;
        };
        let tried = catch(|| {
            retry(world);
            // Bevy forgets what the last command has queued, should it panic and an error handler
            // swallow that.
            world.commands().queue(|_: &mut World| {});
            world.flush();
        });
        outcome = outcome.and(tried);
    }
    let Err(panicked) = outcome else {
        return;
    };
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        panicked.resume();
    };
    let late = &mut books.bypass_change_detection().late;
    late.panicked.get_or_insert(SyncCell::new(panicked));
}

impl Books {
    /// Ends all registrations of `listener`, whatever they are of. Its declared references stay.
    #[inline]
    fn forget_listener(&mut self, listener: Entity) {
        let links = self.links.of(Sort::Registrations);
        if !matches!(links.of(listener), Held::Nothing) {
            self.forget_all(listener);
        }
    }

    fn forget_all(&mut self, listener: Entity) {
        let links = self.links.of_mut(Sort::Registrations);
        match links.of(listener) {
            Held::Nothing => {}
            Held::One(link) => {
                links.take_one(listener);
                self.empty(listener, link);
                self.stop_waiting_with(listener, link.key);
            }
            Held::Many(_) => {
                let taken = links.take_many(listener, |_| true);
                for link in &taken {
                    self.stop_waiting_with(listener, link.key);
                }
                // Two of them may stand in one list, so no list is tidied before all places are
                // empty.
                for link in &taken {
                    self.empty_place(listener, *link);
                }
                for link in taken {
                    self.tidy(link.list);
                }
            }
        }
    }
}
