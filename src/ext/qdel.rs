//! The verbs of deletion on a world.

use bevy_ecs::{
    entity::Entity,
    error::BevyError,
    system::Commands,
    world::{DeferredWorld, World},
};

use crate::{
    deletion::{
        batch_outcome::QdelBatch,
        look_before_asking::Look,
        mark::Force,
        outcome::Qdel,
        owned::Member,
        plan::{self, PlannedRefusal, QdelPlan},
        queue::Goal,
        sweep_in_flush,
        timer::{QdelTimer, QdelTimerExt},
        worklist,
    },
    error::{QdelError, warning},
    ext::field,
};

/// Orderly deletion, on a [`World`].
pub trait QdelExt {
    /// Deletes `entity` and everything it owns, in order.
    ///
    /// What it owns are the sources of all relationships with `linked_spawn`, such as `Children`.
    /// All are asked first ([`PreQdel`](crate::PreQdel)); then all are hidden from queries, and
    /// their listeners are told ([`Qdeleting`](crate::Qdeleting)), owner before owned, and their
    /// components destroyed ([`Destroy`](crate::Destroy)). They are torn down at the end of the
    /// frame, owned before owner. Commands that handlers queue are applied when all is told.
    ///
    /// Called by a command of a handler, it asks and marks at once, and its listeners are told
    /// next.
    ///
    /// # Errors
    ///
    /// Returns [`QdelError::NotSpawned`] if `entity` is not in the world, and
    /// [`QdelError::Resource`] if it or something it owns holds a resource, which Bevy does not
    /// despawn, and [`QdelError::Denied`] if a declared reference refuses to lose it
    /// ([`Policy::Deny`](crate::Policy::Deny)). Nothing has happened then. A field refuses as soon
    /// as it is written; by a command, a field that another command of the same flush has written
    /// may not be known yet.
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
    #[doc(alias(
        "delete",
        "deleteLater",
        "despawn",
        "destroy",
        "destruct",
        "free",
        "queue_free"
    ))]
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
    /// assert_eq!(world.qdel(king), Ok(Qdel::Vetoed { on: king }));
    /// assert_eq!(world.force_qdel(king), Ok(Qdel::Queued));
    /// ```
    fn force_qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError>;

    /// Deletes `entities` and everything they own, in one go.
    ///
    /// All are asked about first, each once. An entity stays if what it owns or itself vetoes its
    /// deletion, or if it is refused (by a veto, or by a declared reference) by an entity that
    /// stays. An entity that goes as well refuses nothing, so the order of `entities` does not
    /// matter. Then all that go are marked, all are told, and all are destroyed: handlers see that
    /// the others go too.
    ///
    /// # Panics
    ///
    /// As [`qdel`](Self::qdel). A handler of [`PreQdel`](crate::PreQdel) that panics counts as a
    /// veto, and does not save the others.
    ///
    /// # Complexity
    ///
    /// Linear in the number of entities, listeners and refusals, and cheaper than one `qdel` after
    /// the other.
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
    /// let batch = world.qdel_batch([goblin, orc, goblin]);
    ///
    /// assert_eq!(batch.queued, [goblin, orc]);
    /// assert_eq!(batch.already_deleting, [goblin]);
    /// ```
    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatch;

    /// Deletes `entities` as [`qdel_batch`](Self::qdel_batch) does, and shows everybody that it is
    /// forced.
    ///
    /// # Panics
    ///
    /// As [`qdel_batch`](Self::qdel_batch).
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
    /// assert_eq!(world.qdel_batch([king]).vetoed, [king]);
    /// assert_eq!(world.force_qdel_batch([king]).queued, [king]);
    /// ```
    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatch;

    /// Says what [`qdel`](Self::qdel) of `entity` would do, without doing it.
    ///
    /// The handlers of [`PreQdel`](crate::PreQdel) are asked, who can only look. Nobody else is
    /// called. Declared fields that were written are read and linked to what they name, which may
    /// mark that as a target ([`Signals`](crate::Signals)).
    ///
    /// # Errors
    ///
    /// As [`qdel`](Self::qdel).
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of a handler of [`PreQdel`](crate::PreQdel).
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
    /// let plan = world.plan_qdel(goblin)?;
    ///
    /// assert_eq!(
    ///     plan.to_string(),
    ///     format!(
    ///         "qdel of {goblin} tells no listeners, destroys no components, releases no references and deletes 2 entities\n\
    ///          {goblin}\n\
    ///          {purse}, owned by {goblin}"
    ///     )
    /// );
    /// assert_eq!(world.liveness(goblin), Liveness::Alive);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn plan_qdel(&mut self, entity: Entity) -> Result<QdelPlan, QdelError>;

    /// Says what [`force_qdel`](Self::force_qdel) of `entity` would do, as
    /// [`plan_qdel`](Self::plan_qdel) does.
    ///
    /// # Errors
    ///
    /// As [`qdel`](Self::qdel).
    ///
    /// # Panics
    ///
    /// As [`plan_qdel`](Self::plan_qdel).
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
    /// assert_eq!(world.plan_qdel(king)?.answer, Qdel::Vetoed { on: king });
    /// assert_eq!(world.plan_force_qdel(king)?.answer, Qdel::Queued);
    /// assert_eq!(world.liveness(king), Liveness::Alive);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn plan_force_qdel(&mut self, entity: Entity) -> Result<QdelPlan, QdelError>;

    /// Says which declared references refuse a deletion of `entity`, each with its path: what
    /// [`QdelError::Denied`] is about. Empty if none does.
    ///
    /// # Complexity
    ///
    /// Linear in the number of entities that would go, and of the components that name them, after
    /// a look at the change ticks of all tracked components whose type may refuse.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component, References)]
    /// struct Bank {
    ///     #[references(deny)]
    ///     vault: Option<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// world.track_references::<Bank>();
    /// let vault = world.spawn_empty().id();
    /// let bank = world.spawn(Bank { vault: Some(vault) }).id();
    ///
    /// let refusals = world.plan_refusals(vault);
    ///
    /// assert_eq!((refusals[0].holder, refusals[0].target), (bank, vault));
    /// assert!(world.plan_refusals(bank).is_empty());
    /// ```
    fn plan_refusals(&mut self, entity: Entity) -> Vec<PlannedRefusal>;

    /// Tears down what was deleted before this call, and returns how many entities that were.
    ///
    /// With [`Teardown::Budget`](crate::Teardown::Budget) it stops when the time is spent, and the
    /// next call goes on from there; [`drain_qdel`](Self::drain_qdel) does not.
    ///
    /// The plugin calls it in `Last`. What is deleted meanwhile waits for the next call, but what
    /// joins an owner that is torn down, and cannot be asked any more, goes with it and is told.
    /// Called inside a deletion, by a command, it returns 0, and that deletion tears down when it
    /// has told everybody.
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of a hook or observer, after the rest was torn down. An entity
    /// whose hook panicked is tried again at the next flush.
    ///
    /// A component that panics when it is *dropped* is another matter: Bevy leaves its table half
    /// dropped. The panic goes out at once, and nothing is torn down in that world any more, by
    /// whatever means: what waits goes on waiting, this returns 0, and an error is logged once that
    /// says why. In a table like that, some values of two entities have been dropped and can still
    /// be reached, so read nothing of that kind, do not drop the world (`mem::forget` it, or end
    /// the process), and mend the `Drop`.
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
    /// world.qdel(goblin)?;
    ///
    /// assert_eq!(world.flush_qdel(), 2);
    /// assert_eq!(world.flush_qdel(), 0);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    #[doc(alias("SSgarbage", "garbage"))]
    fn flush_qdel(&mut self) -> usize;

    /// Tears down all that was deleted, whatever the budget and also what is deleted meanwhile, and
    /// returns how many entities that were.
    ///
    /// For a loading screen, or the end of a level.
    ///
    /// # Panics
    ///
    /// As [`flush_qdel`](Self::flush_qdel).
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let budget = Teardown::Budget(Duration::ZERO);
    /// world.insert_resource(QdelSettings::default().with_teardown(budget));
    /// let level: Vec<_> = (0..1_000).map(|_| world.spawn_empty().id()).collect();
    /// world.qdel_batch(level);
    ///
    /// assert_eq!(world.drain_qdel(), 1_000);
    /// ```
    fn drain_qdel(&mut self) -> usize;

    /// Deletes everything but resources and observers, tears it down, and returns how many entities
    /// that were.
    ///
    /// For a world that is about to be dropped: dropping tells nobody. All are told, owner before
    /// owned, with [`force`](crate::Qdeleting::force), before the first is torn down. Nobody is
    /// asked: there is no veto.
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
    #[doc(alias("clear", "clear_entities"))]
    fn shutdown_qdel(&mut self) -> usize;
}

