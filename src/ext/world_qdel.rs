//! The verbs of deletion on a world.

use core::time::Duration;

use bevy_ecs::{component::Component, entity::Entity, world::World};

use crate::{
    deletion::{
        batch_outcome::QdelBatchOutcome,
        counting,
        destroy::{self, Destroy},
        goal::Goal,
        looked::Look,
        mark::Force,
        outcome::QdelOutcome,
        owned::Member,
        plan::{self, QdelPlan},
        prepare, shut_down,
        timer::{self, QdelTimer},
        worklist,
    },
    error::{CancelError, QdelError},
    signal::{listener, target_kind},
    statistics::report::Statistics,
};

/// Orderly deletion, on a [`World`].
///
/// | to | call |
/// | --- | --- |
/// | delete | [`qdel`](Self::qdel), [`qdel_batch`](Self::qdel_batch), and both with `force_` |
/// | end a frame | [`flush_qdel`](Self::flush_qdel); [`drain_qdel`](Self::drain_qdel) |
/// | end a world | [`shutdown_qdel`](Self::shutdown_qdel) |
/// | delete later | [`qdel_in`](Self::qdel_in), [`cancel_qdel`](Self::cancel_qdel) |
/// | ask what a deletion would do | [`plan_qdel`](Self::plan_qdel) |
/// | make types known | [`register_destroy`](Self::register_destroy) and what follows it |
/// | count | [`qdel_statistics`](Self::qdel_statistics) |
///
/// [`CommandsQdelExt`](crate::CommandsQdelExt) and
/// [`EntityCommandsQdelExt`](crate::EntityCommandsQdelExt) delete from systems.
pub trait WorldQdelExt {
    /// Deletes `entity` and everything it owns, in order.
    ///
    /// It owns the sources of all relationships with `linked_spawn`, such as its `Children`.
    ///
    /// 1. All are asked ([`PreQdel`](crate::PreQdel)). One veto stops the deletion.
    /// 2. All are hidden from queries.
    /// 3. Their listeners are told ([`Qdeleting`](crate::Qdeleting)), owner before owned, and their
    ///    components are destroyed ([`Destroy`](crate::Destroy)).
    /// 4. Declared references to them are released ([`References`](crate::References)).
    /// 5. They are torn down at the end of the frame, owned before owner.
    ///
    /// Commands that handlers queue are applied after the last listener has been told. A deletion
    /// that such a command begins asks and marks at once, and tells its listeners next.
    ///
    /// # Errors
    ///
    /// Nothing has happened when one of these is returned:
    ///
    /// - [`QdelError::NotSpawned`] if `entity` is not in the world;
    /// - [`QdelError::Resource`] if `entity`, or something it owns, holds a resource;
    /// - [`QdelError::Denied`] if a declared reference refuses to lose it
    ///   ([`OnLoss::Deny`](crate::reference::OnLoss::Deny)).
    ///
    /// A field refuses as soon as it is written. A deletion by command may miss a field that
    /// another command of the same flush has written.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a handler or observer, after all listeners have been told.
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
    /// assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));
    /// assert_eq!(world.qdel(goblin), Ok(QdelOutcome::AlreadyDeleting));
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
    fn qdel(&mut self, entity: Entity) -> Result<QdelOutcome, QdelError>;

    /// Deletes `entity` as [`qdel`](Self::qdel) does, and marks the deletion as forced.
    ///
    /// It does not overrule a veto by itself: handlers see the mark
    /// ([`PreQdel::force`](crate::PreQdel)) and decide.
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
    ///     fn protect(&self, asked: Received<PreQdel>) -> QdelVerdict {
    ///         if asked.force { QdelVerdict::Allow } else { QdelVerdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// assert_eq!(world.qdel(king), Ok(QdelOutcome::Vetoed { on: king }));
    /// assert_eq!(world.force_qdel(king), Ok(QdelOutcome::Queued));
    /// ```
    fn force_qdel(&mut self, entity: Entity) -> Result<QdelOutcome, QdelError>;

