//! How lists of targets are made and dropped.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::books::{
    Books,
    call::Call,
    ids::{Link, ListId, SignalId},
    list::List,
    pages::Slot,
};

/// From this number of lists on, unused memory is given back.
const ROOMY: usize = 1024;

impl Books {
    /// Returns the list for `signal` of a target whose first list is `first`. Makes it if there is
    /// none.
    #[inline]
    pub(crate) fn find_or_add(
        &mut self,
        target: Entity,
        first: Option<ListId>,
        signal: SignalId,
    ) -> ListId {
        let known = first.and_then(|first| self.find_from(first, signal));
        known.unwrap_or_else(|| self.add_list(target, first, signal))
    }

    /// Adds the list for `signal` of a target whose first list was `first`.
    #[cold]
    fn add_list(&mut self, target: Entity, first: Option<ListId>, signal: SignalId) -> ListId {
        if first.is_none() {
            self.drop_lists_of_index(target);
        }
        let list = self.lists.insert(List::new(target, signal, first));
        let list = ListId::new(list);
        self.firsts.set(target, list);
        list
    }

    /// Closes a target for registrations, if it has lists, and returns the first of them.
    pub(crate) fn close(&mut self, target: Entity) -> Option<ListId> {
        let first = self.first(target)?;
        if !self.list(first).closed {
            self.forget_synced_with(target);
            self.list_mut(first).closed = true;
        }
        Some(first)
    }

    /// Drops the lists of a target.
    pub(crate) fn drop_lists(&mut self, target: Entity) {
        let Some(first) = self.first(target) else {
            return;
        };
        self.firsts.clear(target);
        self.drop_lists_from(first);
        if self.lists.capacity() >= ROOMY && self.lists.len() * 8 <= self.lists.capacity() {
            self.move_lists_together();
        }
    }

    /// Drops the lists of an earlier entity with the same index as `target`.
    ///
    /// There are some only if a registration was made in the last moments of its despawn, or by a
    /// command that still waits.
    fn drop_lists_of_index(&mut self, target: Entity) {
        let first = self.firsts.get(target);
        if !first.is_vacant() {
            self.firsts.clear(target);
            self.drop_lists_from(first);
        }
    }

    /// Drops a list and those after it.
    fn drop_lists_from(&mut self, first: ListId) {
        let mut next = Some(first);
        while let Some(id) = next {
            let list = self.lists.remove(id.index());
            next = list.next;
            if list.signal == SignalId::REFERENCED {
                self.remember_unlinked(&list);
            }
            if !self.pending.is_empty() {
                self.stop_waiting_for_told(&list);
            }
            if !self.told_places.is_empty() {
                self.told_places.forget(id);
            }
            if list.crowded {
                for (_, listener, handler) in list.all() {
                    let key = self.table.key_of(handler);
                    self.links
                        .with_mut(key)
                        .take(listener, list.target, id, key);
                }
            }
        }
    }

    /// Gives memory back that lists do not need any more.
    ///
    /// Their places change, so no dispatch may be running. Targets are only despawned between
    /// dispatches.
    fn move_lists_together(&mut self) {
        self.told_places.clear();
        let Self {
            table,
            links,
            lists,
            firsts,
            ..
        } = self;
        let mut moved = Vec::new();
        lists.compact(|list, from, to| {
            let (from, to) = (ListId::new(from), ListId::new(to));
            moved.push((from, to));
            if firsts.get(list.target) == from {
                firsts.set(list.target, to);
            }
            for (place, listener, handler) in list.all() {
                let link = Link {
                    key: table.key_of(handler),
                    list: to,
                    place,
                };
                links
                    .with_mut(link.key)
                    .moved(listener, list.target, from, link);
            }
            true
        });
        moved.sort_unstable();
        for (_, list) in lists.iter_mut() {
            if let Some(next) = &mut list.next
                && let Ok(at) = moved.binary_search_by_key(next, |(from, _)| *from)
            {
                *next = moved[at].1;
            }
        }
    }

    /// Marks the components whose links go away with `list` for the next sync.
    fn remember_unlinked(&mut self, list: &List) {
        for (_, holder, handler) in list.iter() {
            if let Call::Reference(number) = self.table.call(handler) {
                self.unsynced.insert((holder, number));
                self.last_synced.end(number, holder);
            }
        }
    }
}
