//! The verbs of deletion on an entity.

use core::time::Duration;

use bevy_ecs::{system::EntityCommands, world::EntityWorldMut};

use crate::{
    deletion::{
        look_before_asking::Look,
        mark::Force,
        outcome::Qdel,
        owned::Member,
        timer::{self, QdelTimer},
        worklist,
    },
    error::QdelError,
    ext::qdel::later,
};

/// Orderly deletion of the entity at hand.
pub trait EntityWorldMutQdelExt {
    /// Deletes this entity and everything it owns. See [`QdelExt::qdel`](crate::QdelExt::qdel).
    ///
    /// # Errors
    ///
    /// Returns [`QdelError::Resource`] if it or something it owns holds a resource.
    ///
    /// # Panics
    ///
    /// As [`QdelExt::qdel`](crate::QdelExt::qdel).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty();
    /// let id = goblin.id();
    ///
    /// assert_eq!(goblin.qdel(), Ok(Qdel::Queued));
    /// assert_eq!(world.liveness(id), Liveness::Deleting);
    /// ```
    #[doc(alias("delete", "despawn", "destroy", "destruct", "free"))]
    fn qdel(self) -> Result<Qdel, QdelError>;

    /// Deletes this entity and shows everybody that it is forced.
    ///
    /// # Errors
    ///
    /// As [`qdel`](Self::qdel).
    ///
    /// # Panics
    ///
    /// As [`QdelExt::qdel`](crate::QdelExt::qdel).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Blessing;
    ///
    /// impl Blessing {
    ///     fn protect(&self, asked: Received<PreQdel>) -> Verdict {
    ///         if asked.force { Verdict::Allow } else { Verdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// assert_eq!(world.entity_mut(king).force_qdel(), Ok(Qdel::Queued));
    /// ```
    fn force_qdel(self) -> Result<Qdel, QdelError>;
}

impl EntityWorldMutQdelExt for EntityWorldMut<'_> {
    fn qdel(self) -> Result<Qdel, QdelError> {
        let entity = self.id();
        worklist::qdel(
            self.into_world_mut(),
            Member::root(entity),
            Force::No,
            Look::Afresh,
        )
    }

    fn force_qdel(self) -> Result<Qdel, QdelError> {
        let entity = self.id();
        worklist::qdel(
            self.into_world_mut(),
            Member::root(entity),
            Force::Yes,
            Look::Afresh,
        )
    }
}

/// Orderly deletion of the entity at hand, when the commands are applied.
///
/// An entity that is gone by then, or that holds a resource, is an error that goes to Bevy's error
/// handler with `Severity::Warning`, which logs it by default. A second `qdel` of the same entity
/// is no error.
pub trait EntityCommandsQdelExt {
    /// Deletes this entity and everything it owns. See [`QdelExt::qdel`](crate::QdelExt::qdel).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty().id();
    ///
    /// world.commands().entity(goblin).qdel();
    /// assert_eq!(world.liveness(goblin), Liveness::Alive);
    ///
    /// world.flush();
    /// assert_eq!(world.liveness(goblin), Liveness::Deleting);
    /// ```
    #[doc(alias(
        "delete",
        "deleteLater",
        "despawn",
        "destroy",
        "destruct",
        "queue_free"
    ))]
    fn qdel(&mut self) -> &mut Self;

    /// Deletes this entity and shows everybody that it is forced.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Blessing;
    ///
    /// impl Blessing {
    ///     fn protect(&self, asked: Received<PreQdel>) -> Verdict {
    ///         if asked.force { Verdict::Allow } else { Verdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// world.commands().entity(king).force_qdel();
    /// world.flush();
    ///
    /// assert_eq!(world.liveness(king), Liveness::Deleting);
    /// ```
    fn force_qdel(&mut self) -> &mut Self;

    /// Deletes this entity when so much time has passed, from when the command is applied, and
    /// returns the handle by which that is cancelled. See
    /// [`QdelTimerExt::qdel_in`](crate::QdelTimerExt::qdel_in).
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let corpse = world.spawn_empty().id();
    ///
    /// let timer = world.commands().entity(corpse).qdel_in(Duration::from_secs(10));
    /// world.flush();
    /// assert_eq!(world.qdel_timers(), [(timer, Duration::from_secs(10))]);
    ///
    /// world.advance_qdel_timers(Duration::from_secs(10));
    /// assert_eq!(world.liveness(corpse), Liveness::Deleting);
    /// ```
    #[doc(alias("QDEL_IN", "create_timer", "singleShot", "timer"))]
    fn qdel_in(&mut self, delay: Duration) -> QdelTimer;
}

impl EntityCommandsQdelExt for EntityCommands<'_> {
    fn qdel(&mut self) -> &mut Self {
        let entity = self.id();
        self.commands().queue(later(entity, Force::No));
        self
    }

    fn force_qdel(&mut self) -> &mut Self {
        let entity = self.id();
        self.commands().queue(later(entity, Force::Yes));
        self
    }

    fn qdel_in(&mut self, delay: Duration) -> QdelTimer {
        timer::start_later(self.reborrow(), delay)
    }
}
