//! The verbs of signals on an entity.

use bevy_ecs::{
    component::Component,
    entity::Entity,
    error::{BevyError, Severity},
    system::EntityCommands,
    world::{EntityWorldMut, World},
};

use crate::{
    books::Manner,
    error::{RegisterError, RetargetError, UnregisterError},
    ext::signal::SignalExt,
    registration::Registration,
    signal::{
        Question, Signal,
        handler::SignalHandler,
        outcome::{Registered, Replaced},
        register::{self, About},
        retarget,
    },
};

/// The verbs of [`SignalExt`] on the entity at hand, applied at once.
pub trait EntityWorldMutSignalExt {
    /// Registers `handler` of a component of this entity for a signal about `target`.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::register_signal`].
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

    /// Registers `handler` for one call.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::register_signal`].
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

    /// Registers `handler` in place of the one its component has.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::replace_signal`].
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
    ) -> Result<Replaced, RegisterError>;

    /// Makes sure that a component of this entity listens for a signal about `target`.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::ensure_signal`].
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

    /// Moves the registration of this entity's `C` for the signal `S` from one target to another.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::retarget_signal`].
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

    /// Ends all registrations on this entity, and returns how many there were: see
    /// [`SignalExt::unregister_all`].
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

    /// Ends the registration of this entity's `C` for the signal `S` about `target`.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::unregister_signal`].
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

    /// Registers `handler` of a component of this entity for a global signal.
    ///
    /// # Errors
    ///
    /// As [`SignalExt::register_global_signal`].
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
    /// As [`SignalExt::unregister_global_signal`].
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

    /// Sends `signal` about this entity, and returns the merged answer.
    ///
    /// # Panics
    ///
    /// As [`SignalExt::send_signal`].
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
    ///     type Answer = bool; // whether anybody blocks it
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

    /// Sends what `signal` returns, which is only called if somebody listens on this entity.
    ///
    /// # Panics
    ///
    /// As [`SignalExt::send_signal`].
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
    /// world.entity_mut(knight).send_signal_with(|| -> Hit { unreachable!("nobody listens") });
    ///
    /// world.register_signal(knight, knight, Armour::on_hit)?;
    /// world.entity_mut(knight).send_signal_with(|| Hit(3));
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn send_signal_with<S: Signal>(&mut self, signal: impl FnOnce() -> S) -> S::Answer;

    /// Asks all who registered for `question` on this entity, and returns their merged answer.
    ///
    /// # Panics
    ///
    /// As [`SignalExt::ask_signal`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// struct MayPass;
    ///
    /// impl Question for MayPass {
    ///     type Answer = bool; // true if anybody says so
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

    /// Returns `true` if anybody listens for `S` on this entity.
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

    /// Returns the registrations on this entity.
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

    /// Returns the registrations of this entity's components.
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

