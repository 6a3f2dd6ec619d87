//! The targets of each listener.
//!
//! Plain data: no function here takes a world.
//!
//! Most listeners have one registration, one declared reference, or one of each. So one link of
//! each sort is in a table by entity index. Two to eight links are in a block of their own. A
//! listener with more links has a map, in which a target is found in O(1).
//!
//! A link may outlive its registration, when the target was told or despawned. So each link is
//! compared with its list before it is used. This way, the deletion of a target need not touch the
//! links of its listeners. Listeners with several links are the exception, because their memory
//! would grow.

use bevy_ecs::entity::Entity;
use slab::Slab;
use smallvec::SmallVec;

use crate::books::{
    few_links::{FEW, Few},
    ids::{KeyId, Link, ListId},
    many_links::{Crowd, Placed},
    pages::Pages,
    several_links::Several,
};

/// From this number of blocks or maps on, unused memory is given back.
const ROOMY: usize = 32;

/// The links of one listener, in force or not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held<'a> {
    Nothing,
    One(Link),
    Many(Several<'a>),
}

/// The links of all listeners of one sort.
#[derive(Debug, Default)]
pub(crate) struct Links {
    slots: Pages<Link>,
    few: Slab<Few>,
    crowds: Slab<Crowd>,
    next_order: u64,
}

