//! A table by entity index that takes memory only where there are entries.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

/// A value for each entity index, most of them vacant.
///
/// It is found with two dependent reads, and its memory is in pages that come and go with their
/// entries. The directory of pages only grows: it has 8 bytes for each 1,024 entity indices, where
/// Bevy's own table has some 28 KiB. So a page comes and goes in constant time, however high the
/// index is.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Option<Box<Page<T>>>>,
    /// The last page that became empty, so that one entry that comes and goes allocates nothing.
    spare: Option<Box<Page<T>>>,
}

/// A value that knows whether its slot is taken.
pub(crate) trait Slot: Copy {
    /// The value of a slot that is not taken.
    const VACANT: Self;

    fn is_vacant(self) -> bool;
}

const PAGE: usize = 1024;

#[derive(Debug)]
struct Page<T> {
    taken: u32,
    slots: [T; PAGE],
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            spare: None,
        }
    }
}

impl<T: Slot> Pages<T> {
    /// Returns the value of the slot, vacant or not.
    #[inline]
    pub(crate) fn get(&self, entity: Entity) -> T {
        let (page, at) = position(entity);
        match self.pages.get(page) {
            Some(Some(page)) => page.slots[at],
            _ => T::VACANT,
        }
    }

    /// Returns the slot, vacant or not, if it has a page.
    #[inline]
    pub(crate) fn slot(&self, entity: Entity) -> Option<&T> {
        let (page, at) = position(entity);
        let page = self.pages.get(page)?.as_ref()?;
        Some(&page.slots[at])
    }

    /// Puts a value that is not vacant into the slot.
    #[inline]
    pub(crate) fn set(&mut self, entity: Entity, value: T) {
        let (number, at) = position(entity);
        let page = match self.pages.get_mut(number) {
            Some(Some(page)) => page,
            _ => self.add_page(number),
        };
        if page.slots[at].is_vacant() {
            page.taken += 1;
        }
        page.slots[at] = value;
    }

    /// Makes the slot vacant, and gives its page back if it was the last taken one.
    pub(crate) fn clear(&mut self, entity: Entity) {
        let (number, at) = position(entity);
        let Some(Some(page)) = self.pages.get_mut(number) else {
            return;
        };
        if page.slots[at].is_vacant() {
            return;
        }
        page.slots[at] = T::VACANT;
        page.taken -= 1;
        if page.taken == 0 {
            self.drop_page(number);
        }
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pages = self.pages.iter().chain([&self.spare]).flatten().count();
        pages * size_of::<Page<T>>() + self.pages.capacity() * size_of::<usize>()
    }

    #[cold]
    fn drop_page(&mut self, number: usize) {
        self.spare = self.pages[number].take();
    }

    #[cold]
    fn add_page(&mut self, number: usize) -> &mut Page<T> {
        if number >= self.pages.len() {
            self.pages.resize_with(number + 1, || None);
        }
        let spare = self.spare.take();
        self.pages[number].get_or_insert_with(|| {
            spare.unwrap_or_else(|| {
                Box::new(Page {
                    taken: 0,
                    slots: [T::VACANT; PAGE],
                })
            })
        })
    }
}

/// Returns the page of an entity and its slot there.
fn position(entity: Entity) -> (usize, usize) {
    let index = entity.index_u32() as usize;
    (index / PAGE, index % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Number(u32);

    impl Slot for Number {
        const VACANT: Self = Self(0);

        fn is_vacant(self) -> bool {
            self == Self::VACANT
        }
    }

    fn entity(index: u32) -> Entity {
        Entity::from_raw_u32(index).unwrap()
    }

    /// Constant time: what comes and goes at a high index writes the directory up to it once.
    #[test]
    fn directory_is_written_once_however_often_the_only_page_comes_and_goes() {
        let mut pages = Pages::default();
        let last = entity(4_000_000);

        let mut written = 0;
        for _ in 0..1_000 {
            let before = pages.pages.len();
            pages.set(last, Number(7));
            written += pages.pages.len() - before;
            assert_eq!(pages.get(last), Number(7));
            pages.clear(last);
            assert_eq!(pages.get(last), Number::VACANT);
        }

        assert_eq!(written, 4_000_000 / PAGE + 1);
    }

    #[test]
    fn memory_of_pages_is_given_back_but_for_one() {
        let mut pages = Pages::default();
        for page in 0..10 {
            pages.set(entity(page * PAGE as u32), Number(1));
        }
        let full = pages.heap_bytes();

        for page in 0..10 {
            pages.clear(entity(page * PAGE as u32));
        }

        assert_eq!(full - pages.heap_bytes(), 9 * size_of::<Page<Number>>());
    }
}
