//! Whom one listener listens to.
//!
//! Plain data: no function here takes a world.
//!
//! Most listeners have one registration, so one stands in a table by entity index, in pages that
//! exist where there are listeners. A listener with more has a map of its own, in which a target is
//! found in O(1).
//!
//! A link may outlive what it describes: the target is despawned, or its list was told. Whoever reads
//! a link compares it with the list of the target, which knows. So deleting a target need not touch
//! its listeners' books, except for those with a map, which would grow.

use bevy_ecs::entity::Entity;
use bevy_platform::{collections::HashMap, hash::FixedHasher};
use indexmap::IndexMap;

use super::books::KeyId;

/// A place in the list of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) target: Entity,
    pub(crate) key: KeyId,
    pub(crate) place: u32,
}

/// What kinds of books a listener had when a link was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is the only one.
    Alone,
    /// It stands in a map.
    InMap,
    /// The map was made for it, and this link moved there.
    MadeMap(Link),
}

/// The links of all listeners.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pages: Vec<Option<Box<Page>>>,
    /// The last page that became empty, so that one listener that comes and goes allocates nothing.
    spare: Option<Box<Page>>,
    /// By entity index, as the pages. Never holds an empty map.
    maps: HashMap<u32, Map>,
}

type Map = IndexMap<(Entity, KeyId), u32, FixedHasher>;

/// The key of a link that stands for "see the map".
const SEE_MAP: KeyId = KeyId::NONE;

const PAGE: usize = 1024;

#[derive(Debug)]
struct Page {
    taken: u32,
    links: [Option<Link>; PAGE],
}

impl Links {
    /// Returns the place of the link of `listener` for `target` and `key`.
    pub(crate) fn find(&self, listener: Entity, target: Entity, key: KeyId) -> Option<u32> {
        let link = self.slot(listener)?;
        if link.key == SEE_MAP {
            let map = self.maps.get(&listener.index_u32())?;
            return map.get(&(target, key)).copied();
        }
        (link.target == target && link.key == key).then_some(link.place)
    }

    /// Tells whether `listener` has a link, in force or not.
    pub(crate) fn has_any(&self, listener: Entity) -> bool {
        self.slot(listener).is_some()
    }

    /// Returns the one link of `listener`, if it has exactly one.
    pub(crate) fn only(&self, listener: Entity) -> Option<Link> {
        self.slot(listener).filter(|link| link.key != SEE_MAP)
    }

    /// Puts a link in. One for the same target and key is overwritten; so is the only one of the
    /// listener, if `only_is_stale`.
    pub(crate) fn put(&mut self, listener: Entity, link: Link, only_is_stale: bool) -> Put {
        let slot = self.slot_mut(listener);
        match slot {
            None => {
                *slot = Some(link);
                self.page_mut(listener).taken += 1;
                Put::Alone
            }
            Some(old) if old.key == SEE_MAP => {
                let map = self.maps.entry(listener.index_u32()).or_default();
                map.insert((link.target, link.key), link.place);
                Put::InMap
            }
            Some(old) if only_is_stale || (old.target == link.target && old.key == link.key) => {
                *slot = Some(link);
                Put::Alone
            }
            Some(old) => {
                let first = *old;
                *slot = Some(Link {
                    target: first.target,
                    key: SEE_MAP,
                    place: 0,
                });
                let mut map = Map::default();
                map.insert((first.target, first.key), first.place);
                map.insert((link.target, link.key), link.place);
                self.maps.insert(listener.index_u32(), map);
                Put::MadeMap(first)
            }
        }
    }

    /// Corrects the place of a link after its list was compacted.
    pub(crate) fn moved(&mut self, listener: Entity, target: Entity, key: KeyId, place: u32) {
        let Some(link) = self.existing_slot_mut(listener).and_then(Option::as_mut) else {
            return;
        };
        if link.key == SEE_MAP {
            let map = self.maps.get_mut(&listener.index_u32());
            if let Some(known) = map.and_then(|map| map.get_mut(&(target, key))) {
                *known = place;
            }
        } else if link.target == target && link.key == key {
            link.place = place;
        }
    }

