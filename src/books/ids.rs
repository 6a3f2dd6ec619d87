//! Numbers for handlers, keys, signals and lists, and small types made of them.
//!
//! Plain data: no function here takes a world.

use core::num::NonZero;

use bevy_ecs::{component::ComponentId, entity::Entity};

use crate::books::pages::Slot;

/// A handler that was registered at least once, by its place in the table.
///
/// The top bit says "once".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HandlerId(u32);

/// A pair of a listening component and a signal, by its place in the table.
///
/// The top bit says that the signal is [`Referenced`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(u32);

/// A type of signal, by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SignalId(u16);

/// The place of a list among all lists.
///
/// It is one more than that, so that an option takes no more memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ListId(NonZero<u32>);

/// What links are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Registrations,
    References,
}

/// Where a registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) key: KeyId,
    pub(crate) list: ListId,
    pub(crate) place: u32,
}

/// What identifies a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) listener: Entity,
    pub(crate) target: Entity,
    pub(crate) key: KeyId,
}

/// A component whose registrations ended. Those that were told do not come back either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ended {
    pub(crate) listener: Entity,
    pub(crate) component: ComponentId,
}

/// The signal of the links between a declared reference and its targets.
///
/// It is never sent. The room `reference` handles the end of such a target.
pub(crate) struct Referenced;

impl HandlerId {
    const ONCE: u32 = 1 << 31;

    /// Returns the handler at a place in the table.
    pub(crate) fn new(index: usize) -> Self {
        Self(index as u32)
    }

    /// Returns the handler whose registration ends before its call.
    pub(crate) fn once(self) -> Self {
        Self(self.0 | Self::ONCE)
    }

    pub(crate) fn is_once(self) -> bool {
        self.0 & Self::ONCE != 0
    }

    pub(crate) fn index(self) -> usize {
        (self.0 & !Self::ONCE) as usize
    }
}

impl KeyId {
    /// No key.
    pub(crate) const NONE: Self = Self(u32::MAX);
    /// The keys of two to eight links.
    pub(crate) const FEW: Self = Self(u32::MAX - 1);
    /// The keys of more links.
    pub(crate) const MANY: Self = Self(u32::MAX - 2);

    const REFERENCE: u32 = 1 << 31;

    /// Returns the key at a place in the table, of links of a sort.
    pub(crate) fn new(index: usize, sort: Sort) -> Self {
        let index = index as u32;
        match sort {
            Sort::Registrations => Self(index),
            Sort::References => Self(index | Self::REFERENCE),
        }
    }

    /// Returns what the links with this key are for.
    pub(crate) fn sort(self) -> Sort {
        if self.0 & Self::REFERENCE == 0 {
            Sort::Registrations
        } else {
            Sort::References
        }
    }

    pub(crate) fn index(self) -> usize {
        (self.0 & !Self::REFERENCE) as usize
    }
}

impl SignalId {
    /// [`Qdeleting`](crate::Qdeleting), which is known without a look-up.
    pub(crate) const QDELETING: Self = Self(0);
    /// [`Referenced`], which is never sent.
    pub(crate) const REFERENCED: Self = Self(1);

    /// Returns the signal at a place in the table.
    pub(crate) fn new(index: usize) -> Self {
        Self(u16::try_from(index).expect("there should be fewer than 65,536 signal types"))
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl ListId {
    /// No list.
    pub(crate) const NONE: Self = Self(NonZero::<u32>::MAX);

    pub(crate) fn new(index: usize) -> Self {
        let number = u32::try_from(index + 1).ok().and_then(NonZero::new);
        Self(number.expect("there should be fewer lists than entities"))
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Slot for ListId {
    const VACANT: Self = Self::NONE;

    fn is_vacant(self) -> bool {
        self == Self::NONE
    }
}

impl Link {
    /// The slot of an entity that does not listen.
    pub(crate) const NOTHING: Self = Self {
        key: KeyId::NONE,
        list: ListId::NONE,
        place: 0,
    };

    /// Returns the slot of a listener with two to eight links, by the place of their block.
    pub(crate) fn few(block: usize) -> Self {
        Self::elsewhere(KeyId::FEW, block)
    }

    /// Returns the slot of a listener with more links, by the place of their map.
    pub(crate) fn many(map: usize) -> Self {
        Self::elsewhere(KeyId::MANY, map)
    }

    fn elsewhere(key: KeyId, place: usize) -> Self {
        Self {
            key,
            list: ListId::NONE,
            place: u32::try_from(place).expect("there should be fewer blocks than entities"),
        }
    }
}

impl Slot for Link {
    const VACANT: Self = Self::NOTHING;

    fn is_vacant(self) -> bool {
        self.key == KeyId::NONE
    }
}
