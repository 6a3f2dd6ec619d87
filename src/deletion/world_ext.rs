//! The verbs of deletion on a world.

use bevy_ecs::{
    entity::Entity,
    error::{BevyError, Severity},
    world::{DeferredWorld, World},
};

use super::{
    queue::Qdel,
    worklist::{self, Force},
};
use crate::error::QdelError;

/// Orderly deletion, on a [`World`].
pub trait QdelExt {
    /// Deletes `entity` and everything it owns, in order.
    ///
    /// What it owns are the sources of all relationships with `linked_spawn`, such as `Children`. All are asked
    /// first ([`PreQdel`](crate::PreQdel)); then all are hidden from queries, and their listeners are told
    /// ([`Qdeleting`](crate::Qdeleting)), owner before owned. They are torn down at the end of the
    /// frame, owned before owner. Commands that handlers queue are applied when all is told.
    ///
    /// Called by a command of a handler, it asks and marks at once, and its listeners are told next.
    ///
    /// # Errors
    ///
    /// Returns [`QdelError::NotSpawned`] if `entity` is not in the world, and [`QdelError::Resource`] if it
    /// or something it owns holds a resource, which Bevy does not despawn. Nothing has happened then.
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of a handler or observer, after everybody was told.
    ///
    /// # Complexity
    ///
    /// Linear in the number of entities and listeners.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty().id();
    /// let purse = world.spawn(ChildOf(goblin)).id();
    ///
    /// assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));
    /// assert_eq!(world.qdel(goblin), Ok(Qdel::AlreadyDeleting));
    /// assert_eq!(world.liveness(purse), Liveness::Deleting);
    ///
    /// world.flush_qdel(); // the plugin does this at the end of each frame
    /// assert_eq!(world.liveness(purse), Liveness::Gone);
    /// ```
    fn qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError>;

    /// Deletes `entity` as [`qdel`](Self::qdel) does, and shows everybody that it is forced.
    ///
    /// It does not pass over a veto by itself: handlers see the mark and decide.
    ///
    /// # Errors
    ///
    /// As [`qdel`](Self::qdel).
    ///
    /// # Panics
    ///
    /// As [`qdel`](Self::qdel).
    fn force_qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError>;

    /// Tears down all that was deleted before this call, and returns how many entities that were.
    ///
    /// The plugin calls it in `Last`. What is deleted meanwhile waits for the next call, but what joins an owner that
    /// is torn down, and cannot be asked any more, goes with it and is told. Called inside a deletion, by a
    /// command, it returns 0, and that deletion tears down when it has told everybody.
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of a hook or observer, after the rest was torn down. An entity whose hook
    /// panicked is tried again at the next flush.
    fn flush_qdel(&mut self) -> usize;

    /// Deletes everything but resources and observers, tears it down, and returns how many entities that were.
    ///
    /// For a world that is about to be dropped: dropping tells nobody. All are told, owner before owned, with
    /// [`force`](crate::Qdeleting::force), before the first is torn down. Nobody is asked: there is no veto.
    ///
    /// # Panics
    ///
    /// As [`qdel`](Self::qdel) and [`flush_qdel`](Self::flush_qdel).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty().id();
    /// world.spawn(ChildOf(goblin));
    ///
    /// assert_eq!(world.shutdown_qdel(), 2);
    /// ```
    fn shutdown_qdel(&mut self) -> usize;
}

impl QdelExt for World {
    fn qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError> {
        worklist::qdel(self, entity, Force::No)
    }

    fn force_qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError> {
        worklist::qdel(self, entity, Force::Yes)
    }

    fn flush_qdel(&mut self) -> usize {
        worklist::flush(self)
    }

    fn shutdown_qdel(&mut self) -> usize {
        worklist::shut_down(self)
    }
}

/// Orderly deletion from a [`DeferredWorld`]: in hooks, handlers and observers.
pub trait DeferredWorldQdelExt {
    /// Deletes `entity` when commands are applied. See [`QdelExt::qdel`].
    fn queue_qdel(&mut self, entity: Entity);

    /// Deletes `entity` when commands are applied. See [`QdelExt::force_qdel`].
    fn queue_force_qdel(&mut self, entity: Entity);
}

impl DeferredWorldQdelExt for DeferredWorld<'_> {
    fn queue_qdel(&mut self, entity: Entity) {
        self.commands().queue(later(entity, Force::No));
    }

    fn queue_force_qdel(&mut self, entity: Entity) {
        self.commands().queue(later(entity, Force::Yes));
    }
}

/// Returns a command that deletes `entity`.
pub(super) fn later(
    entity: Entity,
    force: Force,
) -> impl FnOnce(&mut World) -> Result<(), BevyError> + Send + 'static {
    move |world| match worklist::qdel(world, entity, force) {
        Ok(_) => Ok(()),
        Err(error) => Err(BevyError::from(error).with_severity(Severity::Warning)),
    }
}
