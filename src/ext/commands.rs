//! The verbs of deletion in systems, hooks and handlers: by commands.

use bevy_ecs::{
    entity::Entity,
    error::BevyError,
    system::Commands,
    world::{DeferredWorld, World},
};

use crate::{
    deletion::{
        looked::Look, mark::Force, owned::Member, sweep_on_demand, timer::QdelTimer, worklist,
    },
    error::warning,
    ext::world_qdel::WorldQdelExt,
};

/// Orderly deletion by commands, from [`Commands`] and from a [`DeferredWorld`].
///
/// [`EntityCommandsQdelExt`](crate::EntityCommandsQdelExt) does the same for the entity at hand.
/// Errors go to Bevy's error handler with `Severity::Warning`, which logs them by default.
pub trait CommandsQdelExt: sealed::Queue {
    /// Deletes `entity` when commands are applied: [`WorldQdelExt::qdel`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::{prelude::*, world::DeferredWorld};
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Bomb { target: Entity }
    ///
    /// let mut world = World::new();
    /// world.add_observer(|removed: On<Remove<Bomb>>, mut world: DeferredWorld| {
    ///     let target = world.get::<Bomb>(removed.entity).unwrap().target;
    ///     world.qdel(target);
    /// });
    /// let wall = world.spawn_empty().id();
    /// let bomb = world.spawn(Bomb { target: wall }).id();
    ///
    /// world.despawn(bomb);
    ///
    /// assert_eq!(world.liveness(wall), Liveness::Deleting);
    /// ```
    #[doc(alias("deleteLater", "despawn", "queue_free"))]
    fn qdel(&mut self, entity: Entity) {
        self.queue_of_commands().queue(later(entity, Force::No));
    }

    /// Deletes `entity` when commands are applied, and marks the deletion as forced.
    ///
    /// See [`WorldQdelExt::force_qdel`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::{prelude::*, world::DeferredWorld};
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Blessing;
    ///
    /// impl Blessing {
    ///     fn protect(&self, asked: Received<PreQdel>) -> QdelVerdict {
    ///         if asked.force { QdelVerdict::Allow } else { QdelVerdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// DeferredWorld::from(&mut world).force_qdel(king);
    /// world.flush();
    ///
    /// assert_eq!(world.liveness(king), Liveness::Deleting);
    /// ```
    fn force_qdel(&mut self, entity: Entity) {
        self.queue_of_commands().queue(later(entity, Force::Yes));
    }