    /// Deletes `entities` and everything they own, together.
    ///
    /// All are asked first, each once. An entity stays if there is a veto on it or on something it
    /// owns. It also stays if it is refused by an entity that stays, by a veto or by a declared
    /// reference. An entity of the same batch that goes refuses nothing, so the order of `entities`
    /// does not matter.
    ///
    /// Then all that go are marked, all are told, and all are destroyed. Handlers see that the
    /// others go too.
    ///
    /// # Panics
    ///
    /// As [`qdel`](Self::qdel). A handler of [`PreQdel`](crate::PreQdel) that panics counts as a
    /// veto, and the other entities still go.
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
    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatchOutcome;

    /// Deletes `entities` as [`qdel_batch`](Self::qdel_batch) does, and marks the deletions as
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
    ///     fn protect(&self, asked: Received<PreQdel>) -> QdelVerdict {
    ///         if asked.force { QdelVerdict::Allow } else { QdelVerdict::Veto }
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
    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatchOutcome;

    /// Tears down what was deleted before this call, and returns the number of entities.
    ///
    /// The plugin calls it in `Last`. With [`Teardown::Budget`](crate::Teardown::Budget) it stops
    /// when the time is spent, and the next call goes on from there.
    /// [`drain_qdel`](Self::drain_qdel) does not stop.
    ///
    /// What is deleted meanwhile waits for the next call. An entity that joins an owner which is
    /// being torn down goes with it: it is told, and not asked.
    ///
    /// Called inside a deletion, by a command, it returns 0. That deletion tears down after it has
    /// told all listeners.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a hook or observer, after the rest was torn down. An entity whose
    /// hook panicked is tried again at the next flush.
    ///
    /// A component that panics when it is *dropped* is worse: Bevy leaves its table half dropped.
    /// The panic is resumed at once, and nothing is torn down in that world any more. What waits
    /// goes on waiting, this returns 0, and an error that says why is logged once.
    ///
    /// In such a table some values have been dropped and can still be reached. So read no component
    /// of that table, and do not drop the world: end the process, or `mem::forget` the world. Then
    /// mend the `Drop`.
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

    /// Tears down all that was deleted, without regard to the budget, and returns the number of
    /// entities.
    ///
    /// What is deleted meanwhile is torn down as well. Use it behind a loading screen, or at the
    /// end of a level.
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

    /// Deletes and tears down all entities but resources and observers, and returns their number.
    ///
    /// Call it before you drop a world, because dropping tells nothing. All listeners are told,
    /// owner before owned, with [`force`](crate::Qdeleting::force), before the first entity is torn
    /// down. [`PreQdel`](crate::PreQdel) is not asked: there is no veto.
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

    /// Deletes `entity` when `delay` has passed.
    ///
    /// With the plugin and the feature `bevy_time`, time is that of Bevy's `Time`, which can be
    /// paused and slowed down. Otherwise it passes when you call
    /// [`advance_qdel_timers`](Self::advance_qdel_timers). A delay of zero is over the next time
    /// that time passes.
    ///
    /// The entity is held weakly: if it goes before, the timer goes with it. An entity may have
    /// several timers. A veto uses up the timer, as a deletion does.
    ///
    /// # Errors
    ///
    /// Returns [`QdelError::NotSpawned`] if `entity` is not in the world, and
    /// [`QdelError::Resource`] if it holds a resource.
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of timers.
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
    /// world.qdel_in(corpse, Duration::from_secs(10))?;
    ///
    /// world.advance_qdel_timers(Duration::from_secs(9));
    /// assert_eq!(world.liveness(corpse), Liveness::Alive);
    ///
    /// world.advance_qdel_timers(Duration::from_secs(1));
    /// assert_eq!(world.liveness(corpse), Liveness::Deleting);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    #[doc(alias("QDEL_IN", "QDEL_IN_STOPPABLE", "create_timer", "singleShot", "timer"))]
    fn qdel_in(&mut self, entity: Entity, delay: Duration) -> Result<QdelTimer, QdelError>;

