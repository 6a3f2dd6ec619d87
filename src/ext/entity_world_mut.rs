//! The verbs on an entity of a world.

use bevy_ecs::{component::Component, entity::Entity, world::EntityWorldMut};

use crate::{
    deletion::outcome::QdelOutcome,
    error::{QdelError, RegisterError, RetargetError, UnregisterError},
    ext::{world_qdel::WorldQdelExt, world_signal::WorldSignalExt},
    registration::Registration,
    signal::{Question, Signal, handler::SignalHandler, outcome::Registered},
};

/// The verbs of [`WorldQdelExt`] and [`WorldSignalExt`] on the entity at hand, applied at once.
pub trait EntityWorldMutQdelExt {
    /// Deletes this entity and everything it owns: [`WorldQdelExt::qdel`].
    ///
    /// # Errors
    ///
    /// Returns [`QdelError::Resource`] if this entity, or something it owns, holds a resource, and
    /// [`QdelError::Denied`] if a declared reference refuses to lose it.
    ///
    /// # Panics
    ///
    /// As [`WorldQdelExt::qdel`].
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
    /// assert_eq!(goblin.qdel(), Ok(QdelOutcome::Queued));
    /// assert_eq!(world.liveness(id), Liveness::Deleting);
    /// ```
    #[doc(alias("delete", "despawn", "destroy", "destruct", "free"))]
    fn qdel(self) -> Result<QdelOutcome, QdelError>;

    /// Deletes this entity, and marks the deletion as forced:
    /// [`WorldQdelExt::force_qdel`].
    ///
    /// # Errors
    ///
    /// As [`qdel`](Self::qdel).
    ///
    /// # Panics
    ///
    /// As [`WorldQdelExt::qdel`].
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
    /// assert_eq!(world.entity_mut(king).force_qdel(), Ok(QdelOutcome::Queued));
    /// ```
    fn force_qdel(self) -> Result<QdelOutcome, QdelError>;

