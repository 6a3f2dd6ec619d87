//! Descriptions of registrations, for reports and errors.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;
use smallvec::{SmallVec, smallvec};

use crate::{
    books::{
        Books,
        ids::{KeyId, Link, ListId, Sort},
        links::{Held, Links},
        many_links::Placed,
    },
    registration::Registration,
};

impl Books {
    /// Describes the registrations on `target` that are in force, signal by signal, each in order.
    pub(crate) fn describe_target(&self, target: Entity) -> Vec<Registration> {
        let mut lists: Vec<_> = self.lists_of(target).collect();
        lists.sort_by_key(|(_, list)| list.signal);
        let lists = lists.into_iter();
        lists.flat_map(|(id, _)| self.describe_list(id)).collect()
    }

    /// Describes the registrations in a list that are in force, in order.
    pub(crate) fn describe_list(&self, id: ListId) -> impl Iterator<Item = Registration> {
        let list = self.list(id);
        list.iter().map(move |(_, listener, handler)| {
            let key = self.table.key_of(handler);
            self.table.describe(listener, list.target, key)
        })
    }

    /// Describes the registrations of a listener that are in force, in order. Its declared
    /// references follow.
    pub(crate) fn describe_listener(&self, listener: Entity) -> Vec<Registration> {
        let sorts = [Sort::Registrations, Sort::References].map(|sort| self.links.of(sort));
        let links = sorts.into_iter();
        let links = links.flat_map(|links| self.links_in_force(listener, links));
        let describe = |link: Link| {
            let target = self.list(link.list).target;
            self.table.describe(listener, target, link.key)
        };
        links.map(describe).collect()
    }

    /// Returns the links of a listener that are in force, in order.
    fn links_in_force(&self, listener: Entity, links: &Links) -> SmallVec<[Link; 2]> {
        match links.of(listener) {
            Held::One(link) if self.is_in_force(listener, link) => smallvec![link],
            Held::Nothing | Held::One(_) => SmallVec::new(),
            Held::Many(map) => {
                // Links to a list that was told stay until it is dropped.
                let is_its_own = |(target, _, placed): &(Entity, KeyId, Placed)| {
                    let list = self.lists.get(placed.list.index());
                    list.is_some_and(|list| list.target == *target)
                };
                let mut links: Vec<_> = map.iter().filter(is_its_own).collect();
                links.sort_unstable_by_key(|(.., placed)| placed.order);
                let links = links.into_iter();
                links
                    .map(|(_, key, placed)| placed.link(key))
                    .filter(|link| self.is_in_force(listener, *link))
                    .collect()
            }
        }
    }

    /// Returns the place that the links of `listener` name for `key` on the target of a list.
    pub(crate) fn linked_place(&self, listener: Entity, id: ListId, key: KeyId) -> Option<u32> {
        match self.links.with(key).of(listener) {
            Held::Nothing => None,
            Held::One(link) => (link.list == id && link.key == key).then_some(link.place),
            Held::Many(map) => map.get(self.list(id).target, key).map(|known| known.place),
        }
    }
}