impl EntityWorldMutSignalExt for EntityWorldMut<'_> {
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

    fn replace_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Replaced, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.replace_signal(listener, target, handler))
    }

    fn ensure_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let listener = self.id();
        self.world_scope(|world| world.ensure_signal(listener, target, handler))
    }

    fn retarget_signal<C: Component, S: 'static>(
        &mut self,
        from: Entity,
        to: Entity,
    ) -> Result<Registered, RetargetError> {
        let listener = self.id();
        self.world_scope(|world| world.retarget_signal::<C, S>(listener, from, to))
    }

    fn unregister_all(&mut self) -> usize {
        let target = self.id();
        self.world_scope(|world| world.unregister_all(target))
    }

    fn unregister_signal<C: Component, S: 'static>(
        &mut self,
        target: Entity,
    ) -> Result<(), UnregisterError> {
        let listener = self.id();
        self.world_scope(|world| world.unregister_signal::<C, S>(listener, target))
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

/// The verbs of [`SignalExt`] on the entity at hand, applied when the commands are.
///
/// Errors go to Bevy's error handler with [`Severity::Warning`], which logs them by default: none
/// of them panics. A registration whose listener is gone by then, and unregistering what is not
/// registered, are errors with [`Severity::Debug`].
///
/// They are seen there and nowhere else. A second registration of a component for a signal about
/// one target is refused when its command is applied: the first handler stays, and the warning
/// names both entities, the component and the signal. Use [`replace_signal`](Self::replace_signal)
/// where the new handler is meant.
///
/// Commands are applied in the order in which they were queued. `entity.register_signal(goblin,
/// Mob::clear_target).insert(Mob::default())` finds no `Mob` yet: nothing is registered, and the
/// warning is [`RegisterError::MissingComponent`]. Insert first, or spawn the entity with the
/// component. Where there is a `Mob` already, that one registers, and the one that overwrites it
/// keeps the registration.
pub trait EntityCommandsSignalExt {
    /// Registers `handler` of a component of this entity for a signal about `target`.
    ///
    /// If `target` is being deleted or gone when the command is applied, a handler for
    /// [`Qdeleting`](crate::Qdeleting) is called at once with
    /// [`Cause::AlreadyGone`](crate::Cause::AlreadyGone): whoever looks a target up and registers
    /// on it cannot miss its end.
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
    /// world.commands().entity(goblin).despawn(); // one system kills it,
    /// world.commands().entity(archer).register_signal(goblin, Mob::clear_target); // another aims at it
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

    /// Registers `handler` for one call.
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

    /// Registers `handler` in place of the one its component has.
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

    /// Makes sure that a component of this entity listens for a signal about `target`.
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

    /// Moves the registration of this entity's `C` for the signal `S` from one target to another.
    ///
    /// If `to` is being deleted or gone when the command is applied, a registration for
    /// [`Qdeleting`](crate::Qdeleting) ends, and its handler is called at once with
    /// [`Cause::AlreadyGone`](crate::Cause::AlreadyGone).
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

    /// Ends all registrations on this entity: see [`SignalExt::unregister_all`].
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

    /// Sends `signal` about this entity. There is nobody to hear the answer.
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
}

impl EntityCommandsSignalExt for EntityCommands<'_> {
    fn register_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, About::Entity(target), handler, Manner::Add)
    }

    fn register_signal_once<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> &mut Self {
        queue_registration(self, About::Entity(target), handler, Manner::AddOnce)
    }

    fn replace_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, About::Entity(target), handler, Manner::Replace)
    }

    fn ensure_signal<Shape: 'static>(
        &mut self,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, About::Entity(target), handler, Manner::Ensure)
    }

    fn retarget_signal<C: Component, S: 'static>(&mut self, from: Entity, to: Entity) -> &mut Self {
        let listener = self.id();
        self.commands().queue(move |world: &mut World| {
            retarget::retarget_late::<C, S>(world, listener, from, to)
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

    fn unregister_signal<C: Component, S: 'static>(&mut self, target: Entity) -> &mut Self {
        let listener = self.id();
        self.commands().queue(move |world: &mut World| {
            let ended = world.unregister_signal::<C, S>(listener, target);
            ended.map_err(|error| BevyError::from(error).with_severity(Severity::Debug))
        });
        self
    }

    fn register_global_signal<Shape: 'static>(
        &mut self,
        handler: impl SignalHandler<Shape>,
    ) -> &mut Self {
        queue_registration(self, About::World, handler, Manner::Add)
    }

    fn unregister_global_signal<C: Component, S: 'static>(&mut self) -> &mut Self {
        let listener = self.id();
        self.commands().queue(move |world: &mut World| {
            let ended = world.unregister_global_signal::<C, S>(listener);
            ended.map_err(|error| BevyError::from(error).with_severity(Severity::Debug))
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
}

fn queue_registration<'a, 'c, Shape: 'static>(
    entity: &'a mut EntityCommands<'c>,
    about: About,
    handler: impl SignalHandler<Shape>,
    manner: Manner,
) -> &'a mut EntityCommands<'c> {
    let listener = entity.id();
    entity.commands().queue(move |world: &mut World| {
        register::register_late(world, listener, about, handler, manner)
    });
    entity
}
