//! Registrations that are in the books, and still wait for what only commands can do.
//!
//! Whoever holds a `DeferredWorld` cannot mark a target or watch a component. What it registers is
//! entered all the same, in its turn, and kept in mind here until a command has done the rest.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::{component::ComponentId, entity::Entity};

use crate::{
    books::{
        Books,
        ids::{Entry, HandlerId, KeyId},
        list::List,
    },
    hash::{HashMap, IndexMap},
};

/// From so many on, room that is not needed is given back.
const ROOMY: usize = 64;

/// The registrations that wait, with the handlers that they have by now: a listening component at a
/// time, because they end together.
#[derive(Debug, Default)]
pub(crate) struct Pending(HashMap<(Entity, ComponentId), Waiting>);

type Waiting = IndexMap<(Entity, KeyId), HandlerId>;

impl Pending {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends all that waits for a component.
    #[cold]
    pub(crate) fn forget(&mut self, listener: Entity, component: ComponentId) {
        self.0.remove(&(listener, component));
        self.give_back();
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let waiting = self.0.values().map(|waiting| {
            waiting.capacity() * size_of::<((Entity, KeyId), HandlerId, u64, usize)>()
        });
        let buckets = self.0.capacity() * size_of::<((Entity, ComponentId), Waiting)>();
        buckets + waiting.sum::<usize>()
    }

    fn give_back(&mut self) {
        if self.0.is_empty() && self.0.capacity() > ROOMY {
            self.0 = HashMap::default();
        }
    }
}

impl Books {
    /// Keeps in mind that a registration, which was entered, waits.
    pub(crate) fn wait(&mut self, entry: Entry, handler: HandlerId) {
        let component = self.table.component_of(entry.key);
        let waiting = self.pending.0.entry((entry.listener, component));
        let waiting = waiting.or_default();
        waiting.insert((entry.target, entry.key), handler);
    }

    /// Returns the handler of a registration that waits.
    pub(crate) fn waits(&self, entry: Entry) -> Option<HandlerId> {
        if self.pending.is_empty() {
            return None;
        }
        let component = self.table.component_of(entry.key);
        let waiting = self.pending.0.get(&(entry.listener, component))?;
        waiting.get(&(entry.target, entry.key)).copied()
    }

    /// Has a registration not wait any more, and returns its handler if it did.
    #[cold]
    pub(crate) fn stop_waiting(&mut self, entry: Entry) -> Option<HandlerId> {
        let component = self.table.component_of(entry.key);
        let at = (entry.listener, component);
        let waiting = self.pending.0.get_mut(&at)?;
        let handler = waiting.swap_remove(&(entry.target, entry.key));
        if waiting.is_empty() {
            self.pending.0.remove(&at);
            self.pending.give_back();
        }
        handler
    }

    /// Has nothing wait any more of the component that listens with `key`.
    pub(crate) fn stop_waiting_with(&mut self, listener: Entity, key: KeyId) {
        if !self.pending.is_empty() {
            let component = self.table.component_of(key);
            self.pending.forget(listener, component);
        }
    }

    /// Has a registration wait with another handler, if it waits.
    #[cold]
    pub(crate) fn wait_with(&mut self, entry: Entry, handler: HandlerId) {
        if self.waits(entry).is_some() {
            self.wait(entry, handler);
        }
    }

    /// Returns all registrations that wait.
    pub(crate) fn all_that_waits(&self) -> Vec<Entry> {
        let components = self.pending.0.iter();
        let entries = components.flat_map(|(&(listener, _), waiting)| {
            waiting.keys().map(move |&(target, key)| Entry {
                listener,
                target,
                key,
            })
        });
        entries.collect()
    }

    /// Has nobody wait any more who was told of the end of a target, and whose list goes.
    #[cold]
    pub(crate) fn stop_waiting_for_told(&mut self, list: &List) {
        for (_, listener, handler) in list.told() {
            self.stop_waiting(Entry {
                listener,
                target: list.target,
                key: self.table.key_of(handler),
            });
        }
    }
}

/// Who is being told that a registration came too late, and how often, each in what the one before
/// led to.
pub(crate) type Nested = HashMap<Entry, u32>;