impl QdelExt for World {
    fn qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError> {
        worklist::qdel(self, Member::root(entity), Force::No, Look::Afresh)
    }

    fn force_qdel(&mut self, entity: Entity) -> Result<Qdel, QdelError> {
        worklist::qdel(self, Member::root(entity), Force::Yes, Look::Afresh)
    }

    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatch {
        worklist::qdel_batch(self, entities, Force::No, Look::Afresh)
    }

    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatch {
        worklist::qdel_batch(self, entities, Force::Yes, Look::Afresh)
    }

    fn plan_qdel(&mut self, entity: Entity) -> Result<QdelPlan, QdelError> {
        plan::plan(self, entity, Force::No)
    }

    fn plan_refusals(&mut self, entity: Entity) -> Vec<PlannedRefusal> {
        plan::plan_refusals(self, entity)
    }

    fn plan_force_qdel(&mut self, entity: Entity) -> Result<QdelPlan, QdelError> {
        plan::plan(self, entity, Force::Yes)
    }

    fn flush_qdel(&mut self) -> usize {
        worklist::flush(self, Goal::TearDownWaiting)
    }

    fn drain_qdel(&mut self) -> usize {
        worklist::flush(self, Goal::Drain)
    }

    fn shutdown_qdel(&mut self) -> usize {
        worklist::shut_down(self)
    }
}