    /// Stops a timer.
    ///
    /// # Errors
    ///
    /// Returns [`CancelError::NotRunning`] if its time was up, it was cancelled before, or its
    /// entity is gone.
    ///
    /// # Complexity
    ///
    /// Logarithmic in the number of timers.
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
    /// world.cancel_qdel(timer)?;
    /// world.advance_qdel_timers(Duration::from_secs(10));
    ///
    /// assert_eq!(world.liveness(corpse), Liveness::Alive);
    /// assert!(world.cancel_qdel(timer).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn cancel_qdel(&mut self, timer: QdelTimer) -> Result<(), CancelError>;

    /// Lets `time` pass for the timers, and deletes the entities whose time is up, as one batch.
    ///
    /// The batch is in order of time. With the feature `bevy_time`, the plugin calls this in
    /// `PreUpdate` if there is a `Time`.
    ///
    /// # Panics
    ///
    /// As [`qdel_batch`](Self::qdel_batch).
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
    /// world.qdel_in(corpse, Duration::from_secs(10))?;
    ///
    /// let batch = world.advance_qdel_timers(Duration::from_secs(10));
    ///
    /// assert_eq!(batch.queued, [corpse]);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn advance_qdel_timers(&mut self, time: Duration) -> QdelBatchOutcome;

    /// Returns all timers that are running, each with the time that is left, in order of time.
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
    /// world.advance_qdel_timers(Duration::from_secs(4));
    ///
    /// assert_eq!(world.qdel_timers(), [(timer, Duration::from_secs(6))]);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn qdel_timers(&self) -> Vec<(QdelTimer, Duration)>;

    /// Returns what [`qdel`](Self::qdel) of `entity` would do, without doing it.
    ///
    /// The handlers of [`PreQdel`](crate::PreQdel) are asked, which can only look. No other handler
    /// is called. Declared fields that were written are read and linked to what they name. That may
    /// insert the mark of a target, [`SignalTarget`](crate::SignalTarget).
    ///
    /// [`QdelPlan::answer`] is what `qdel` would return, and [`QdelPlan::refusals`] lists all
    /// declared references that refuse it, each with its path.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a handler of [`PreQdel`](crate::PreQdel).
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
    /// let plan = world.plan_qdel(goblin);
    ///
    /// assert_eq!(
    ///     plan.to_string(),
    ///     format!(
    ///         "qdel of {goblin} tells no listeners, destroys no components, \
    ///          releases no references and deletes 2 entities\n\
    ///          {goblin}\n\
    ///          {purse}, owned by {goblin}"
    ///     )
    /// );
    /// assert_eq!(world.liveness(goblin), Liveness::Alive);
    /// ```
    ///
    /// A plan lists what refuses:
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
    /// let plan = world.plan_qdel(vault);
    ///
    /// assert!(plan.answer.is_err());
    /// assert_eq!((plan.refusals[0].holder, plan.refusals[0].target), (bank, vault));
    /// assert!(world.plan_qdel(bank).refusals.is_empty());
    /// ```
    fn plan_qdel(&mut self, entity: Entity) -> QdelPlan;

    /// Returns what [`force_qdel`](Self::force_qdel) of `entity` would do, without doing it.
    ///
    /// See [`plan_qdel`](Self::plan_qdel).
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
    ///     fn protect(&self, asked: Received<PreQdel>) -> QdelVerdict {
    ///         if asked.force { QdelVerdict::Allow } else { QdelVerdict::Veto }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let king = world.spawn(Blessing).id();
    /// world.register_signal(king, king, Blessing::protect).unwrap();
    ///
    /// assert_eq!(world.plan_qdel(king).answer, Ok(QdelOutcome::Vetoed { on: king }));
    /// assert_eq!(world.plan_force_qdel(king).answer, Ok(QdelOutcome::Queued));
    /// assert_eq!(world.liveness(king), Liveness::Alive);
    /// ```
    fn plan_force_qdel(&mut self, entity: Entity) -> QdelPlan;

