//! The links of all listeners, of both sorts.
//!
//! Plain data: no function here takes a world.

use crate::books::{
    ids::{KeyId, Sort},
    links::Links,
};

/// The links of all listeners: one table for registrations, one for declared references.
///
/// So a component that has one of each needs no map. To visit the references of a listener with
/// thousands of registrations takes no longer.
#[derive(Debug, Default)]
pub(crate) struct AllLinks {
    registrations: Links,
    references: Links,
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

    /// Returns the number of listeners with several links. A listener counts once for each sort.
    pub(crate) fn crowded(&self) -> usize {
        self.registrations.crowded() + self.references.crowded()
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.registrations.heap_bytes() + self.references.heap_bytes()
    }
}
