//! Registrations by command that come late, while it is not decided yet who lives on.
//!
//! Whoever is being deleted takes and makes no registrations. Where it may yet live on, a registration that a command brings
//! waits for the decision: then it is in force, or it is answered as all that come late.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::{Entity, EntityHashMap},
    error::{BevyError, Severity},
    world::World,
};

use crate::{
    books::{
        Books, Manner,
        links::{Held, Sort},
        pending::Entry,
    },
    deleting::Deleting,
    error::RegisterError,
    hash::HashMap,
};

/// The registrations that wait, each key once.
#[derive(Default)]
pub(crate) struct Late {
    waiting: HashMap<Entry, Waiting>,
    /// Which of them wait for the decision about an entity. Those that were cancelled stay in here.
    by_entity: EntityHashMap<Vec<Entry>>,
    next: u64,
}

struct Waiting {
    /// Grows from registration to registration.
    order: u64,
    /// Queues the command again.
    retry: Box<dyn FnOnce(&mut World) + Send + Sync>,
}

impl Late {
    /// Takes back a registration that waits, and tells whether there was one.
    pub(crate) fn cancel(&mut self, entry: Entry) -> bool {
        !self.waiting.is_empty() && self.waiting.remove(&entry).is_some()
    }

    /// Takes back all registrations that wait for the decision about their target.
    pub(crate) fn cancel_all(&mut self, target: Entity) {
        for entry in self.by_entity.get(&target).into_iter().flatten() {
            if entry.target == target {
                self.waiting.remove(entry);
            }
        }
    }

    /// Takes those out that wait for the decision about an entity.
    fn take(&mut self, entity: Entity) -> impl Iterator<Item = Waiting> {
        let keys = self.by_entity.remove(&entity).unwrap_or_default();
        keys.into_iter().filter_map(|key| self.waiting.remove(&key))
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

/// Tells whether an entity is being deleted and may yet live on.
pub(crate) fn is_undecided(world: &World, entity: Entity) -> bool {
    let deleting = world.get::<Deleting>(entity);
    deleting.is_some_and(Deleting::is_undecided)
}

/// Has a registration that was refused wait for the decision about `undecided`; its command is tried again then.
///
/// # Errors
///
/// Refuses one that comes back should its target live on, and a second one with the same key, unless it is to replace the first.
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
    let order = late.next;
    late.next += 1;
    late.waiting.insert(entry, Waiting { order, retry });
    late.by_entity.entry(undecided).or_default().push(entry);
    Ok(())
}

/// Says of entities that were deleted whether they live on: those that do not hear nothing any more, and the registrations that
/// waited for the decision are queued again, in order.
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
            waited.extend(books.late.take(entity));
        }
    }
    waited.sort_unstable_by_key(|waiting| waiting.order);
    for waiting in waited {
        (waiting.retry)(world);
    }
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
                // Two of them may stand in one list, so no list is tidied before all places are empty.
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