    /// Calls [`Destroy`] for each `C` whose entity is deleted from now on.
    ///
    /// A second call does no harm. Register before the first `C` is spawned where you can. Then a
    /// hook, and not an observer, notices a `C` that comes late to a deletion, which makes each
    /// insert of a `C` cheaper.
    ///
    /// # Panics
    ///
    /// Panics if the parameters of `C` contradict each other or access `C`, as a system with them
    /// would.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Socket;
    ///
    /// impl Destroy for Socket {
    ///     type Param = ResMut<'static, Open>;
    ///
    ///     fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
    ///         going.param.0 -= 1;
    ///         DestroyHint::Queue
    ///     }
    /// }
    ///
    /// #[derive(Resource)]
    /// struct Open(u32);
    ///
    /// let mut world = World::new();
    /// world.register_destroy::<Socket>();
    /// world.insert_resource(Open(1));
    /// let server = world.spawn(Socket).id();
    ///
    /// world.qdel(server)?;
    ///
    /// assert_eq!(world.resource::<Open>().0, 0);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn register_destroy<C: Destroy>(&mut self) -> &mut Self;

    /// Watches for the end of each `C` by a component hook.
    ///
    /// That is cheaper than the observer that the first registration would otherwise add. It saves
    /// about 180 instructions for each listener that goes away, a sixth of its despawn (`cargo
    /// bench --bench fan_out`, listener delete, `qdel_req` against `qdel`).
    ///
    /// Call it before the first `C` is spawned: Bevy gives hooks only to components that no entity
    /// has had. A later call does no harm. If the component has an `on_remove` hook of its own,
    /// that stays, and an observer is used beside it.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Mob { target: Option<Entity> }
    ///
    /// impl Mob {
    ///     fn clear_target(&mut self, _: Received<Qdeleting>) {
    ///         self.target = None;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// world.register_listener::<Mob>();
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    ///
    /// world.despawn(archer);
    ///
    /// assert!(world.registrations_on(goblin).is_empty());
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn register_listener<C: Component>(&mut self) -> &mut Self;

    /// Lets entities with a `C` be listened to as they are, by component hooks.
    ///
    /// Otherwise the first registration on an entity inserts a
    /// [`SignalTarget`](crate::SignalTarget), which is a change of archetype, or the entity has one
    /// from its spawn on. With this call, hooks of the `C` do what those of the `SignalTarget` do.
    /// So the first registration costs no more than the next, and a target has no component in a
    /// sparse set that is removed when it goes (`cargo bench --bench fan_out`, register, notify
    /// delete and unheard delete, `qdel_target` against `qdel` and `qdel_req`).
    ///
    /// Nothing else changes. An entity that loses its `C` keeps the registrations on it, and gets a
    /// `SignalTarget`. [`register_listener`](Self::register_listener) can be called for the same
    /// component, before or after.
    ///
    /// Call it before the first `C` is spawned: Bevy gives hooks only to components that no entity
    /// has had. If it comes later, or the component has a hook of its own that runs at its end, a
    /// warning says so, and all is as without the call.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::{SignalTarget, prelude::*};
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// #[derive(Component)]
    /// struct Mob { target: Option<Entity> }
    ///
    /// impl Mob {
    ///     fn clear_target(&mut self, _: Received<Qdeleting>) {
    ///         self.target = None;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// world.register_target::<Goblin>();
    /// let goblin = world.spawn(Goblin).id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    ///
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    /// assert!(!world.entity(goblin).contains::<SignalTarget>());
    ///
    /// world.despawn(goblin);
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn register_target<C: Component>(&mut self) -> &mut Self;

    /// Counts what deletions of entities with an `M` do and cost, apart from the other entities.
    ///
    /// Deletions before this call count for the others. A second call does no harm.
    ///
    /// # Complexity
    ///
    /// Each deletion of an entity looks through the registered markers, in the order of their
    /// registration, up to the first that the entity has.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// let mut world = World::new();
    /// world.register_qdel_kind::<Goblin>();
    /// let goblin = world.spawn(Goblin).id();
    ///
    /// world.qdel(goblin)?;
    /// let statistics = world.qdel_statistics();
    /// assert_eq!(statistics.kind::<Goblin>().unwrap().counts.deleted, 1);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn register_qdel_kind<M: Component>(&mut self) -> &mut Self;

