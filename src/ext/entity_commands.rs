//! The verbs on an entity of commands.

use core::time::Duration;

use bevy_ecs::{
    component::Component,
    entity::Entity,
    error::{BevyError, Severity},
    system::EntityCommands,
    world::World,
};

use crate::{
    books::enter::OnDuplicate,
    deletion::{
        mark::Force,
        timer::{self, QdelTimer},
    },
    ext::{commands::later, world_signal::WorldSignalExt},
    signal::{
        Signal,
        handler::SignalHandler,
        register::{self, Subject},
        retarget,
    },
};

/// The verbs of [`WorldQdelExt`](crate::WorldQdelExt) and [`WorldSignalExt`] on the entity at hand,
/// by commands.
///
/// # Errors
///
/// Errors go to Bevy's error handler, which logs them by default: none of them panics. They are
/// seen there and nowhere else.
///
/// - `Warning`: a deletion of an entity that is gone or holds a resource; a refused registration.
/// - `Debug`: a listener that is gone or being deleted; unregistering what is not registered.
///
/// A second `qdel` of the same entity is no error.
///
/// A second registration of a component for a signal about one target is refused: the first handler
/// stays. The warning names both entities, the component and the signal. Use
/// [`replace_signal`](Self::replace_signal) where the new handler is meant.
///
/// # Order
///
/// Commands are applied in the order in which they were queued. `entity.register_signal(goblin,
/// Mob::clear_target).insert(Mob::default())` finds no `Mob` yet: nothing is registered, and the
/// warning is [`RegisterError::MissingComponent`](crate::RegisterError::MissingComponent). Insert
/// first, or spawn the entity with the component. Where there is a `Mob` already, it registers, and
/// the new value keeps the registration.
pub trait EntityCommandsQdelExt {
    /// Deletes this entity and everything it owns:
    /// [`WorldQdelExt::qdel`](crate::WorldQdelExt::qdel).
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

    /// Deletes this entity, and marks the deletion as forced:
    /// [`WorldQdelExt::force_qdel`](crate::WorldQdelExt::force_qdel).
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
    /// world.commands().entity(king).force_qdel();
    /// world.flush();
    ///
    /// assert_eq!(world.liveness(king), Liveness::Deleting);
    /// ```
    fn force_qdel(&mut self) -> &mut Self;

    /// Deletes this entity when `delay` has passed, and returns the handle that cancels it.
    ///
    /// The delay begins when the command is applied. See
    /// [`WorldQdelExt::qdel_in`](crate::WorldQdelExt::qdel_in).
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

    /// Registers `handler` of a component of this entity for a signal about `target`.
    ///
    /// If `target` is being deleted or gone when the command is applied, a handler for
    /// [`Qdeleting`](crate::Qdeleting) is called at once with
    /// [`QdelCause::AlreadyGone`](crate::QdelCause::AlreadyGone). So a system that picks a target
    /// and registers on it cannot miss its end.
    ///
    /// See [`WorldSignalExt::register_signal`].
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
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    ///
    /// // One system kills it, and another aims at it.
    /// world.commands().entity(goblin).despawn();
    /// world.commands().entity(archer).register_signal(goblin, Mob::clear_target);
    /// world.flush();
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// ```
    #[doc(alias("RegisterSignal", "connect", "observe", "subscribe"))]
    fn register_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self;

    /// Registers `handler` for one call: [`WorldSignalExt::register_signal_once`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// struct Hit(u32);
    ///
    /// impl Signal for Hit {
    ///     type Answer = ();
    /// }
    ///
    /// #[derive(Component, Default)]
    /// struct Armour { damage: u32 }
    ///
    /// impl Armour {
    ///     fn on_hit(&mut self, hit: Received<Hit>) {
    ///         self.damage += hit.0;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let knight = world.spawn(Armour::default()).id();
    /// world.commands().entity(knight).register_signal_once(knight, Armour::on_hit);
    /// world.flush();
    ///
    /// world.send_signal(knight, Hit(3));
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// ```
    fn register_signal_once<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> &mut Self;