impl Links {
    /// Returns the links of `listener`.
    #[inline]
    pub(crate) fn of(&self, listener: Entity) -> Held<'_> {
        let link = self.slots.get(listener);
        match link.key {
            KeyId::NONE => Held::Nothing,
            KeyId::FEW | KeyId::MANY => Held::Many(self.several(link)),
            _ => Held::One(link),
        }
    }

    /// Returns the links that are where a `slot` says.
    #[inline(never)]
    fn several(&self, slot: Link) -> Several<'_> {
        let at = slot.place as usize;
        match slot.key {
            KeyId::FEW => Several::Few(&self.few[at]),
            _ => Several::Crowd(&self.crowds[at]),
        }
    }

    /// Sets the single link of a listener that has no several.
    pub(crate) fn set(&mut self, listener: Entity, link: Link) {
        self.slots.set(listener, link);
    }

    /// Adds a second link to that of a listener that has one.
    pub(crate) fn add_second(
        &mut self,
        listener: Entity,
        first: (Entity, Link),
        second: (Entity, Link),
    ) {
        let few = self.few.insert(Few::new(listener, [first, second]));
        self.slots.set(listener, Link::few(few));
    }

    /// Adds a link to those of a listener that has several.
    pub(crate) fn add(&mut self, listener: Entity, target: Entity, link: Link) {
        let slot = self.slots.get(listener);
        let at = slot.place as usize;
        if slot.key == KeyId::FEW {
            if !self.few[at].add(target, link) {
                self.crowd(listener, at, (target, link));
            }
            return;
        }
        let placed = Placed::of(link, self.next_order);
        self.crowds[at].insert(target, link.key, placed);
        self.next_order += 1;
    }

    /// Moves the few links of a listener into a map, with one more.
    #[cold]
    fn crowd(&mut self, listener: Entity, few: usize, last: (Entity, Link)) {
        let links = self.few.remove(few);
        let mut crowd = Crowd::new(listener);
        if links.iter().all(|(_, link)| link.key == last.1.key) {
            crowd.reserve(last.1.key, 2 * FEW);
        }
        for (target, link) in links.iter().chain([last]) {
            crowd.insert(target, link.key, Placed::of(link, self.next_order));
            self.next_order += 1;
        }
        let crowd = self.crowds.insert(crowd);
        self.slots.set(listener, Link::many(crowd));
        self.tidy();
    }

    /// Corrects the link to `list` with the key of `link`, after its place or the list was moved.
    pub(crate) fn moved(&mut self, listener: Entity, target: Entity, list: ListId, link: Link) {
        let known = self.slots.get(listener);
        match known.key {
            KeyId::NONE => {}
            KeyId::FEW => self.few[known.place as usize].correct(target, link),
            KeyId::MANY => {
                let crowd = &mut self.crowds[known.place as usize];
                if let Some(known) = crowd.get_mut(target, link.key) {
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
            KeyId::FEW | KeyId::MANY => {
                let at = known.place as usize;
                match known.key {
                    KeyId::FEW => self.few[at].remove(target, key),
                    _ => self.crowds[at].remove(target, key),
                }
                self.settle(listener, known);
            }
            known_key => {
                if known.list == list && known_key == key {
                    self.slots.clear(listener);
                }
            }
        }
    }

    /// Removes the single link of a listener that has no several.
    pub(crate) fn take_one(&mut self, listener: Entity) {
        self.slots.clear(listener);
    }

    /// Removes and returns the links with a key that `belongs`, of a listener that has several.
    pub(crate) fn take_many(
        &mut self,
        listener: Entity,
        belongs: impl FnMut(KeyId) -> bool,
    ) -> SmallVec<[Link; 2]> {
        let known = self.slots.get(listener);
        let at = known.place as usize;
        let taken = match known.key {
            KeyId::FEW => self.few[at].take(belongs),
            KeyId::MANY => self.crowds[at].take(belongs),
            _ => return SmallVec::new(),
        };
        self.settle(listener, known);
        taken
    }

    /// Keeps the links of a listener, which have become fewer, as their number wants it. `slot`
    /// says where they are.
    #[inline]
    fn settle(&mut self, listener: Entity, slot: Link) {
        let at = slot.place as usize;
        let is_left = if slot.key == KeyId::FEW {
            self.few[at].len() < 2
        } else {
            // A listener that is about to have more again keeps its map.
            self.crowds[at].has_at_most(FEW / 2)
        };
        if is_left {
            self.move_few(listener, slot);
        }
    }

    /// Moves the links of a listener out of a map that has become too large for them, or out of a
    /// block if there is one at most.
    fn move_few(&mut self, listener: Entity, slot: Link) {
        let at = slot.place as usize;
        let few = if slot.key == KeyId::FEW {
            self.few.remove(at)
        } else {
            let crowd = self.crowds.remove(at);
            let mut links: SmallVec<[_; FEW]> = crowd.iter().collect();
            links.sort_unstable_by_key(|(.., placed)| placed.order);
            let links = links.into_iter();
            Few::new(
                listener,
                links.map(|(target, key, placed)| (target, placed.link(key))),
            )
        };
        if few.len() < 2 {
            match few.iter().next() {
                Some((_, link)) => self.slots.set(listener, link),
                None => self.slots.clear(listener),
            }
        } else {
            let few = self.few.insert(few);
            self.slots.set(listener, Link::few(few));
        }
        self.tidy();
    }

    /// Gives memory back that blocks and maps do not need any more.
    #[inline]
    fn tidy(&mut self) {
        let slots = &mut self.slots;
        give_back(&mut self.few, |few, at| {
            slots.set(few.listener, Link::few(at));
        });
        give_back(&mut self.crowds, |crowd, at| {
            slots.set(crowd.listener, Link::many(at));
        });
    }

    /// Returns the number of listeners with several links.
    pub(crate) fn crowded(&self) -> usize {
        self.few.len() + self.crowds.len()
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let blocks = self.few.capacity() * size_of::<Few>();
        let crowds = self.crowds.iter().map(|(_, crowd)| crowd.heap_bytes());
        let maps = self.crowds.capacity() * size_of::<Crowd>();
        self.slots.heap_bytes() + blocks + maps + crowds.sum::<usize>()
    }
}

/// Gives memory back that a slab does not need any more, and says where each value is now.
fn give_back<T>(slab: &mut Slab<T>, mut moved: impl FnMut(&T, usize)) {
    if slab.capacity() > ROOMY && slab.len() * 4 <= slab.capacity() {
        slab.compact(|value, _, at| {
            moved(value, at);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use bevy_ecs::world::World;

    use super::*;
    use crate::books::ids::Sort;

    /// One listener and a target for each number, beside the links that it should have.
    struct Pair {
        links: Links,
        listener: Entity,
        targets: Vec<Entity>,
        /// In order.
        expected: Vec<(Entity, Link)>,
    }

    impl Pair {
        fn new() -> Self {
            let mut world = World::new();
            Self {
                links: Links::default(),
                listener: world.spawn_empty().id(),
                targets: (0..10).map(|_| world.spawn_empty().id()).collect(),
                expected: Vec::new(),
            }
        }

        /// Returns the link of one of two keys to the list of a target.
        fn link(&self, number: usize) -> (Entity, Link) {
            let [target, key] = [number % self.targets.len(), number / self.targets.len() % 2];
            let link = Link {
                key: KeyId::new(key, Sort::Registrations),
                list: ListId::new(target),
                place: number as u32,
            };
            (self.targets[target], link)
        }

        fn add(&mut self, number: usize) {
            let (target, link) = self.link(number);
            self.forget(target, link.key);
            match self.links.of(self.listener) {
                Held::Nothing => self.links.set(self.listener, link),
                Held::One(_) if self.expected.is_empty() => self.links.set(self.listener, link),
                Held::One(_) => {
                    let first = self.expected[0];
                    self.links.add_second(self.listener, first, (target, link));
                }
                Held::Many(_) => self.links.add(self.listener, target, link),
            }
            self.expected.push((target, link));
        }

        fn take(&mut self, number: usize) {
            let (target, link) = self.link(number);
            self.links.take(self.listener, target, link.list, link.key);
            self.forget(target, link.key);
        }

        fn take_key(&mut self, number: usize) {
            let (_, Link { key, .. }) = self.link(number);
            if matches!(self.links.of(self.listener), Held::Many(_)) {
                let taken = self.links.take_many(self.listener, |at| at == key);
                let before = self.expected.len();
                self.expected.retain(|(_, link)| link.key != key);
                assert_eq!(taken.len(), before - self.expected.len());
            }
        }

        fn move_place(&mut self, number: usize) {
            let (target, mut link) = self.link(number);
            link.place += 1_000;
            self.links.moved(self.listener, target, link.list, link);
            for (at, known) in &mut self.expected {
                if *at == target && known.key == link.key {
                    *known = link;
                }
            }
        }

        fn forget(&mut self, target: Entity, key: KeyId) {
            self.expected
                .retain(|(at, link)| *at != target || link.key != key);
        }

        fn compare(&self) {
            match self.links.of(self.listener) {
                Held::Nothing => assert_eq!(self.expected, []),
                Held::One(link) => assert_eq!(self.expected[0].1, link),
                Held::Many(several) => {
                    let mut found: Vec<_> = several.iter().collect();
                    found.sort_unstable_by_key(|(.., placed)| placed.order);
                    let links = found
                        .iter()
                        .map(|(target, key, at)| (*target, at.link(*key)));
                    let found: Vec<_> = links.collect();
                    assert_eq!(found, self.expected);
                    for (target, link) in &self.expected {
                        let placed = several.get(*target, link.key);
                        assert_eq!(placed.map(|at| at.link(link.key)), Some(*link));
                        let with = several.with(link.key);
                        assert_eq!(with.filter(|(at, _)| at == target).count(), 1);
                    }
                }
            }
            assert_eq!(self.links.crowded(), usize::from(self.expected.len() > 1));
        }
    }

    /// S3: a listener that has one link, a few or many keeps them in order.
    #[test]
    fn links_are_kept_while_their_number_rises_and_falls() {
        let mut pair = Pair::new();
        let mut dice = 1_u32;
        let mut most = 0;
        for round in 0..20_000 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (dice >> 8) as usize % 20;
            // For a while links are added more often, and then they are removed more often.
            let is_rising = round / 50 % 2 == 0;
            match (dice >> 16) % 16 {
                0 => pair.move_place(number),
                1 if round % 7 == 0 => pair.take_key(number),
                at if (at > 5) == is_rising => pair.add(number),
                _ => pair.take(number),
            }
            pair.compare();
            most = most.max(pair.expected.len());
        }

        assert!(most > 2 * FEW, "{most}");
    }

    /// Constant time: a listener whose number of links swings around a limit moves them seldom.
    #[test]
    fn links_are_moved_at_most_once_for_each_half_of_a_block() {
        let mut pair = Pair::new();
        for number in 0..=FEW {
            pair.add(number);
        }
        for _ in 0..1_000 {
            pair.take(FEW);
            assert_eq!(pair.links.crowds.len(), 1);
            pair.add(FEW);
        }
        for number in FEW / 2..=FEW {
            pair.take(number);
        }
        assert_eq!((pair.links.few.len(), pair.links.crowds.len()), (1, 0));
        for _ in 0..1_000 {
            pair.add(FEW);
            assert_eq!((pair.links.few.len(), pair.links.crowds.len()), (1, 0));
            pair.take(FEW);
        }

        pair.compare();
    }

    /// S10: blocks and maps are given back, whatever order they go in.
    #[test]
    fn memory_of_several_links_is_given_back() {
        for count in [2, FEW, FEW + 1] {
            let mut world = World::new();
            let listeners: Vec<_> = (0..1_000).map(|_| world.spawn_empty().id()).collect();
            let pair = Pair::new();
            let mut links = Links::default();
            for listener in &listeners {
                links.add_second(*listener, pair.link(0), pair.link(1));
                for number in 2..count {
                    let (target, link) = pair.link(number);
                    links.add(*listener, target, link);
                }
            }
            let full = links.heap_bytes();

            for (index, listener) in listeners.iter().enumerate() {
                if index % 100 != 7 {
                    let taken = links.take_many(*listener, |_| true);
                    assert_eq!(taken.len(), count);
                }
            }

            assert_eq!(links.crowded(), 10);
            for listener in listeners.iter().skip(7).step_by(100) {
                let held = links.of(*listener);
                assert!(matches!(held, Held::Many(it) if it.iter().count() == count));
            }
            let pages = links.slots.heap_bytes();
            assert!((links.heap_bytes() - pages) * 10 < full - pages);
        }
    }
}
