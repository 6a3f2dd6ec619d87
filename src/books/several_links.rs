//! The links of a listener that has more than one, a few or many.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::books::{
    few_links::Few,
    ids::KeyId,
    many_links::{Crowd, Placed},
};

/// The links of a listener that has more than one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Several<'a> {
    Few(&'a Few),
    Crowd(&'a Crowd),
}

impl<'a> Several<'a> {
    /// Returns where the registration with `key` on `target` is.
    #[inline]
    pub(crate) fn get(self, target: Entity, key: KeyId) -> Option<Placed> {
        match self {
            Self::Few(few) => few.get(target, key),
            Self::Crowd(crowd) => crowd.get(target, key),
        }
    }

    /// Returns the links with `key`, with their targets.
    pub(crate) fn with(self, key: KeyId) -> impl Iterator<Item = (Entity, Placed)> + use<'a> {
        let (few, crowd) = self.split();
        let few = few.filter(move |(_, at, _)| *at == key);
        let few = few.map(|(target, _, placed)| (target, placed));
        few.chain(crowd.into_iter().flat_map(move |crowd| crowd.with(key)))
    }

    /// Returns all links, with their targets and keys.
    pub(crate) fn iter(self) -> impl Iterator<Item = (Entity, KeyId, Placed)> + use<'a> {
        let (few, crowd) = self.split();
        few.chain(crowd.into_iter().flat_map(Crowd::iter))
    }

    /// Returns the few links, and the crowd.
    fn split(
        self,
    ) -> (
        impl Iterator<Item = (Entity, KeyId, Placed)> + use<'a>,
        Option<&'a Crowd>,
    ) {
        let (few, crowd) = match self {
            Self::Few(few) => (Some(few), None),
            Self::Crowd(crowd) => (None, Some(crowd)),
        };
        let few = few.into_iter().flat_map(Few::iter);
        let few = few.zip(0..);
        let few = few.map(|((target, link), order)| (target, link.key, Placed::of(link, order)));
        (few, crowd)
    }
}