    /// Makes sure that a component of this entity listens for a signal about `target`.
    ///
    /// See [`WorldSignalExt::ensure_signal`].
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
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    ///
    /// for _ in 0..2 {
    ///     world.commands().entity(archer).ensure_signal(goblin, Mob::clear_target);
    /// }
    /// world.flush();
    ///
    /// assert_eq!(world.registrations_on(goblin).len(), 1);
    /// ```
    fn ensure_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self;

    /// Registers `handler` in place of the one that its component has for its signal about
    /// `target`.
    ///
    /// See [`WorldSignalExt::replace_signal`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// struct Hit(u32);
    ///
    /// impl Signal for Hit {
    ///     type Answer = ();
    /// }
    ///
    /// #[derive(Component, Default)]
    /// struct Armour { damage: u32 }
    ///
    /// impl Armour {
    ///     fn on_hit(&mut self, hit: Received<Hit>) {
    ///         self.damage += hit.0;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let knight = world.spawn(Armour::default()).id();
    /// world.register_signal(knight, knight, Armour::on_hit)?;
    ///
    /// let doubled = |armour: &mut Armour, hit: Received<Hit>| armour.damage += 2 * hit.0;
    /// world.commands().entity(knight).replace_signal(knight, doubled);
    /// world.flush();
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 6);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn replace_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self;

    /// Moves the registration of this entity's `C` for the signal `S` from one target to another.
    ///
    /// If `to` is being deleted or gone when the command is applied, a registration for
    /// [`Qdeleting`](crate::Qdeleting) ends. Its handler is called at once with
    /// [`QdelCause::AlreadyGone`](crate::QdelCause::AlreadyGone).
    ///
    /// See [`WorldSignalExt::retarget_signal`].
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
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// let troll = world.spawn_empty().id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    ///
    /// world.commands().entity(archer).retarget_signal::<Mob, Qdeleting>(goblin, troll);
    /// world.flush();
    ///
    /// assert!(!world.has_listeners::<Qdeleting>(goblin));
    /// assert!(world.has_listeners::<Qdeleting>(troll));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn retarget_signal<C: Component, S: 'static>(&mut self, from: Entity, to: Entity) -> &mut Self;

    /// Ends the registration of this entity's `C` for the signal `S` about `target`, if there is
    /// one.
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
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    ///
    /// world.commands().entity(archer).unregister_signal::<Mob, Qdeleting>(goblin);
    /// world.commands().entity(goblin).despawn();
    /// world.flush();
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, Some(goblin));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("UnregisterSignal", "disconnect", "unobserve", "unsubscribe"))]
    fn unregister_signal<C: Component, S: 'static>(&mut self, target: Entity) -> &mut Self;

    /// Ends all registrations on this entity: [`WorldSignalExt::unregister_all`].
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
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    ///
    /// world.commands().entity(goblin).unregister_all().despawn();
    /// world.flush();
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, Some(goblin));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn unregister_all(&mut self) -> &mut Self;

    /// Sends `signal` about this entity to its listeners, and drops their answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// struct Hit(u32);
    ///
    /// impl Signal for Hit {
    ///     type Answer = ();
    /// }
    ///
    /// #[derive(Component, Default)]
    /// struct Armour { damage: u32 }
    ///
    /// impl Armour {
    ///     fn on_hit(&mut self, hit: Received<Hit>) {
    ///         self.damage += hit.0;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let knight = world.spawn(Armour::default()).id();
    /// world.register_signal(knight, knight, Armour::on_hit)?;
    ///
    /// world.commands().entity(knight).send_signal(Hit(3));
    /// world.flush();
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("SEND_SIGNAL", "emit", "publish", "trigger"))]
    fn send_signal<S: Signal>(&mut self, signal: S) -> &mut Self;

    /// Registers `handler` of a component of this entity for a global signal.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// struct Nightfall;
    ///
    /// impl Signal for Nightfall {
    ///     type Answer = ();
    /// }
    ///
    /// #[derive(Component)]
    /// struct Lamp { lit: bool }
    ///
    /// impl Lamp {
    ///     fn light(&mut self, _: Received<Nightfall>) {
    ///         self.lit = true;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let lamp = world.spawn(Lamp { lit: false }).id();
    /// world.commands().entity(lamp).register_global_signal(Lamp::light);
    /// world.flush();
    ///
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(world.get::<Lamp>(lamp).unwrap().lit);
    /// ```
    fn register_global_signal<Shape: 'static>(
        &mut self,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self;

    /// Ends the registration of this entity's `C` for the global signal `S`, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// struct Nightfall;
    ///
    /// impl Signal for Nightfall {
    ///     type Answer = ();
    /// }
    ///
    /// #[derive(Component)]
    /// struct Lamp { lit: bool }
    ///
    /// impl Lamp {
    ///     fn light(&mut self, _: Received<Nightfall>) {
    ///         self.lit = true;
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let lamp = world.spawn(Lamp { lit: false }).id();
    /// world.register_global_signal(lamp, Lamp::light)?;
    ///
    /// world.commands().entity(lamp).unregister_global_signal::<Lamp, Nightfall>();
    /// world.flush();
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(!world.get::<Lamp>(lamp).unwrap().lit);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn unregister_global_signal<C: Component, S: 'static>(&mut self) -> &mut Self;
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

    fn register_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, Subject::Entity(target), handler, OnDuplicate::Add)
    }

    fn register_signal_once<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> &mut Self {
        queue_registration(self, Subject::Entity(target), handler, OnDuplicate::AddOnce)
    }

    fn ensure_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, Subject::Entity(target), handler, OnDuplicate::Ensure)
    }

    fn replace_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, Subject::Entity(target), handler, OnDuplicate::Replace)
    }

    fn retarget_signal<C: Component, S: 'static>(&mut self, from: Entity, to: Entity) -> &mut Self {
        let listener = self.id();
        self.commands().queue(move |world: &mut World| {
            retarget::retarget_late::<C, S>(world, listener, from, to)
        });
        self
    }

    fn unregister_signal<C: Component, S: 'static>(&mut self, target: Entity) -> &mut Self {
        let listener = self.id();
        self.commands().queue(move |world: &mut World| {
            let ended = world.unregister_signal::<C, S>(listener, target);
            ended.map_err(|error| BevyError::from(error).with_severity(Severity::Debug))
        });
        self
    }

    fn unregister_all(&mut self) -> &mut Self {
        let target = self.id();
        self.commands().queue(move |world: &mut World| {
            world.unregister_all(target);
        });
        self
    }

    fn send_signal<S: Signal>(&mut self, signal: S) -> &mut Self {
        let target = self.id();
        self.commands().queue(move |world: &mut World| {
            world.send_signal(target, signal);
        });
        self
    }

    fn register_global_signal<Shape: 'static>(
        &mut self,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, Subject::World, handler, OnDuplicate::Add)
    }

    fn unregister_global_signal<C: Component, S: 'static>(&mut self) -> &mut Self {
        let listener = self.id();
        self.commands().queue(move |world: &mut World| {
            let ended = world.unregister_global_signal::<C, S>(listener);
            ended.map_err(|error| BevyError::from(error).with_severity(Severity::Debug))
        });
        self
    }
}

fn queue_registration<'a, 'c, Shape: 'static>(
    entity: &'a mut EntityCommands<'c>,
    subject: Subject,
    handler: impl SignalHandler<Shape>,
    on_duplicate: OnDuplicate,
) -> &'a mut EntityCommands<'c> {
    let listener = entity.id();
    entity.commands().queue(move |world: &mut World| {
        register::register_late(world, listener, subject, handler, on_duplicate)
    });
    entity
}
