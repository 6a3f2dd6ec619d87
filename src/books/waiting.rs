//! How a registration that is in the books waits for a command.
//!
//! A `DeferredWorld` cannot mark a target or watch a component. Its registrations are entered at
//! once, in order. They are kept in [`Pending`](super::pending::Pending) until a command has done
//! the rest.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::books::{
    Books,
    ids::{Entry, HandlerId, KeyId},
    list::List,
};

impl Books {
    /// Makes a registration wait that was entered.
    pub(crate) fn wait(&mut self, entry: Entry, handler: HandlerId) {
        let component = self.table.component_of(entry.key);
        self.pending.insert(entry, component, handler);
    }

    /// Returns the handler of a registration that waits.
    pub(crate) fn waits(&self, entry: Entry) -> Option<HandlerId> {
        if self.pending.is_empty() {
            return None;
        }
        let component = self.table.component_of(entry.key);
        self.pending.get(entry, component)
    }

    /// Ends the wait of a registration, and returns its handler if it waited.
    #[cold]
    pub(crate) fn stop_waiting(&mut self, entry: Entry) -> Option<HandlerId> {
        let component = self.table.component_of(entry.key);
        self.pending.remove(entry, component)
    }

    /// Ends the wait of all registrations of the component of `key`.
    pub(crate) fn stop_waiting_with(&mut self, listener: Entity, key: KeyId) {
        if !self.pending.is_empty() {
            let component = self.table.component_of(key);
            self.pending.forget(listener, component);
        }
    }

    /// Gives a registration another handler, if it waits.
    #[cold]
    pub(crate) fn wait_with(&mut self, entry: Entry, handler: HandlerId) {
        if self.waits(entry).is_some() {
            self.wait(entry, handler);
        }
    }

    /// Ends the wait of all listeners that were told of the end of a target whose `list` is
    /// dropped.
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
