//! A cache of places in lists of those that were told.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::{
    books::{
        ids::{Entry, KeyId, ListId},
        list::List,
        table::Table,
    },
    hash::HashMap,
};

/// The places of those that were told, for lists in which a listener without a link was searched.
#[derive(Debug, Default)]
pub(crate) struct ToldPlaces(HashMap<ListId, ToldInList>);

/// The places of one list.
#[derive(Debug, Default)]
struct ToldInList {
    /// The places before this one are cached.
    end: u32,
    places: HashMap<(Entity, KeyId), u32>,
}

impl ToldPlaces {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets a list that is dropped or opened again.
    #[cold]
    pub(crate) fn forget(&mut self, list: ListId) {
        self.0.remove(&list);
        if self.0.is_empty() {
            self.clear();
        }
    }

    /// Forgets all lists, because their numbers change.
    pub(crate) fn clear(&mut self) {
        self.0 = HashMap::default();
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let places = self.0.values().map(|known| known.places.capacity());
        self.0.capacity() * size_of::<(ListId, ToldInList)>()
            + places.sum::<usize>() * size_of::<((Entity, KeyId), u32)>()
    }

    /// Returns the place of a registration in a list, if it was told there.
    pub(crate) fn find(
        &mut self,
        table: &Table,
        id: ListId,
        list: &List,
        entry: Entry,
    ) -> Option<u32> {
        let known = self.0.entry(id).or_default();
        for (place, listener, handler) in list.told_from(known.end) {
            known
                .places
                .insert((listener, table.key_of(handler)), place);
        }
        known.end = list.untold().start;
        known.places.get(&(entry.listener, entry.key)).copied()
    }
}