    /// Deletes `entities` and everything they own, together: [`WorldQdelExt::qdel_batch`].
    ///
    /// The first entity that cannot be deleted is reported to Bevy's error handler.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
    ///
    /// world.commands().qdel_batch([goblin, orc]);
    /// assert_eq!(world.liveness(goblin), Liveness::Alive);
    ///
    /// world.flush();
    /// assert_eq!(world.liveness(goblin), Liveness::Deleting);
    /// assert_eq!(world.liveness(orc), Liveness::Deleting);
    /// ```
    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) {
        let entities: Vec<_> = entities.into_iter().collect();
        self.queue_of_commands()
            .queue(move |world: &mut World| batch(world, entities, Force::No));
    }

    /// Deletes `entities` together, and marks the deletions as forced.
    ///
    /// See [`WorldQdelExt::force_qdel_batch`]. Errors are reported as those of
    /// [`qdel_batch`](Self::qdel_batch).
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
    ///     fn protect(&self, asked: Received<PreQdel>) -> QdelVerdict {
    ///         if asked.force { QdelVerdict::Allow } else { QdelVerdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// world.commands().force_qdel_batch([king]);
    /// world.flush();
    ///
    /// assert_eq!(world.liveness(king), Liveness::Deleting);
    /// ```
    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) {
        let entities: Vec<_> = entities.into_iter().collect();
        self.queue_of_commands()
            .queue(move |world: &mut World| batch(world, entities, Force::Yes));
    }

    /// Stops a timer: [`WorldQdelExt::cancel_qdel`].
    ///
    /// It is no error if the timer is not running any more.
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
    /// let timer = world.qdel_in(corpse, Duration::from_secs(10))?;
    ///
    /// world.commands().cancel_qdel(timer);
    /// world.flush();
    ///
    /// assert!(world.qdel_timers().is_empty());
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn cancel_qdel(&mut self, timer: QdelTimer) {
        self.queue_of_commands().queue(move |world: &mut World| {
            // Its time may be up by now.
            let _ = WorldQdelExt::cancel_qdel(world, timer);
        });
    }

    /// Reads the fields that were written, and releases what is lost.
    ///
    /// See [`WorldReferencesExt::sync_references`](crate::WorldReferencesExt::sync_references).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component, References)]
    /// struct Archer {
    ///     #[entities]
    ///     target: Option<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// world.track_references::<Archer>();
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Archer { target: None }).id();
    /// world.get_mut::<Archer>(archer).unwrap().target = Some(goblin);
    /// world.despawn(goblin);
    ///
    /// world.commands().sync_references();
    /// world.flush();
    ///
    /// assert_eq!(world.get::<Archer>(archer).unwrap().target, None);
    /// ```
    fn sync_references(&mut self) {
        self.queue_of_commands().queue(worklist::sync_references);
    }

    /// Sweeps in the next flushes for all entities that are gone.
    ///
    /// See [`WorldReferencesExt::queue_sweep`](crate::WorldReferencesExt::queue_sweep).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::{prelude::*, sweep::SweepFinished};
    ///
    /// #[derive(Resource, Default)]
    /// struct Sweeps(usize);
    ///
    /// let mut world = World::new();
    /// world.init_resource::<Sweeps>();
    /// world.add_observer(|_: On<SweepFinished>, mut sweeps: ResMut<Sweeps>| sweeps.0 += 1);
    ///
    /// world.commands().queue_sweep();
    /// world.flush();
    /// world.flush_qdel();
    ///
    /// assert_eq!(world.resource::<Sweeps>().0, 1);
    /// ```
    fn queue_sweep(&mut self) {
        self.queue_of_commands().queue(sweep_on_demand::queue_sweep);
    }
}

impl CommandsQdelExt for Commands<'_, '_> {}
impl CommandsQdelExt for DeferredWorld<'_> {}

mod sealed {
    use bevy_ecs::{system::Commands, world::DeferredWorld};

    /// What [`CommandsQdelExt`](super::CommandsQdelExt) needs: a queue of commands.
    #[expect(unnameable_types, reason = "seals the trait")]
    pub trait Queue {
        fn queue_of_commands(&mut self) -> Commands<'_, '_>;
    }

    impl Queue for Commands<'_, '_> {
        fn queue_of_commands(&mut self) -> Commands<'_, '_> {
            self.reborrow()
        }
    }

    impl Queue for DeferredWorld<'_> {
        fn queue_of_commands(&mut self) -> Commands<'_, '_> {
            self.commands()
        }
    }
}

/// Returns a command that deletes `entity`.
pub(crate) fn later(
    entity: Entity,
    force: Force,
) -> impl FnOnce(&mut World) -> Result<(), BevyError> + Send + 'static {
    move |world| match worklist::qdel(world, Member::root(entity), force, Look::Shared) {
        Ok(_) => Ok(()),
        Err(error) => Err(warning(error)),
    }
}

/// Deletes `entities` for a command, which reports the first that cannot be deleted.
pub(crate) fn batch(
    world: &mut World,
    entities: Vec<Entity>,
    force: Force,
) -> Result<(), BevyError> {
    if entities.is_empty() {
        return Ok(());
    }
    let batch = worklist::qdel_batch(world, entities, force, Look::Shared);
    match batch.refused.into_iter().next() {
        None => Ok(()),
        Some(error) => Err(warning(error)),
    }
}
