//! What components named when they were last found written and unchanged.
//!
//! Most components that are written are written in every frame, while the field that names an
//! entity stays. Compared with this table, they are passed over without a look at the lists of
//! their targets, which would have to come from memory.
//!
//! Plain data: no function here takes a world.
//!
//! # Invariants
//!
//! 1. A component with an entry is linked to exactly what the entry says, and that target is open:
//!    `Books::names_exactly` would say the same.
//! 2. The converse need not hold. An entry begins when a component is found written and unchanged,
//!    so a type whose components are only written to name others has none.

use bevy_ecs::entity::Entity;

use crate::books::pages::{Pages, Slot};

/// What the components of all tracked types named, as far as it is known.
#[derive(Debug, Default)]
pub(crate) struct LastSynced {
    /// By the numbers of the types. It is empty until there is an entry.
    types: Vec<Pages<Known>>,
}

/// The entries of one type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfType<'a>(Option<&'a Pages<Known>>);

/// What one component named: an entity or none. Those that name more have no entry.
#[derive(Debug, Clone, Copy)]
struct Known {
    holder: Entity,
    named: Named,
}

/// An entity or none, which is compared in one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named(u64);

impl Named {
    pub(crate) const NONE: Self = {
        // These are the bits of no entity.
        assert!(Entity::try_from_bits(0).is_none());
        Self(0)
    };
}

impl From<Entity> for Named {
    #[inline]
    fn from(named: Entity) -> Self {
        Self(named.to_bits())
    }
}

impl OfType<'_> {
    /// Returns `true` if it is known that the component of `holder` is linked to `named` and to
    /// nothing else.
    #[inline]
    pub(crate) fn names(self, holder: Entity, named: Named) -> bool {
        let known = self.0.and_then(|entries| entries.slot(holder));
        known.is_some_and(|known| known.holder == holder && known.named == named)
    }
}

impl LastSynced {
    /// Returns the entries of a type.
    pub(crate) fn of(&self, number: u32) -> OfType<'_> {
        OfType(self.types.get(number as usize))
    }

    /// Makes the entry of a component that is linked to `named` and to nothing else.
    pub(crate) fn begin(&mut self, number: u32, holder: Entity, named: Option<Entity>) {
        let number = number as usize;
        if number >= self.types.len() {
            self.types.resize_with(number + 1, Pages::default);
        }
        let named = named.map_or(Named::NONE, Named::from);
        self.types[number].set(holder, Known { holder, named });
    }

    /// Drops the entry of a component, if it has one.
    pub(crate) fn end(&mut self, number: u32, holder: Entity) {
        if let Some(entries) = self.types.get_mut(number as usize) {
            entries.clear(holder);
        }
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let pages = self.types.iter().map(Pages::heap_bytes);
        pages.sum::<usize>() + self.types.capacity() * size_of::<Pages<Known>>()
    }

    /// Returns `true` if there never was an entry.
    #[inline]
    pub(crate) fn is_unused(&self) -> bool {
        self.types.is_empty()
    }

    /// Returns `true` if there is an entry at the index of a holder.
    pub(crate) fn contains(&self, number: u32, holder: Entity) -> bool {
        let entries = self.types.get(number as usize);
        entries.is_some_and(|entries| !entries.get(holder).is_vacant())
    }
}

impl Slot for Known {
    const VACANT: Self = Self {
        holder: Entity::PLACEHOLDER,
        named: Named::NONE,
    };

    fn is_vacant(self) -> bool {
        self.holder == Entity::PLACEHOLDER
    }
}
