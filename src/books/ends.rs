//! How registrations end.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::{component::ComponentId, entity::Entity};

use crate::books::{
    Books, holds,
    ids::{Ended, Entry, HandlerId, Link, ListId, SignalId, Sort},
    links::Held,
    list::List,
};

impl Books {
    /// Returns the link of the registration of `listener` with `key` on `target`, and its handler,
    /// if it is in force.
    pub(crate) fn link_of(&self, entry: Entry) -> Option<(Link, HandlerId)> {
        let Entry {
            listener,
            target,
            key,
        } = entry;
        let link = match self.links.with(key).of(listener) {
            Held::One(link) if link.key == key => link,
            Held::Nothing | Held::One(_) => return None,
            Held::Many(map) => map.get(target, key)?.link(key),
        };
        let list = self.lists.get(link.list.index())?;
        // The single link of a listener may be stale: its place may belong to another listener by
        // now.
        let (at, handler) = list.get(link.place)?;
        let is_it = list.target == target && at == listener && self.table.key_of(handler) == key;
        is_it.then_some((link, handler))
    }

    /// Ends a registration, and returns `true` if it was in force.
    #[inline]
    pub(crate) fn leave(&mut self, entry: Entry) -> bool {
        let Entry {
            listener,
            target,
            key,
        } = entry;
        if !self.pending.is_empty() {
            self.stop_waiting(entry);
        }
        let link = match self.links.with(key).of(listener) {
            Held::One(link) if link.key == key => link,
            Held::Nothing | Held::One(_) => return false,
            Held::Many(map) => match map.get(target, key) {
                Some(placed) => placed.link(key),
                None => return false,
            },
        };
        let Some(list) = self.lists.get_mut(link.list.index()) else {
            return false;
        };
        // The single link of a listener may be stale: its place may belong to another listener by
        // now.
        if list.target != target || !holds(&self.table, list, listener, link) {
            return false;
        }
        list.remove(link.place);
        let is_roomy = list.wants_compaction_to_shrink();
        self.links
            .with_mut(key)
            .take(listener, target, link.list, key);
        if is_roomy {
            self.compact(link.list);
        }
        true
    }

    /// Ends all registrations of `component` on `listener`.
    #[inline]
    pub(crate) fn forget(&mut self, listener: Entity, component: ComponentId) {
        if let Some(ended) = &mut self.ended {
            ended.insert(Ended {
                listener,
                component,
            });
        }
        if !self.unsynced.is_empty() {
            for (_, number) in self.tracked.iter().filter(|(at, _)| *at == component) {
                self.unsynced.swap_remove(&(listener, *number));
            }
        }
        if !self.pending.is_empty() {
            self.pending.forget(listener, component);
        }
        self.forget_sort(listener, component, Sort::Registrations);
        if !self.tracked.is_empty() {
            self.forget_synced(listener, component);
            self.forget_sort(listener, component, Sort::References);
        }
    }

    #[inline]
    fn forget_sort(&mut self, listener: Entity, component: ComponentId, sort: Sort) {
        let table = &self.table;
        let belongs = |key| table.component_of(key) == component;
        let links = self.links.of_mut(sort);
        match links.of(listener) {
            Held::Nothing => {}
            Held::One(link) => {
                if belongs(link.key) {
                    links.take_one(listener);
                    self.empty(listener, link);
                }
            }
            Held::Many(_) => {
                for link in links.take_many(listener, belongs) {
                    self.empty(listener, link);
                }
            }
        }
    }

    /// Ends all registrations of `listener`. Its declared references stay.
    #[inline]
    pub(crate) fn forget_listener(&mut self, listener: Entity) {
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
                // Two of them may be in one list, so no list is compacted before all places are
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

    /// Ends the registration at `place` before its handler is called for the only time.
    #[cold]
    pub(crate) fn leave_once(&mut self, id: ListId, place: u32) {
        let list = &mut self.lists[id.index()];
        if let Some((listener, handler)) = list.get(place) {
            let (target, key) = (list.target, self.table.key_of(handler));
            self.links.with_mut(key).take(listener, target, id, key);
            list.remove(place);
            if !self.pending.is_empty() {
                self.stop_waiting(Entry {
                    listener,
                    target,
                    key,
                });
            }
        }
    }

    /// Ends all registrations on a target and returns how many were in force. The links of declared
    /// references stay.
    pub(crate) fn leave_all(&mut self, target: Entity) -> usize {
        self.late.cancel_all(target);
        let lists = self.lists_of(target);
        let lists: Vec<_> = lists
            .filter(|(_, list)| list.signal != SignalId::REFERENCED)
            .map(|(id, _)| id)
            .collect();
        let mut ended = 0;
        for id in lists {
            let list = self.list(id);
            let told: Vec<_> = list.told().map(|(place, ..)| place).collect();
            let entries = list.iter().map(|(_, listener, handler)| Entry {
                listener,
                target,
                key: self.table.key_of(handler),
            });
            let entries: Vec<_> = entries.collect();
            ended += entries.len();
            for place in told {
                self.withdraw_at(id, place);
            }
            for entry in entries {
                self.leave(entry);
            }
        }
        ended
    }

    /// Empties the place of a link that was removed from the links of its listener, if it is still
    /// in force.
    pub(crate) fn empty(&mut self, listener: Entity, link: Link) {
        if self.empty_place(listener, link) {
            self.tidy(link.list);
        }
    }

    /// Does the same as [`empty`](Self::empty), but does not compact the list. Returns `true` if
    /// the link was in force.
    pub(crate) fn empty_place(&mut self, listener: Entity, link: Link) -> bool {
        let Some(list) = self.lists.get_mut(link.list.index()) else {
            return false;
        };
        let is_in_force = holds(&self.table, list, listener, link);
        if is_in_force {
            list.remove(link.place);
        } else if let Some((at, handler)) = list.told_at(link.place)
            && at == listener
            && self.table.key_of(handler) == link.key
        {
            list.withdraw(link.place);
        }
        is_in_force
    }

    /// Gives memory back that a list does not need any more.
    pub(crate) fn tidy(&mut self, id: ListId) {
        let list = self.lists.get(id.index());
        if list.is_some_and(List::wants_compaction_to_shrink) {
            self.compact(id);
        }
    }
}
