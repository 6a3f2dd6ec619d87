//! How a registration that is in the books waits for a command.
//!
//! A `DeferredWorld` cannot mark a target or watch a component. What is registered with one is
//! entered all the same, in its turn. It is kept in [`Pending`](super::pending::Pending) until a
//! command has done the rest.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::books::{
    Books,
    ids::{Entry, HandlerId, KeyId},
    list::List,
};

impl Books {
    /// Has a registration wait that was entered.
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

    /// Has a registration not wait any more, and returns its handler if it did.
    #[cold]
    pub(crate) fn stop_waiting(&mut self, entry: Entry) -> Option<HandlerId> {
        let component = self.table.component_of(entry.key);
        self.pending.remove(entry, component)
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

    /// Has no listener wait any more that was told of the end of a target whose `list` goes.
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