/// Orderly deletion from a [`DeferredWorld`]: in hooks, handlers and observers.
pub trait DeferredWorldQdelExt {
    /// Deletes `entity` when commands are applied. See [`QdelExt::qdel`].
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
    ///     world.queue_qdel(target);
    /// });
    /// let wall = world.spawn_empty().id();
    /// let bomb = world.spawn(Bomb { target: wall }).id();
    ///
    /// world.despawn(bomb);
    ///
    /// assert_eq!(world.liveness(wall), Liveness::Deleting);
    /// ```
    #[doc(alias("deleteLater", "despawn", "queue_free"))]
    fn queue_qdel(&mut self, entity: Entity);

    /// Deletes `entity` when commands are applied. See [`QdelExt::force_qdel`].
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
    ///     fn protect(&self, asked: Received<PreQdel>) -> Verdict {
    ///         if asked.force { Verdict::Allow } else { Verdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// DeferredWorld::from(&mut world).queue_force_qdel(king);
    /// world.flush();
    ///
    /// assert_eq!(world.liveness(king), Liveness::Deleting);
    /// ```
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
pub(crate) fn later(
    entity: Entity,
    force: Force,
) -> impl FnOnce(&mut World) -> Result<(), BevyError> + Send + 'static {
    move |world| match worklist::qdel(world, Member::root(entity), force, Look::Shared) {
        Ok(_) => Ok(()),
        Err(error) => Err(warning(error)),
    }
}

/// Orderly deletion by commands of more than one entity.
pub trait CommandsQdelExt {
    /// Deletes `entities` and everything they own in one go. See [`QdelExt::qdel_batch`].
    ///
    /// The first that cannot be deleted is an error that goes to Bevy's error handler with
    /// `Severity::Warning`.
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
    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>);

    /// Deletes `entities` in one go and shows everybody that it is forced. See
    /// [`QdelExt::force_qdel_batch`].
    ///
    /// Errors are reported as those of [`qdel_batch`](Self::qdel_batch).
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
    /// world.commands().force_qdel_batch([king]);
    /// world.flush();
    ///
    /// assert_eq!(world.liveness(king), Liveness::Deleting);
    /// ```
    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>);

    /// Has declared references let go of what is lost. See
    /// [`WorldReferencesExt::sync_references`](crate::WorldReferencesExt::sync_references).
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
    fn sync_references(&mut self);

    /// Has the next flushes sweep for all who are gone. See
    /// [`SweepExt::request_sweep`](crate::SweepExt::request_sweep).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// use qdel::SweepFinished;
    ///
    /// #[derive(Resource, Default)]
    /// struct Sweeps(usize);
    ///
    /// let mut world = World::new();
    /// world.init_resource::<Sweeps>();
    /// world.add_observer(|_: On<SweepFinished>, mut sweeps: ResMut<Sweeps>| sweeps.0 += 1);
    ///
    /// world.commands().request_sweep();
    /// world.flush();
    /// world.flush_qdel();
    ///
    /// assert_eq!(world.resource::<Sweeps>().0, 1);
    /// ```
    fn request_sweep(&mut self);

    /// Stops a timer. See [`QdelTimerExt::cancel_qdel`](crate::QdelTimerExt::cancel_qdel).
    ///
    /// It is no error if it is not running any more.
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
    fn cancel_qdel(&mut self, timer: QdelTimer);
}

impl CommandsQdelExt for Commands<'_, '_> {
    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) {
        let entities: Vec<_> = entities.into_iter().collect();
        self.queue(move |world: &mut World| field::batch(world, entities, Force::No));
    }

    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) {
        let entities: Vec<_> = entities.into_iter().collect();
        self.queue(move |world: &mut World| field::batch(world, entities, Force::Yes));
    }

    fn sync_references(&mut self) {
        self.queue(worklist::sync_references);
    }

    fn request_sweep(&mut self) {
        self.queue(sweep_in_flush::request_sweep);
    }

    fn cancel_qdel(&mut self, timer: QdelTimer) {
        self.queue(move |world: &mut World| {
            // Its time may be up by now.
            let _ = QdelTimerExt::cancel_qdel(world, timer);
        });
    }
}
