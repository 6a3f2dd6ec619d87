//! How lists of targets are made and dropped.
//!
//! Plain data: no function here takes a world.

use core::mem::take;

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use crate::books::{
    Books,
    call::Call,
    ids::{Link, ListId, SignalId},
    list::List,
    pages::Slot,
};

/// From this number of lists on, unused memory is given back.
const ROOMY: usize = 1024;

/// From this number of lists on, those of a target are found by an index.
const MANY: usize = 8;

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
        let Some(first) = first else {
            self.drop_lists_of_index(target);
            let list = self.lists.insert(List::new(target, signal, None));
            let list = ListId::new(list);
            self.firsts.set(target, list);
            return list;
        };
        // The list of the notice comes first, because each target needs it when it goes.
        let is_first = signal == SignalId::QDELETING;
        let earlier = &mut self.lists[first.index()];
        let mut list = List::new(target, signal, earlier.next);
        if is_first {
            list.next = Some(first);
            list.closed = take(&mut earlier.closed);
            list.is_indexed = take(&mut earlier.is_indexed);
        }
        let list = ListId::new(self.lists.insert(list));
        if is_first {
            self.firsts.set(target, list);
        } else {
            self.lists[first.index()].next = Some(list);
        }
        self.keep_index(if is_first { list } else { first }, list);
        list
    }

    /// Puts the list `new` of a target into its index, once it has many lists.
    fn keep_index(&mut self, first: ListId, new: ListId) {
        if self.list(first).is_indexed {
            let list = self.list(new);
            self.index.insert((list.target, list.signal), new);
        } else if self.lists_from(Some(first)).nth(MANY - 1).is_some() {
            self.list_mut(first).is_indexed = true;
            let lists = self.lists_from(Some(first));
            let lists: SmallVec<[_; MANY]> = lists
                .map(|(id, list)| ((list.target, list.signal), id))
                .collect();
            self.index.extend(lists);
        }
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
        let mut is_indexed = false;
        let mut next = Some(first);
        while let Some(id) = next {
            let list = self.lists.remove(id.index());
            next = list.next;
            is_indexed |= list.is_indexed;
            if is_indexed {
                self.index.remove(&(list.target, list.signal));
            }
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
        if is_indexed {
            self.tidy_index();
        }
    }

    /// Gives memory back that the index does not need any more.
    #[cold]
    fn tidy_index(&mut self) {
        let capacity = self.index.capacity();
        if capacity > 32 && self.index.len() * 4 <= capacity {
            self.index.shrink_to(self.index.len() * 2);
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
            index,
            ..
        } = self;
        let mut moved = Vec::new();
        lists.compact(|list, from, to| {
            let (from, to) = (ListId::new(from), ListId::new(to));
            moved.push((from, to));
            if firsts.get(list.target) == from {
                firsts.set(list.target, to);
            }
            if let Some(at) = index.get_mut(&(list.target, list.signal)) {
                *at = to;
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

#[cfg(test)]
mod tests {
    use bevy_ecs::{entity_disabling::Disabled, world::World};

    use super::*;

    struct Notice;

    /// Returns empty books. Any component will do for the mark.
    fn new_books(world: &mut World) -> Books {
        Books::new::<Notice>(world.register_component::<Disabled>())
    }

    /// Returns how many lists are looked at to find the list of `target` for `signal`.
    fn looks(books: &Books, target: Entity, signal: SignalId) -> usize {
        let first = books.first(target).expect("a target should have a list");
        if books.list(first).is_indexed {
            return 1 + usize::from(books.list(first).signal != signal);
        }
        let mut lists = books.lists_of(target);
        1 + lists
            .position(|(_, list)| list.signal == signal)
            .expect("a target should have the list")
    }

    /// Constant time: however many signals a target has, few lists are looked at for each.
    #[test]
    fn few_lists_are_looked_at_however_many_signals_a_target_has() {
        let mut world = World::new();
        let [target, other] = [(); 2].map(|()| world.spawn_empty().id());
        for notice in [0, 5, 63] {
            let mut books = new_books(&mut world);
            let mut lists = Vec::new();
            for at in 0..64 {
                // The notice comes somewhere.
                let signal = match at {
                    at if at == notice => SignalId::QDELETING,
                    0 => SignalId::new(notice),
                    at => SignalId::new(at),
                };
                let first = books.first(target);
                let id = books.find_or_add(target, first, signal);
                lists.push((signal, id));
                books.find_or_add(other, books.first(other), SignalId::new(at));

                for (signal, id) in &lists {
                    assert_eq!(books.find(target, *signal), Some(*id));
                    assert!(looks(&books, target, *signal) < MANY);
                }
                assert_eq!(books.find(target, SignalId::new(64)), None);
                assert_eq!(books.lists_of(target).count(), lists.len());
            }
            books.close(target);
            assert!(books.is_closed(target));
            assert_eq!(looks(&books, target, SignalId::QDELETING), 1);
            assert_eq!(books.index.len(), 128);

            books.drop_lists(target);

            assert_eq!((books.index.len(), books.lists.len()), (64, 64));
            assert_eq!(books.find(target, SignalId::QDELETING), None);
            books.drop_lists(other);
            assert_eq!(books.index.capacity(), 0);
        }
    }

    /// A target stays closed when it gets the list of the notice, or another.
    #[test]
    fn closed_target_stays_closed_with_one_list_more() {
        let mut world = World::new();
        let target = world.spawn_empty().id();
        let mut books = new_books(&mut world);
        books.find_or_add(target, None, SignalId::REFERENCED);
        books.close(target);

        for signal in [SignalId::QDELETING, SignalId::new(2)] {
            books.find_or_add(target, books.first(target), signal);

            assert!(books.is_closed(target));
        }
    }

    /// S10: lists that are moved together are found again, by the index as well.
    #[test]
    fn lists_of_targets_with_many_signals_are_found_after_they_were_moved_together() {
        let mut world = World::new();
        let targets: Vec<_> = (0..500).map(|_| world.spawn_empty().id()).collect();
        let mut books = new_books(&mut world);
        for at in 0..16 {
            for target in &targets {
                let first = books.first(*target);
                books.find_or_add(*target, first, SignalId::new(at));
            }
        }
        let full = books.heap_bytes();

        let (kept, dropped): (Vec<_>, Vec<_>) =
            targets.iter().partition(|at| at.index_u32() % 20 == 3);
        for target in dropped {
            books.drop_lists(target);
        }

        assert!(books.lists.capacity() < 500 * 16 / 4);
        assert!(books.heap_bytes() < full / 4);
        for target in kept {
            for at in 0..16 {
                let list = books.find(target, SignalId::new(at));
                let list = books.list(list.expect("it should be found"));
                assert_eq!((list.target, list.signal), (target, SignalId::new(at)));
            }
        }
    }
}