    /// Registers `handler` of a component of this entity for a signal about `target`.
    ///
    /// See [`WorldSignalExt::register_signal`].
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::register_signal`].
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
    /// world.entity_mut(archer).register_signal(goblin, Mob::clear_target)?;
    ///
    /// world.despawn(goblin);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("RegisterSignal", "connect", "observe", "subscribe"))]
    fn register_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError>;

    /// Registers `handler` for one call: [`WorldSignalExt::register_signal_once`].
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::register_signal`].
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
    /// world.entity_mut(knight).register_signal_once(knight, Armour::on_hit)?;
    ///
    /// world.send_signal(knight, Hit(3));
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn register_signal_once<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> Result<Registered, RegisterError>;

    /// Makes sure that a component of this entity listens for a signal about `target`.
    ///
    /// See [`WorldSignalExt::ensure_signal`].
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::ensure_signal`].
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
    ///     world.entity_mut(archer).ensure_signal(goblin, Mob::clear_target)?;
    /// }
    ///
    /// assert_eq!(world.registrations_on(goblin).len(), 1);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn ensure_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError>;

    /// Registers `handler` in place of the one that its component has for its signal about
    /// `target`.
    ///
    /// See [`WorldSignalExt::replace_signal`].
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::replace_signal`].
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
    /// world.entity_mut(knight).replace_signal(knight, doubled)?;
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 6);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn replace_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError>;

    /// Moves the registration of this entity's `C` for the signal `S` from one target to another.
    ///
    /// See [`WorldSignalExt::retarget_signal`].
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::retarget_signal`].
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
    /// world.entity_mut(archer).retarget_signal::<Mob, Qdeleting>(goblin, troll)?;
    ///
    /// assert!(!world.has_listeners::<Qdeleting>(goblin));
    /// assert!(world.has_listeners::<Qdeleting>(troll));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn retarget_signal<C: Component, S: 'static>(
        &mut self,
        from: Entity,
        to: Entity,
    ) -> Result<Registered, RetargetError>;

    /// Ends the registration of this entity's `C` for the signal `S` about `target`.
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::unregister_signal`].
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
    /// world.entity_mut(archer).unregister_signal::<Mob, Qdeleting>(goblin)?;
    /// world.despawn(goblin);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, Some(goblin));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[doc(alias("UnregisterSignal", "disconnect", "unobserve", "unsubscribe"))]
    fn unregister_signal<C: Component, S: 'static>(
        &mut self,
        target: Entity,
    ) -> Result<(), UnregisterError>;

    /// Ends all registrations on this entity, and returns their number.
    ///
    /// See [`WorldSignalExt::unregister_all`].
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
    /// assert_eq!(world.entity_mut(goblin).unregister_all(), 1);
    /// world.despawn(goblin);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, Some(goblin));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn unregister_all(&mut self) -> usize;

    /// Sends `signal` about this entity to its listeners, and returns their merged answer.
    ///
    /// See [`WorldSignalExt::send_signal`].
    ///
    /// # Panics
    ///
    /// As [`WorldSignalExt::send_signal`].
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
    ///     type Answer = bool; // `true` if a shield blocks it
    /// }
    ///
    /// #[derive(Component)]
    /// struct Shield { strength: u32 }
    ///
    /// impl Shield {
    ///     fn on_hit(&mut self, hit: Received<Hit>) -> bool {
    ///         self.strength >= hit.0
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let knight = world.spawn(Shield { strength: 5 }).id();
    /// world.register_signal(knight, knight, Shield::on_hit)?;
    ///
    /// assert!(world.entity_mut(knight).send_signal(Hit(3)));
    /// assert!(!world.entity_mut(knight).send_signal(Hit(8)));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("SEND_SIGNAL", "emit", "publish", "trigger"))]
    fn send_signal<S: Signal>(&mut self, signal: S) -> S::Answer;

    /// Sends the signal that `signal` returns, which is only called if this entity has a listener.
    ///
    /// See [`WorldSignalExt::send_signal_with`].
    ///
    /// # Panics
    ///
    /// As [`WorldSignalExt::send_signal`].
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
    ///
    /// world.entity_mut(knight).send_signal_with(|| -> Hit { unreachable!("no listener") });
    ///
    /// world.register_signal(knight, knight, Armour::on_hit)?;
    /// world.entity_mut(knight).send_signal_with(|| Hit(3));
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn send_signal_with<S: Signal>(&mut self, signal: impl FnOnce() -> S) -> S::Answer;

    /// Asks all listeners on this entity, and returns their merged answer.
    ///
    /// See [`WorldSignalExt::ask_signal`].
    ///
    /// # Panics
    ///
    /// As [`WorldSignalExt::ask_signal`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::{Question, prelude::*};
    ///
    /// struct MayPass;
    ///
    /// impl Question for MayPass {
    ///     type Answer = bool; // `true` if a guard says so
    /// }
    ///
    /// #[derive(Component)]
    /// struct Guard { bribed: bool }
    ///
    /// impl Guard {
    ///     fn on_question(&self, _: Received<MayPass>) -> bool {
    ///         self.bribed
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let gate = world.spawn_empty().id();
    /// let guard = world.spawn(Guard { bribed: true }).id();
    /// world.register_signal(guard, gate, Guard::on_question)?;
    ///
    /// assert!(world.entity_mut(gate).ask_signal(&MayPass));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn ask_signal<Q: Question>(&self, question: &Q) -> Q::Answer;

    /// Registers `handler` of a component of this entity for a global signal.
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::register_global_signal`].
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
    /// world.entity_mut(lamp).register_global_signal(Lamp::light)?;
    ///
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(world.get::<Lamp>(lamp).unwrap().lit);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn register_global_signal<Shape: 'static>(
        &mut self,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError>;

    /// Ends the registration of this entity's `C` for the global signal `S`.
    ///
    /// # Errors
    ///
    /// As [`WorldSignalExt::unregister_global_signal`].
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
    /// world.entity_mut(lamp).unregister_global_signal::<Lamp, Nightfall>()?;
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(!world.get::<Lamp>(lamp).unwrap().lit);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn unregister_global_signal<C: Component, S: 'static>(&mut self)
    -> Result<(), UnregisterError>;

    /// Returns `true` if there is a listener for `S` on this entity.
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
    /// assert!(world.entity_mut(goblin).has_listeners::<Qdeleting>());
    /// assert!(!world.entity_mut(archer).has_listeners::<Qdeleting>());
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn has_listeners<S: 'static>(&self) -> bool;

    /// Returns the registrations on this entity: [`WorldSignalExt::registrations_on`].
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
    /// assert_eq!(world.entity_mut(goblin).registrations_on()[0].listener, archer);
    /// assert!(world.entity_mut(archer).registrations_on().is_empty());
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn registrations_on(&self) -> Vec<Registration>;

    /// Returns the registrations of this entity's components: [`WorldSignalExt::registrations_of`].
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
    /// assert_eq!(world.entity_mut(archer).registrations_of()[0].target, goblin);
    /// assert!(world.entity_mut(goblin).registrations_of().is_empty());
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn registrations_of(&self) -> Vec<Registration>;
}

impl EntityWorldMutQdelExt for EntityWorldMut<'_> {
    fn qdel(self) -> Result<QdelOutcome, QdelError> {
        let entity = self.id();
        self.into_world_mut().qdel(entity)
    }

    fn force_qdel(self) -> Result<QdelOutcome, QdelError> {
        let entity = self.id();
        self.into_world_mut().force_qdel(entity)
    }

    fn register_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.register_signal(listener, target, handler))
    }

    fn register_signal_once<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> Result<Registered, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.register_signal_once(listener, target, handler))
    }

    fn ensure_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.ensure_signal(listener, target, handler))
    }

    fn replace_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.replace_signal(listener, target, handler))
    }

    fn retarget_signal<C: Component, S: 'static>(
        &mut self,
        from: Entity,
        to: Entity,
    ) -> Result<Registered, RetargetError> {
        let listener = self.id();
        self.world_scope(|world| world.retarget_signal::<C, S>(listener, from, to))
    }

    fn unregister_signal<C: Component, S: 'static>(
        &mut self,
        target: Entity,
    ) -> Result<(), UnregisterError> {
        let listener = self.id();
        self.world_scope(|world| world.unregister_signal::<C, S>(listener, target))
    }

    fn unregister_all(&mut self) -> usize {
        let target = self.id();
        self.world_scope(|world| world.unregister_all(target))
    }

    fn send_signal<S: Signal>(&mut self, signal: S) -> S::Answer {
        let target = self.id();
        self.world_scope(|world| world.send_signal(target, signal))
    }

    fn send_signal_with<S: Signal>(&mut self, signal: impl FnOnce() -> S) -> S::Answer {
        let target = self.id();
        self.world_scope(|world| world.send_signal_with(target, signal))
    }

    fn ask_signal<Q: Question>(&self, question: &Q) -> Q::Answer {
        self.world().ask_signal(self.id(), question)
    }

    fn register_global_signal<Shape: 'static>(
        &mut self,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.register_global_signal(listener, handler))
    }

    fn unregister_global_signal<C: Component, S: 'static>(
        &mut self,
    ) -> Result<(), UnregisterError> {
        let listener = self.id();
        self.world_scope(|world| world.unregister_global_signal::<C, S>(listener))
    }

    fn has_listeners<S: 'static>(&self) -> bool {
        self.world().has_listeners::<S>(self.id())
    }

    fn registrations_on(&self) -> Vec<Registration> {
        self.world().registrations_on(self.id())
    }

    fn registrations_of(&self) -> Vec<Registration> {
        self.world().registrations_of(self.id())
    }
}
