//! The targets of each listener.
//!
//! Plain data: no function here takes a world.
//!
//! Most listeners have one registration, one declared reference, or one of each. So one link of
//! each sort is in a table by entity index. A listener with more links has a map, in which a target
//! is found in O(1).
//!
//! A link may outlive its registration, when the target was told or despawned. So each link is
//! compared with its list before it is used. This way, the deletion of a target need not touch the
//! links of its listeners. Listeners with a map are the exception, because the map would grow.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use crate::{
    books::{
        ids::{KeyId, Link, ListId, Sort},
        many_links::{Crowd, Placed},
        pages::Pages,
    },
    hash::HashMap,
};

/// The links of one listener, in force or not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held<'a> {
    Nothing,
    One(Link),
    Many(&'a Crowd),
}

/// The links of all listeners: one table for registrations, one for declared references.
///
/// So a component that has one of each needs no map. To visit the references of a listener with
/// thousands of registrations takes no longer.
#[derive(Debug, Default)]
pub(crate) struct AllLinks {
    registrations: Links,
    references: Links,
}

/// The links of all listeners of one sort.
#[derive(Debug, Default)]
pub(crate) struct Links {
    slots: Pages<Link>,
    /// By entity index, like the slots.
    maps: HashMap<u32, Crowd>,
    next_order: u64,
}

impl AllLinks {
    /// Returns the links of one sort.
    #[inline]
    pub(crate) fn of(&self, sort: Sort) -> &Links {
        match sort {
            Sort::Registrations => &self.registrations,
            Sort::References => &self.references,
        }
    }

    /// Returns the links of one sort, to change them.
    #[inline]
    pub(crate) fn of_mut(&mut self, sort: Sort) -> &mut Links {
        match sort {
            Sort::Registrations => &mut self.registrations,
            Sort::References => &mut self.references,
        }
    }

    /// Returns the table for links with `key`.
    #[inline]
    pub(crate) fn with(&self, key: KeyId) -> &Links {
        self.of(key.sort())
    }

    /// Returns the table for links with `key`, to change it.
    #[inline]
    pub(crate) fn with_mut(&mut self, key: KeyId) -> &mut Links {
        self.of_mut(key.sort())
    }

    /// Returns the number of maps. A listener may have one for each sort.
    pub(crate) fn maps(&self) -> usize {
        self.registrations.maps.len() + self.references.maps.len()
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.registrations.heap_bytes() + self.references.heap_bytes()
    }
}

impl Links {
    /// Returns the links of `listener`.
    #[inline]
    pub(crate) fn of(&self, listener: Entity) -> Held<'_> {
        let link = self.slots.get(listener);
        match link.key {
            KeyId::NONE => Held::Nothing,
            KeyId::MANY => Held::Many(&self.maps[&listener.index_u32()]),
            _ => Held::One(link),
        }
    }

    /// Sets the single link of a listener without a map.
    pub(crate) fn set(&mut self, listener: Entity, link: Link) {
        self.slots.set(listener, link);
    }

    /// Adds a link to those of a listener that has a map.
    pub(crate) fn add(&mut self, listener: Entity, target: Entity, link: Link) {
        let map = self.maps.entry(listener.index_u32()).or_default();
        let placed = Placed {
            list: link.list,
            place: link.place,
            order: self.next_order,
        };
        map.insert(target, link.key, placed);
        self.next_order += 1;
    }

    /// Gives `listener` an empty map. Its single link must be added again.
    pub(crate) fn make_map(&mut self, listener: Entity) {
        self.set(listener, Link::MANY);
        self.maps.insert(listener.index_u32(), Crowd::default());
    }

    /// Corrects the link to `list` with the key of `link`, after its place or the list was moved.
    pub(crate) fn moved(&mut self, listener: Entity, target: Entity, list: ListId, link: Link) {
        let known = self.slots.get(listener);
        match known.key {
            KeyId::NONE => {}
            KeyId::MANY => {
                let map = self.maps.get_mut(&listener.index_u32());
                let known = map.and_then(|map| map.get_mut(target, link.key));
                if let Some(known) = known {
                    known.list = link.list;
                    known.place = link.place;
                }
            }
            key => {
                if known.list == list && key == link.key {
                    self.set(listener, link);
                }
            }
        }
    }

    /// Removes the link to `list` with `key`, if there is one.
    pub(crate) fn take(&mut self, listener: Entity, target: Entity, list: ListId, key: KeyId) {
        let known = self.slots.get(listener);
        match known.key {
            KeyId::NONE => {}
            KeyId::MANY => {
                let index = listener.index_u32();
                if let Some(map) = self.maps.get_mut(&index) {
                    map.remove(target, key);
                }
                self.unmap(listener);
            }
            known_key => {
                if known.list == list && known_key == key {
                    self.slots.clear(listener);
                }
            }
        }
    }

    /// Removes the single link of a listener without a map.
    pub(crate) fn take_one(&mut self, listener: Entity) {
        self.slots.clear(listener);
    }

    /// Removes and returns the links with a key that `belongs`, of a listener with a map.
    pub(crate) fn take_many(
        &mut self,
        listener: Entity,
        belongs: impl FnMut(KeyId) -> bool,
    ) -> SmallVec<[Link; 2]> {
        let crowd = self.maps.get_mut(&listener.index_u32());
        let taken = crowd.map(|crowd| crowd.take(belongs)).unwrap_or_default();
        self.unmap(listener);
        taken
    }

    /// Returns the bytes on the heap.
    fn heap_bytes(&self) -> usize {
        let maps = self.maps.values().map(Crowd::heap_bytes);
        let buckets = self.maps.capacity() * size_of::<(u32, Crowd)>();
        self.slots.heap_bytes() + buckets + maps.sum::<usize>()
    }

    /// Drops the map if at most one link is left in it.
    fn unmap(&mut self, listener: Entity) {
        let index = listener.index_u32();
        let Some(last) = self.maps.get(&index).map(Crowd::at_most_one) else {
            return;
        };
        let Some(last) = last else {
            return;
        };
        self.maps.remove(&index);
        if self.maps.capacity() > 32 && self.maps.len() * 4 <= self.maps.capacity() {
            self.maps.shrink_to(self.maps.len() * 2);
        }
        match last {
            Some(link) => self.set(listener, link),
            None => self.slots.clear(listener),
        }
    }
}
