//! Registrations that wait for a command.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::{component::ComponentId, entity::Entity};

use crate::{
    books::ids::{Entry, HandlerId, KeyId},
    hash::{HashMap, IndexMap},
};

/// From this capacity on, unused memory is given back.
const ROOMY: usize = 64;

/// The registrations that wait, with their present handlers.
///
/// They are kept for each listening component, because they end together.
#[derive(Debug, Default)]
pub(crate) struct Pending(HashMap<(Entity, ComponentId), PendingOfComponent>);

type PendingOfComponent = IndexMap<(Entity, KeyId), HandlerId>;

impl Pending {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes a registration of `component` wait, with a handler.
    pub(crate) fn insert(&mut self, entry: Entry, component: ComponentId, handler: HandlerId) {
        let waiting = self.0.entry((entry.listener, component)).or_default();
        waiting.insert((entry.target, entry.key), handler);
    }

    /// Returns the handler of a registration of `component`, if it waits.
    pub(crate) fn get(&self, entry: Entry, component: ComponentId) -> Option<HandlerId> {
        let waiting = self.0.get(&(entry.listener, component))?;
        waiting.get(&(entry.target, entry.key)).copied()
    }

    /// Removes a registration of `component`, and returns its handler if it waited.
    pub(crate) fn remove(&mut self, entry: Entry, component: ComponentId) -> Option<HandlerId> {
        let at = (entry.listener, component);
        let waiting = self.0.get_mut(&at)?;
        let handler = waiting.swap_remove(&(entry.target, entry.key));
        if waiting.is_empty() {
            self.0.remove(&at);
            self.give_back();
        }
        handler
    }

    /// Removes all registrations of a component.
    #[cold]
    pub(crate) fn forget(&mut self, listener: Entity, component: ComponentId) {
        self.0.remove(&(listener, component));
        self.give_back();
    }

    /// Returns all registrations that wait.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        self.0.iter().flat_map(|(&(listener, _), waiting)| {
            waiting.keys().map(move |&(target, key)| Entry {
                listener,
                target,
                key,
            })
        })
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let waiting = self.0.values().map(|waiting| {
            waiting.capacity() * size_of::<((Entity, KeyId), HandlerId, u64, usize)>()
        });
        let buckets = self.0.capacity() * size_of::<((Entity, ComponentId), PendingOfComponent)>();
        buckets + waiting.sum::<usize>()
    }

    fn give_back(&mut self) {
        if self.0.is_empty() && self.0.capacity() > ROOMY {
            self.0 = HashMap::default();
        }
    }
}

/// How many calls of a handler, each caused by the one before, tell that this registration came too
/// late.
pub(crate) type ToldLate = HashMap<Entry, u32>;
