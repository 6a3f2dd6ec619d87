//! The links of a listener that has more than a few.
//!
//! Plain data: no function here takes a world.
//!
//! Links with the same key are kept together. So a component that goes away takes its own links
//! along, without a look at those of others. A listener has few keys: one for each pair of a
//! component and a signal.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use crate::{
    books::ids::{KeyId, Link, ListId},
    hash::{FixedSeeds, IndexMap},
};

/// The links of a listener, by key and target.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) listener: Entity,
    groups: SmallVec<[(KeyId, Group); 1]>,
}

/// The links with one key.
#[derive(Debug)]
enum Group {
    One(Entity, Placed),
    Many(Map),
}

type Map = IndexMap<Entity, Placed>;

/// Where a registration of a listener with a map is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) list: ListId,
    pub(crate) place: u32,
    /// Grows with each registration. The map does not keep the order, so that a link is removed in
    /// O(1).
    pub(crate) order: u64,
}

impl Placed {
    /// Returns where a link leads, with its place in the order of registration.
    pub(crate) fn of(link: Link, order: u64) -> Self {
        Self {
            list: link.list,
            place: link.place,
            order,
        }
    }

    /// Returns the link with `key`.
    pub(crate) fn link(self, key: KeyId) -> Link {
        Link {
            key,
            list: self.list,
            place: self.place,
        }
    }
}

impl Crowd {
    /// Returns a map without links.
    pub(crate) fn new(listener: Entity) -> Self {
        Self {
            listener,
            groups: SmallVec::new(),
        }
    }

    /// Returns where the registration with `key` on `target` is.
    #[inline]
    pub(crate) fn get(&self, target: Entity, key: KeyId) -> Option<Placed> {
        match &self.groups.iter().find(|(at, _)| *at == key)?.1 {
            Group::One(at, placed) => (*at == target).then_some(*placed),
            Group::Many(map) => map.get(&target).copied(),
        }
    }

    /// Returns the links with `key`, with their targets.
    pub(crate) fn with(&self, key: KeyId) -> impl Iterator<Item = (Entity, Placed)> {
        let groups = self.groups.iter();
        groups
            .filter(move |(at, _)| *at == key)
            .flat_map(|(_, group)| group.iter())
    }

    /// Returns all links, with their targets and keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Entity, KeyId, Placed)> {
        self.groups.iter().flat_map(|(key, group)| {
            group
                .iter()
                .map(move |(target, placed)| (target, *key, placed))
        })
    }

    /// Makes room for links with `key`, the first of which is about to be added.
    pub(crate) fn reserve(&mut self, key: KeyId, links: usize) {
        let map = Map::with_capacity_and_hasher(links, FixedSeeds);
        self.groups.push((key, Group::Many(map)));
    }

    /// Adds a link, or replaces the one with its key and target.
    pub(crate) fn insert(&mut self, target: Entity, key: KeyId, placed: Placed) {
        let Some((_, group)) = self.groups.iter_mut().find(|(at, _)| *at == key) else {
            self.groups.push((key, Group::One(target, placed)));
            return;
        };
        match group {
            Group::One(at, known) if *at == target => *known = placed,
            Group::One(at, known) => {
                *group = Group::Many([(*at, *known), (target, placed)].into_iter().collect());
            }
            Group::Many(map) => {
                map.insert(target, placed);
            }
        }
    }

    /// Returns where the registration with `key` on `target` is, to correct it.
    pub(crate) fn get_mut(&mut self, target: Entity, key: KeyId) -> Option<&mut Placed> {
        match &mut self.groups.iter_mut().find(|(at, _)| *at == key)?.1 {
            Group::One(at, placed) => (*at == target).then_some(placed),
            Group::Many(map) => map.get_mut(&target),
        }
    }

    /// Removes a link, if there is one.
    pub(crate) fn remove(&mut self, target: Entity, key: KeyId) {
        let Some(at) = self.groups.iter().position(|(at, _)| *at == key) else {
            return;
        };
        let is_empty = match &mut self.groups[at].1 {
            Group::One(at, _) => *at == target,
            Group::Many(map) => {
                map.swap_remove(&target);
                if map.capacity() > 32 && map.len() * 4 <= map.capacity() {
                    map.shrink_to(map.len() * 2);
                }
                map.is_empty()
            }
        };
        if is_empty {
            self.groups.swap_remove(at);
        }
    }

    /// Removes and returns the links with a key that `belongs`.
    pub(crate) fn take(&mut self, mut belongs: impl FnMut(KeyId) -> bool) -> SmallVec<[Link; 2]> {
        let mut taken = SmallVec::new();
        self.groups.retain(|(key, group)| {
            let belongs = belongs(*key);
            if belongs {
                taken.extend(group.iter().map(|(_, placed)| placed.link(*key)));
            }
            !belongs
        });
        taken
    }

    /// Returns `true` if there are not more than `few` links.
    #[inline]
    pub(crate) fn has_at_most(&self, few: usize) -> bool {
        // No group is empty.
        let groups = self.groups.iter();
        self.groups.len() <= few && groups.map(|(_, group)| group.len()).sum::<usize>() <= few
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let groups = if self.groups.spilled() {
            self.groups.capacity() * size_of::<(KeyId, Group)>()
        } else {
            0
        };
        let maps = self.groups.iter().map(|(_, group)| match group {
            Group::One(..) => 0,
            Group::Many(map) => {
                let entry = size_of::<(Entity, Placed, u64)>() + size_of::<usize>();
                map.capacity() * entry
            }
        });
        groups + maps.sum::<usize>()
    }
}

impl Group {
    fn len(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Many(map) => map.len(),
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Entity, Placed)> {
        let (one, many) = match self {
            Self::One(target, placed) => (Some((*target, *placed)), None),
            Self::Many(map) => (None, Some(map)),
        };
        let many = many.into_iter().flatten();
        one.into_iter()
            .chain(many.map(|(target, placed)| (*target, *placed)))
    }
}

#[cfg(test)]
mod tests {
    use bevy_ecs::world::World;

    use super::*;
    use crate::books::ids::KeyId;

    fn placed(order: u64) -> Placed {
        Placed {
            list: ListId::NONE,
            place: 0,
            order,
        }
    }

    /// A component that goes looks at the keys of its entity, not at what others registered.
    #[test]
    fn links_of_one_component_are_taken_without_a_look_at_the_links_of_others() {
        let mut world = World::new();
        let targets: Vec<_> = (0..10_000).map(|_| world.spawn_empty().id()).collect();
        let [many, few] = [KeyId::NONE, KeyId::MANY];
        let mut crowd = Crowd::new(targets[0]);
        for (order, target) in (0..).zip(&targets) {
            crowd.insert(*target, many, placed(order));
        }
        for target in &targets[..2] {
            crowd.insert(*target, few, placed(0));
        }

        let mut looks = 0;
        let taken = crowd.take(|key| {
            looks += 1;
            key == few
        });

        assert_eq!((taken.len(), looks), (2, 2));
        assert_eq!(crowd.iter().count(), targets.len());
        assert!(crowd.get(targets[0], few).is_none());
    }
}
