//! Registrations by command that come late, while it is not decided yet who lives on.
//!
//! Whoever is being deleted takes and makes no registrations. Where it may yet live on, a registration that a command brings
//! waits for the decision: then it is in force, or it is answered as all that come late.

use core::any::TypeId;

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::{Entity, EntityHashMap},
    error::{BevyError, Severity},
    world::World,
};
use bevy_platform::{collections::HashMap, hash::FixedHasher};

use super::{
    books::Books,
    handler::SignalHandler,
    links::{Held, Sort},
    register::{self, About, Manner},
};
use crate::{error::RegisterError, registration::Registration};

/// The registrations that wait, each key once.
#[derive(Default)]
pub(crate) struct Late {
    waiting: HashMap<Key, Waiting, FixedHasher>,
    /// Which of them wait for the decision about an entity. Those that were cancelled stay in here.
    by_entity: EntityHashMap<Vec<Key>>,
    next: u64,
}

/// Whose component waits to listen for what on whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    listener: Entity,
    target: Entity,
    /// The types of the component and the signal.
    pair: TypeId,
}

struct Waiting {
    /// Grows from registration to registration.
    order: u64,
    /// Queues the command again.
    retry: Box<dyn FnOnce(&mut World) + Send + Sync>,
}

impl Key {
    fn of<C: 'static, S: 'static>(listener: Entity, target: Entity) -> Self {
        Self {
            listener,
            target,
            pair: TypeId::of::<(C, S)>(),
        }
    }
}

impl Late {
    /// Takes back a registration that waits, and tells whether there was one.
    pub(crate) fn cancel<C: 'static, S: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
    ) -> bool {
        let key = Key::of::<C, S>(listener, target);
        !self.waiting.is_empty() && self.waiting.remove(&key).is_some()
    }

    /// Takes those out that wait for the decision about an entity.
    fn take(&mut self, entity: Entity) -> impl Iterator<Item = Waiting> {
        let keys = self.by_entity.remove(&entity).unwrap_or_default();
        keys.into_iter().filter_map(|key| self.waiting.remove(&key))
    }
}

/// Has a registration wait for the decision about `undecided`.
///
/// # Errors
///
/// Refuses a second one with the same key, unless it is to replace the first.
pub(super) fn wait<Shape: 'static, H: SignalHandler<Shape>>(
    world: &mut World,
    undecided: Entity,
    registration: Registration,
    handler: H,
    about: About,
    manner: Manner,
) -> Result<(), BevyError> {
    let Registration {
        listener, target, ..
    } = registration;
    let key = Key::of::<H::Component, H::Signal>(listener, target);
    let mut books = world.get_resource_or_init::<Books>();
    let late = &mut books.bypass_change_detection().late;
    let retry = move |world: &mut World| {
        world.commands().queue(move |world: &mut World| {
            register::register_late(world, listener, about, handler, manner)
        });
    };
    if let Some(waiting) = late.waiting.get_mut(&key) {
        if manner != Manner::Replace {
            let error = RegisterError::AlreadyRegistered(registration);
            return Err(BevyError::from(error).with_severity(Severity::Warning));
        }
        // It keeps its place in the order.
        waiting.retry = Box::new(retry);
        return Ok(());
    }
    let order = late.next;
    late.next += 1;
    let retry = Box::new(retry);
    late.waiting.insert(key, Waiting { order, retry });
    late.by_entity.entry(undecided).or_default().push(key);
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
    fn forget_listener(&mut self, listener: Entity) {
        let links = self.links.of_mut(Sort::Registrations);
        match links.of(listener) {
            Held::Nothing => {}
            Held::One(link) => {
                links.take_one(listener);
                self.empty(listener, link);
            }
            Held::Many(_) => {
                let taken = links.take_many(listener, |_| true);
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
