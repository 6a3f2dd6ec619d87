//! The links of a listener that has two to eight.
//!
//! Plain data: no function here takes a world.
//!
//! So few are searched from the start, and kept in the order of registration.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use crate::books::{
    ids::{KeyId, Link},
    many_links::Placed,
};

/// The most links that are searched from the start.
pub(crate) const FEW: usize = 8;

/// The links of a listener with their targets, in order.
#[derive(Debug)]
pub(crate) struct Few {
    pub(crate) listener: Entity,
    links: SmallVec<[(Entity, Link); FEW]>,
}

impl Few {
    /// Returns the links of a listener.
    pub(crate) fn new(listener: Entity, links: impl IntoIterator<Item = (Entity, Link)>) -> Self {
        Self {
            listener,
            links: links.into_iter().collect(),
        }
    }

    /// Returns where the registration with `key` on `target` is.
    #[inline]
    pub(crate) fn get(&self, target: Entity, key: KeyId) -> Option<Placed> {
        let at = self.position(target, key)?;
        Some(Placed::of(self.links[at].1, at as u64))
    }

    /// Returns all links, with their targets, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Entity, Link)> {
        self.links.iter().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.links.len()
    }

    /// Adds a link at the end, in place of the one with its key and target. Returns `false` if
    /// there is no room.
    #[inline]
    pub(crate) fn add(&mut self, target: Entity, link: Link) -> bool {
        self.remove(target, link.key);
        let has_room = self.links.len() < FEW;
        if has_room {
            self.links.push((target, link));
        }
        has_room
    }

    /// Corrects the link with its key to `target`, if there is one.
    pub(crate) fn correct(&mut self, target: Entity, link: Link) {
        if let Some(at) = self.position(target, link.key) {
            self.links[at].1 = link;
        }
    }

    /// Removes a link, if there is one.
    #[inline]
    pub(crate) fn remove(&mut self, target: Entity, key: KeyId) {
        if let Some(at) = self.position(target, key) {
            self.links.remove(at);
        }
    }

    /// Removes and returns the links with a key that `belongs`.
    pub(crate) fn take(&mut self, mut belongs: impl FnMut(KeyId) -> bool) -> SmallVec<[Link; 2]> {
        let mut taken = SmallVec::new();
        self.links.retain(|(_, link)| {
            let belongs = belongs(link.key);
            if belongs {
                taken.push(*link);
            }
            !belongs
        });
        taken
    }

    #[inline]
    fn position(&self, target: Entity, key: KeyId) -> Option<usize> {
        let mut links = self.links.iter();
        links.position(|(at, link)| *at == target && link.key == key)
    }
}