    /// Returns what deletions did and cost: of each kind, worst first, and of the others.
    ///
    /// Its `Display` is a table.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// let mut world = World::new();
    /// world.register_qdel_kind::<Goblin>();
    /// let goblin = world.spawn(Goblin).id();
    /// world.qdel(goblin)?;
    ///
    /// let statistics = world.qdel_statistics();
    ///
    /// assert_eq!(statistics.kinds[0].counts.deleted, 1);
    /// assert_eq!(statistics.waiting, 1); // for its tear-down
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn qdel_statistics(&self) -> Statistics;

    /// Sets all counts to zero: all kinds, the others, the fields with leftovers, and
    /// [`QdelCounts`](crate::statistics::QdelCounts).
    ///
    /// The kinds stay registered. An entity that was deleted before and is torn down after this
    /// counts as torn down.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// struct Goblin;
    ///
    /// let mut world = World::new();
    /// world.register_qdel_kind::<Goblin>();
    /// let goblin = world.spawn(Goblin).id();
    /// world.qdel(goblin)?;
    ///
    /// world.reset_qdel_statistics();
    ///
    /// let statistics = world.qdel_statistics();
    /// assert_eq!(statistics.kind::<Goblin>().unwrap().counts.deleted, 0);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    fn reset_qdel_statistics(&mut self);
}

impl WorldQdelExt for World {
    fn qdel(&mut self, entity: Entity) -> Result<QdelOutcome, QdelError> {
        worklist::qdel(self, Member::root(entity), Force::No, Look::Afresh)
    }

    fn force_qdel(&mut self, entity: Entity) -> Result<QdelOutcome, QdelError> {
        worklist::qdel(self, Member::root(entity), Force::Yes, Look::Afresh)
    }

    fn qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatchOutcome {
        worklist::qdel_batch(self, entities, Force::No, Look::Afresh)
    }

    fn force_qdel_batch(&mut self, entities: impl IntoIterator<Item = Entity>) -> QdelBatchOutcome {
        worklist::qdel_batch(self, entities, Force::Yes, Look::Afresh)
    }

    fn flush_qdel(&mut self) -> usize {
        worklist::flush(self, Goal::TearDownWaiting)
    }

    fn drain_qdel(&mut self) -> usize {
        worklist::flush(self, Goal::Drain)
    }

    fn shutdown_qdel(&mut self) -> usize {
        shut_down::shut_down(self)
    }

    fn qdel_in(&mut self, entity: Entity, delay: Duration) -> Result<QdelTimer, QdelError> {
        timer::qdel_in(self, entity, delay)
    }

    fn cancel_qdel(&mut self, timer: QdelTimer) -> Result<(), CancelError> {
        timer::cancel(self, timer)
    }

    fn advance_qdel_timers(&mut self, time: Duration) -> QdelBatchOutcome {
        timer::advance(self, time)
    }

    fn qdel_timers(&self) -> Vec<(QdelTimer, Duration)> {
        timer::running(self)
    }

    fn plan_qdel(&mut self, entity: Entity) -> QdelPlan {
        plan::plan(self, entity, Force::No)
    }

    fn plan_force_qdel(&mut self, entity: Entity) -> QdelPlan {
        plan::plan(self, entity, Force::Yes)
    }

    fn register_destroy<C: Destroy>(&mut self) -> &mut Self {
        destroy::register::<C>(self);
        self
    }

    fn register_listener<C: Component>(&mut self) -> &mut Self {
        listener::watch_removals::<C>(self);
        self
    }

    fn register_target<C: Component>(&mut self) -> &mut Self {
        if target_kind::register_target::<C>(self) {
            prepare::know_targets(self);
        }
        self
    }

    fn register_qdel_kind<M: Component>(&mut self) -> &mut Self {
        counting::register_kind::<M>(self);
        self
    }

    fn qdel_statistics(&self) -> Statistics {
        counting::statistics(self)
    }

    fn reset_qdel_statistics(&mut self) {
        counting::reset(self);
    }
}
