//! What a release came to, and what is left to the next sync.

use bevy_ecs::{change_detection::DetectChangesMut, entity::Entity, world::DeferredWorld};

use crate::{
    books::Books,
    panics::{FirstPanic, Panicked},
    reference::tracked::Demand,
};

/// How many components are looked at before the first is changed.
pub(crate) const BATCH: usize = 64;

/// The result of a release.
#[derive(Default)]
pub(crate) struct Released {
    /// What is left to do.
    pub(crate) demands: Vec<Demand>,
    /// The first panic.
    pub(crate) first_panic: FirstPanic,
    /// How many components had to release an entity.
    pub(crate) components: usize,
    /// The components that panicked when they were read: their holders, and the numbers of their
    /// types.
    pub(crate) unread: Vec<(Entity, u32)>,
}

impl Released {
    /// Returns the result of a release that panicked.
    pub(crate) fn panicked(panicked: Panicked) -> Self {
        Self {
            first_panic: FirstPanic::from(Err(panicked)),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.demands.extend(other.demands);
        self.components += other.components;
        self.unread.extend(other.unread);
        self.first_panic.note(other.first_panic.into_outcome());
    }

    /// Returns what is left to do, and the panic as an outcome.
    pub(crate) fn into_parts(self) -> (Vec<Demand>, Result<(), Panicked>) {
        (self.demands, self.first_panic.into_outcome())
    }
}

/// Marks components for the next sync: their holders, and the numbers of their types.
pub(crate) fn remember(
    world: &mut DeferredWorld,
    components: impl ExactSizeIterator<Item = (Entity, u32)>,
) {
    if components.len() > 0
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        let books = books.bypass_change_detection();
        for (holder, number) in components {
            books.remember_unsynced(holder, number);
        }
    }
}
