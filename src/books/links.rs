//! Whom one listener listens to.
//!
//! Plain data: no function here takes a world.
//!
//! Most listeners have one registration, or one declared reference, or one of each: so one of
//! either stands in a table by entity index. A listener with more has a map of its own, in which a
//! target is found in O(1).
//!
//! A link may outlive what it describes, when the target was told or despawned: whoever reads it
//! compares it with the list, which knows. So deleting a target need not touch the books of its
//! listeners, except for those with a map, which would grow.

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

/// The links of all listeners, those of registrations and those of declared references apart.
///
/// So a component that does both needs no map, and to go through the references of one that listens
/// to thousands takes no longer.
#[derive(Debug, Default)]
pub(crate) struct AllLinks {
    registrations: Links,
    references: Links,
}

/// The links of all listeners, of one sort.
#[derive(Debug, Default)]
pub(crate) struct Links {
    slots: Pages<Link>,
    /// By entity index, as the slots.
    maps: HashMap<u32, Crowd>,
    next_order: u64,
}

impl AllLinks {
    /// Returns the links of a sort.
    #[inline]
    pub(crate) fn of(&self, sort: Sort) -> &Links {
        match sort {
            Sort::Registrations => &self.registrations,
            Sort::References => &self.references,
        }
    }

    /// Returns the links of a sort, to change them.
    #[inline]
    pub(crate) fn of_mut(&mut self, sort: Sort) -> &mut Links {
        match sort {
            Sort::Registrations => &mut self.registrations,
            Sort::References => &mut self.references,
        }
    }

    /// Returns the links that those with `key` are among.
    #[inline]
    pub(crate) fn with(&self, key: KeyId) -> &Links {
        self.of(key.sort())
    }

    /// Returns the links that those with `key` are among, to change them.
    #[inline]
    pub(crate) fn with_mut(&mut self, key: KeyId) -> &mut Links {
        self.of_mut(key.sort())
    }

    /// Returns the number of listeners with a map, counted for each sort.
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

    /// Sets the only link of a listener without a map.
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

    /// Gives `listener` a map, which is empty; its link must be added anew.
    pub(crate) fn make_map(&mut self, listener: Entity) {
        self.set(listener, Link::MANY);
        self.maps.insert(listener.index_u32(), Crowd::default());
    }

    /// Corrects the link to `list` with the key of `link` after its place or the list was moved.
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

    /// Takes the link to `list` with `key` out, if it is there.
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

    /// Takes the one link of a listener without a map out.
    pub(crate) fn take_one(&mut self, listener: Entity) {
        self.slots.clear(listener);
    }

    /// Takes the links of a listener with a map out whose key `belongs`.
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

    /// Goes back from a map to the one link, or to none.
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