    /// Takes the link for `target` and `key` out, if it is there.
    pub(crate) fn take(&mut self, listener: Entity, target: Entity, key: KeyId) {
        let Some(link) = self.slot(listener) else {
            return;
        };
        if link.key == SEE_MAP {
            let index = listener.index_u32();
            if let Some(map) = self.maps.get_mut(&index) {
                map.shift_remove(&(target, key));
            }
            self.unmap(listener);
        } else if link.target == target && link.key == key {
            self.clear(listener);
        }
    }

    /// Takes the links out whose key `belongs`, in order of registration.
    pub(crate) fn take_where(
        &mut self,
        listener: Entity,
        mut belongs: impl FnMut(KeyId) -> bool,
    ) -> smallvec::SmallVec<[Link; 2]> {
        let mut taken = smallvec::SmallVec::new();
        let Some(link) = self.slot(listener) else {
            return taken;
        };
        if link.key == SEE_MAP {
            if let Some(map) = self.maps.get_mut(&listener.index_u32()) {
                map.retain(|&(target, key), &mut place| {
                    let belongs = belongs(key);
                    if belongs {
                        taken.push(Link { target, key, place });
                    }
                    !belongs
                });
            }
            self.unmap(listener);
        } else if belongs(link.key) {
            taken.push(link);
            self.clear(listener);
        }
        taken
    }

    /// Returns all links of `listener`, in order of registration.
    pub(crate) fn of(&self, listener: Entity) -> impl Iterator<Item = Link> {
        let map = self.maps.get(&listener.index_u32());
        let in_map = map.into_iter().flatten();
        let in_map = in_map.map(|(&(target, key), &place)| Link { target, key, place });
        self.only(listener).into_iter().chain(in_map)
    }

    /// Returns the number of listeners with a map.
    pub(crate) fn maps(&self) -> usize {
        self.maps.len()
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pages = self.pages.iter().chain([&self.spare]).flatten().count() * size_of::<Page>();
        let maps = self.maps.values().map(|map| {
            let entry = size_of::<((Entity, KeyId), u32, u64)>() + size_of::<usize>();
            size_of::<Map>() + map.capacity() * entry
        });
        pages + maps.sum::<usize>()
    }

    /// Goes back from a map to the one link, or to none.
    fn unmap(&mut self, listener: Entity) {
        let index = listener.index_u32();
        let Some(map) = self.maps.get(&index) else {
            return;
        };
        if map.len() > 1 {
            return;
        }
        let last = map.first();
        let last = last.map(|(&(target, key), &place)| Link { target, key, place });
        self.maps.remove(&index);
        if self.maps.is_empty() {
            self.maps.shrink_to_fit();
        }
        match last {
            Some(link) => *self.slot_mut(listener) = Some(link),
            None => self.clear(listener),
        }
    }

    fn slot(&self, listener: Entity) -> Option<Link> {
        let (page, at) = position(listener);
        self.pages.get(page)?.as_ref()?.links[at]
    }

    fn existing_slot_mut(&mut self, listener: Entity) -> Option<&mut Option<Link>> {
        let (page, at) = position(listener);
        Some(&mut self.pages.get_mut(page)?.as_mut()?.links[at])
    }

    fn slot_mut(&mut self, listener: Entity) -> &mut Option<Link> {
        let (_, at) = position(listener);
        &mut self.page_mut(listener).links[at]
    }

    fn page_mut(&mut self, listener: Entity) -> &mut Page {
        let (page, _) = position(listener);
        if page >= self.pages.len() {
            self.pages.resize_with(page + 1, || None);
        }
        let spare = &mut self.spare;
        self.pages[page].get_or_insert_with(|| {
            spare.take().unwrap_or_else(|| {
                Box::new(Page {
                    taken: 0,
                    links: [None; PAGE],
                })
            })
        })
    }

    /// Empties the slot of `listener`, and gives its page back if it was the last.
    fn clear(&mut self, listener: Entity) {
        let (number, at) = position(listener);
        let Some(Some(page)) = self.pages.get_mut(number) else {
            return;
        };
        if page.links[at].take().is_some() {
            page.taken -= 1;
        }
        if page.taken == 0 {
            self.spare = self.pages[number].take();
            let used = self.pages.iter().rposition(Option::is_some);
            self.pages.truncate(used.map_or(0, |last| last + 1));
        }
    }
}

/// Returns the page of an entity and its slot there.
fn position(entity: Entity) -> (usize, usize) {
    let index = entity.index_u32() as usize;
    (index / PAGE, index % PAGE)
}
