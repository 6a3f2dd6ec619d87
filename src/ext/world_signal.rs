//! The verbs of signals on a world.

use core::any::TypeId;

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::Component,
    entity::Entity,
    world::{DeferredWorld, World},
};

use crate::{
    books::{Books, enter::OnDuplicate},
    error::{BrokenBooks, RegisterError, RetargetError, UnregisterError},
    panics::{FirstPanic, Panicked, catch},
    registration::Registration,
    signal::{
        Question, Signal, deferred_world, dispatch,
        handler::SignalHandler,
        outcome::{Footprint, Registered},
        qdeleting::Qdeleting,
        register::{self, Subject},
        retarget,
    },
};

/// Signals, on a [`World`] and on a [`DeferredWorld`].
///
/// | to | call |
/// | --- | --- |
/// | listen | [`register_signal`](Self::register_signal) and the five verbs after it |
/// | stop | [`unregister_signal`](Self::unregister_signal) and the verb after it |
/// | send and ask | [`send_signal`](Self::send_signal), [`ask_signal`](Self::ask_signal) |
/// | the same about no entity | [`register_global_signal`](Self::register_global_signal) |
/// | look into the books | [`registrations_on`](Self::registrations_on) and its neighbours |
///
/// The chapter [`signals`](crate::docs::signals) explains the words.
///
/// A `DeferredWorld` (in hooks, handlers and observers) registers at once where it can. A command
/// completes the first registration on a target, and the first of a handler: then the answer is
/// [`Registered::Queued`].
///
/// A resource is a component on an entity of its own, so it can listen and be a target.
/// `World::resource_scope` removes a resource and inserts it again, which ends its registrations as
/// a listener.
pub trait WorldSignalExt: sealed::Worldly {
    /// Registers `handler` of its component on `listener` for its signal about `target`.
    ///
    /// It is called after all earlier registrations for the signal on `target`. The registration
    /// ends when either entity is deleted, when the component is removed, or with
    /// [`unregister_signal`](Self::unregister_signal). One for [`Qdeleting`](crate::Qdeleting) ends
    /// when it has been told.
    ///
    /// A registration belongs to the component, not to its value: overwriting the component keeps
    /// it. A handler whose component may have another target by then compares
    /// [`Received::target`](crate::Received::target).
    ///
    /// A `listener` that is deleted by [`qdel`](crate::WorldQdelExt::qdel) hears signals until all
    /// components that go with it are destroyed ([`Destroy`](crate::Destroy)). Then its
    /// registrations end, unless it lives on.
    ///
    /// Use a [`WeakEntity`](crate::WeakEntity) where nothing has to react.
    ///
    /// # Errors
    ///
    /// - [`RegisterError::AlreadyRegistered`] if this component already listens for the signal on
    ///   `target`;
    /// - [`RegisterError::ListenerNotSpawned`], [`RegisterError::TargetNotSpawned`],
    ///   [`RegisterError::ListenerDeleting`] or [`RegisterError::TargetDeleting`] if either entity
    ///   is not alive;
    /// - [`RegisterError::MissingComponent`] if `listener` lacks the component;
    /// - [`RegisterError::ReservedTarget`] if `target` is a resource of this crate;
    /// - [`RegisterError::MarkRemoved`] if a hook or observer takes the mark of targets off.
    ///
    /// All registrations are unchanged then, but for `MarkRemoved`. A `World` may have applied
    /// commands that waited.
    ///
    /// # Complexity
    ///
    /// Constant, however many listeners `target` has.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component, Default)]
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
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    /// world.despawn(goblin);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias(
        "RegisterSignal",
        "UniqueConnection",
        "connect",
        "observe",
        "subscribe"
    ))]
    fn register_signal<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let subject = Subject::Entity(target);
        self.enter(listener, subject, handler, OnDuplicate::Add)
    }

    /// Registers `handler` for pairs of a listener and a target, in order. Returns the errors of
    /// those that were refused.
    ///
    /// The result is that of [`register_signal`](Self::register_signal) for each. On a `World`, it
    /// looks up once what that looks up for each. In a system, use a
    /// [`SignalRegistrar`](crate::SignalRegistrar).
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
    /// let mobs = world.spawn_batch([(); 3].map(|()| Mob { target: Some(goblin) }));
    /// let pairs: Vec<_> = mobs.map(|mob| (mob, goblin)).collect();
    ///
    /// let refused = world.register_signals(pairs, Mob::clear_target);
    ///
    /// assert_eq!(refused, []);
    /// assert_eq!(world.registrations_on(goblin).len(), 3);
    /// ```
    #[doc(alias("connect", "subscribe"))]
    #[must_use = "a registration that was refused is seen nowhere else"]
    fn register_signals<Shape: 'static>(
        &mut self,
        pairs: impl IntoIterator<Item = (Entity, Entity)>,
        handler: impl SignalHandler<Shape>,
    ) -> Vec<RegisterError> {
        self.enter_many(pairs, handler)
    }

    /// Registers `handler` for one call: the registration ends before it.
    ///
    /// The handler may register anew. Handlers of a [`Question`] cannot be registered for one call,
    /// because a question can be asked any number of times.
    ///
    /// # Errors
    ///
    /// As [`register_signal`](Self::register_signal).
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
    /// world.register_signal_once(knight, knight, Armour::on_hit)?;
    ///
    /// world.send_signal(knight, Hit(3));
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("CONNECT_ONE_SHOT", "SingleShotConnection", "once"))]
    fn register_signal_once<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> Result<Registered, RegisterError> {
        let subject = Subject::Entity(target);
        self.enter(listener, subject, handler, OnDuplicate::AddOnce)
    }

    /// Makes sure that a component of `listener` listens for a signal about `target`.
    ///
    /// Where it does already, its handler and its place in the order stay, and the answer is
    /// [`Registered::Now`]. Otherwise this is [`register_signal`](Self::register_signal).
    ///
    /// It can be called any number of times. Use it in an insert hook: a component that is
    /// overwritten keeps its registrations.
    ///
    /// # Errors
    ///
    /// As [`register_signal`](Self::register_signal), but never
    /// [`RegisterError::AlreadyRegistered`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component)]
    /// #[component(on_insert = Mob::listen)]
    /// struct Mob { target: Option<Entity> }
    ///
    /// impl Mob {
    ///     fn listen(mut world: DeferredWorld, context: HookContext) {
    ///         let mob = context.entity;
    ///         if let Some(target) = world.get::<Mob>(mob).and_then(|mob| mob.target) {
    ///             let _ = world.ensure_signal(mob, target, Mob::clear_target);
    ///         }
    ///     }
    ///
    ///     fn clear_target(&mut self, lost: Received<Qdeleting>) {
    ///         // The value may be another one by now, with another target.
    ///         if self.target == Some(lost.target()) {
    ///             self.target = None;
    ///         }
    ///     }
    /// }
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.entity_mut(archer).insert(Mob { target: Some(goblin) });
    ///
    /// assert_eq!(world.registrations_on(goblin).len(), 1);
    /// world.despawn(goblin);
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// ```
    fn ensure_signal<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        let subject = Subject::Entity(target);
        self.enter(listener, subject, handler, OnDuplicate::Ensure)
    }

    /// Registers `handler` in place of the one that its component has for its signal about
    /// `target`.
    ///
    /// An earlier registration keeps its place in the order, and one for one call remains one for
    /// one call. If there is none, this is [`register_signal`](Self::register_signal).
    ///
    /// During a dispatch, the new handler is called if the turn of the registration is still to
    /// come, and the old one is not. Where the answer is [`Registered::Queued`], the new handler
    /// waits for the next dispatch. While listeners are told of the end of `target`, the answer is
    /// [`RegisterError::TargetDeleting`].
    ///
    /// # Errors
    ///
    /// As [`register_signal`](Self::register_signal), but never
    /// [`RegisterError::AlreadyRegistered`].
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
    /// world.replace_signal(knight, knight, doubled)?;
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 6);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias = "override")]
    fn replace_signal<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        self.enter(
            listener,
            Subject::Entity(target),
            handler,
            OnDuplicate::Replace,
        )
    }

    /// Moves the registration of the `C` on `listener` for the signal `S` from one target to
    /// another.
    ///
    /// It keeps its handler, and the number of calls it is for. It goes to the end of the order of
    /// the new target.
    ///
    /// # Errors
    ///
    /// Nothing has changed when one of these is returned:
    ///
    /// - [`RetargetError::NotRegistered`] if there is none on `from`, or if it has been told of the
    ///   end of `from`;
    /// - [`RetargetError::Refused`] if there is one on `to` already, if `to` cannot be listened to,
    ///   or if `listener` cannot listen any more.
    ///
    /// # Complexity
    ///
    /// Constant, however many listeners the targets have.
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
    /// let [goblin, troll] = [(); 2].map(|()| world.spawn_empty().id());
    /// let archer = world.spawn(Mob { target: Some(goblin) }).id();
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    ///
    /// world.get_mut::<Mob>(archer).unwrap().target = Some(troll);
    /// world.retarget_signal::<Mob, Qdeleting>(archer, goblin, troll)?;
    /// world.despawn(troll);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn retarget_signal<C: Component, S: 'static>(
        &mut self,
        listener: Entity,
        from: Entity,
        to: Entity,
    ) -> Result<Registered, RetargetError> {
        self.move_registration::<C, S>(listener, from, to)
    }

    /// Ends the registration of the `C` on `listener` for the signal `S` about `target`.
    ///
    /// During a dispatch, its handler is not called any more. A registration that has been told of
    /// the end of `target` would come back if the target lives on
    /// ([`LetMeLive`](crate::DestroyHint::LetMeLive)): after this call it does not.
    ///
    /// # Errors
    ///
    /// Returns [`UnregisterError::NotRegistered`] if there is none. It is safe to ignore.
    ///
    /// # Complexity
    ///
    /// Constant, however many listeners `target` has.
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
    /// world.unregister_signal::<Armour, Hit>(knight, knight)?;
    /// world.send_signal(knight, Hit(3));
    ///
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 0);
    /// assert!(world.unregister_signal::<Armour, Hit>(knight, knight).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[doc(alias("UnregisterSignal", "disconnect", "unobserve", "unsubscribe"))]
    fn unregister_signal<C: Component, S: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
    ) -> Result<(), UnregisterError> {
        let mut world = self.deferred();
        register::unregister::<C, S>(&mut world, listener, Subject::Entity(target))
    }

    /// Ends all registrations on `target`, for any signal, and returns their number.
    ///
    /// No handler is called. Declared references stay known, because fields still name the target.
    /// Registrations that have been told of the end of `target` do not come back if it lives on.
    ///
    /// # Complexity
    ///
    /// Linear in the number of registrations.
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
    /// assert_eq!(world.unregister_all(goblin), 1);
    /// world.despawn(goblin);
    ///
    /// assert_eq!(world.get::<Mob>(archer).unwrap().target, Some(goblin));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias = "disconnect")]
    fn unregister_all(&mut self, target: Entity) -> usize {
        let mut world = self.deferred();
        let Some(mut books) = world.get_resource_mut::<Books>() else {
            return 0;
        };
        books.bypass_change_detection().leave_all(target)
    }

    /// Sends `signal` to all listeners on `target`, and returns their merged answer.
    ///
    /// Handlers are called in the order of their registrations. What is unregistered meanwhile is
    /// not called. What is registered meanwhile waits for the next time. On a `World`, commands
    /// that handlers queue are applied before this returns.
    ///
    /// A `target` that is being deleted can still be sent signals about, until its tear-down. No
    /// listener can be registered on it any more, and any can be unregistered.
    /// [`Qdeleting`](crate::Qdeleting) cannot be sent: no handler is called, and the answer is the
    /// default.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a handler, after all the others were called.
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
    /// assert!(world.send_signal(knight, Hit(3)));
    /// assert!(!world.send_signal(knight, Hit(8)));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("SEND_SIGNAL", "emit", "publish", "trigger"))]
    fn send_signal<S: Signal>(&mut self, target: Entity, signal: S) -> S::Answer {
        let mut answer = S::Answer::default();
        if TypeId::of::<S>() == TypeId::of::<Qdeleting>() {
            // A caller that kept a notice cannot repeat it: each deletion is told once.
            return answer;
        }
        let sent = dispatch::send(&mut self.deferred(), target, &signal, &mut answer);
        let mut first_panic = FirstPanic::from(sent);
        if let Some(observers) = S::OBSERVERS {
            first_panic.note(self.after_handlers(signal, observers));
        }
        first_panic.note(self.apply_commands());
        first_panic.resume();
        answer
    }

    /// Sends the signal that `signal` returns, which is only called if there is a listener on
    /// `target`.
    ///
    /// A signal that opted in to [`OBSERVERS`](Signal::OBSERVERS) is always built, because an
    /// observer may be global.
    ///
    /// # Panics
    ///
    /// As [`send_signal`](Self::send_signal).
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
    /// world.send_signal_with(knight, || -> Hit { unreachable!("no listener") });
    ///
    /// world.register_signal(knight, knight, Armour::on_hit)?;
    /// world.send_signal_with(knight, || Hit(3));
    /// assert_eq!(world.get::<Armour>(knight).unwrap().damage, 3);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn send_signal_with<S: Signal>(
        &mut self,
        target: Entity,
        signal: impl FnOnce() -> S,
    ) -> S::Answer {
        if S::OBSERVERS.is_none() && !self.has_listeners::<S>(target) {
            return S::Answer::default();
        }
        self.send_signal(target, signal())
    }

    /// Asks all listeners on `target`, and returns their merged answer.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a handler, after all the others were called.
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
    /// assert!(!world.ask_signal(gate, &MayPass));
    ///
    /// world.register_signal(guard, gate, Guard::on_question)?;
    /// assert!(world.ask_signal(gate, &MayPass));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn ask_signal<Q: Question>(&self, target: Entity, question: &Q) -> Q::Answer {
        let world = self.reads();
        let mut answer = Q::Answer::default();
        if let Err(panicked) = dispatch::ask(world, target, question, &mut answer, |_, _| {}) {
            panicked.resume();
        }
        answer
    }

    /// Registers `handler` of its component on `listener` for a signal about no entity.
    ///
    /// Global signals go through one target that never goes away.
    ///
    /// # Errors
    ///
    /// As [`register_signal`](Self::register_signal), in what concerns the listener.
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
    /// let mut world = World::new();
    /// let lamp = world.spawn(Lamp { lit: false }).id();
    /// let light = |lamp: &mut Lamp, _: Received<Nightfall>| lamp.lit = true;
    /// world.register_global_signal(lamp, light)?;
    ///
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(world.get::<Lamp>(lamp).unwrap().lit);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias = "SSdcs")]
    fn register_global_signal<Shape: 'static>(
        &mut self,
        listener: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        self.enter(listener, Subject::World, handler, OnDuplicate::Add)
    }

    /// Ends the registration of the `C` on `listener` for the global signal `S`.
    ///
    /// # Errors
    ///
    /// Returns [`UnregisterError::NotRegisteredGlobally`] if there is no such registration.
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
    /// world.unregister_global_signal::<Lamp, Nightfall>(lamp)?;
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(!world.get::<Lamp>(lamp).unwrap().lit);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn unregister_global_signal<C: Component, S: 'static>(
        &mut self,
        listener: Entity,
    ) -> Result<(), UnregisterError> {
        let mut world = self.deferred();
        register::unregister::<C, S>(&mut world, listener, Subject::World)
    }

    /// Sends `signal` to all listeners of [`register_global_signal`](Self::register_global_signal).
    ///
    /// # Panics
    ///
    /// As [`send_signal`](Self::send_signal).
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
    /// world.send_global_signal(Nightfall);
    ///
    /// assert!(world.get::<Lamp>(lamp).unwrap().lit);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("SEND_GLOBAL_SIGNAL", "SSdcs"))]
    fn send_global_signal<S: Signal>(&mut self, signal: S) -> S::Answer {
        let target = self.reads().resource_entity::<Books>();
        // Without books there is no registration, and the placeholder has no listeners.
        self.send_signal(target.unwrap_or(Entity::PLACEHOLDER), signal)
    }

    /// Returns `true` if there is a listener for `S` on `target`.
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
    /// assert!(!world.has_listeners::<Qdeleting>(goblin));
    ///
    /// world.register_signal(archer, goblin, Mob::clear_target)?;
    /// assert!(world.has_listeners::<Qdeleting>(goblin));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn has_listeners<S: 'static>(&self, target: Entity) -> bool {
        let Some(books) = self.reads().get_resource::<Books>() else {
            return false;
        };
        let signal = books.table.signal_id(TypeId::of::<S>());
        signal
            .and_then(|signal| books.find(target, signal))
            .is_some_and(|list| books.list(list).is_heard())
    }

    /// Returns the registrations on `target`: signal by signal, in order.
    ///
    /// Components that name it by a declared reference are among them, under a private signal that
    /// is called `Referenced`.
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
    /// let registrations = world.registrations_on(goblin);
    ///
    /// assert_eq!(registrations.len(), 1);
    /// assert_eq!(registrations[0].listener, archer);
    /// assert!(registrations[0].signal.ends_with("Qdeleting"));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias = "get_signal_connection_list")]
    fn registrations_on(&self, target: Entity) -> Vec<Registration> {
        let books = self.reads().get_resource::<Books>();
        books.map_or_else(Vec::new, |books| books.describe_target(target))
    }

    /// Returns the registrations of the components of `listener`, in order, and after them its
    /// declared references.
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
    /// let registrations = world.registrations_of(archer);
    ///
    /// assert_eq!(registrations.len(), 1);
    /// assert_eq!(registrations[0].target, goblin);
    /// assert!(registrations[0].component.ends_with("Mob"));
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    #[doc(alias("get_incoming_connections", "is_connected"))]
    fn registrations_of(&self, listener: Entity) -> Vec<Registration> {
        let books = self.reads().get_resource::<Books>();
        books.map_or(Vec::new(), |books| books.describe_listener(listener))
    }

    /// Counts what the books hold.
    ///
    /// # Complexity
    ///
    /// Linear in the number of targets: for tests and leak hunts, not for each frame.
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
    /// assert_eq!(world.signal_footprint().registrations, 1);
    ///
    /// world.despawn(goblin);
    /// assert_eq!(world.signal_footprint().registrations, 0);
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn signal_footprint(&self) -> Footprint {
        let Some(books) = self.reads().get_resource::<Books>() else {
            return Footprint::default();
        };
        Footprint {
            registrations: books.lists().map(|(_, list)| list.iter().count()).sum(),
            places: books.lists().map(|(_, list)| list.places() as usize).sum(),
            crowded_listeners: books.links.crowded(),
            heap_bytes: books.heap_bytes(),
        }
    }

    /// Compares the books of all targets with those of their listeners.
    ///
    /// # Errors
    ///
    /// Returns the first place where they disagree, which is a bug of this crate.
    ///
    /// # Complexity
    ///
    /// Linear in the number of registrations: for tests.
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
    /// assert!(world.check_registrations().is_ok());
    /// # Ok::<(), qdel::RegisterError>(())
    /// ```
    fn check_registrations(&self) -> Result<(), BrokenBooks> {
        let Some(books) = self.reads().get_resource::<Books>() else {
            return Ok(());
        };
        for (id, list) in books.lists() {
            let target = list.target;
            let (counted, listed) = list.counts();
            if counted != listed {
                return Err(BrokenBooks::Miscounted {
                    target,
                    counted,
                    listed,
                });
            }
            for (place, listener, handler) in list.iter() {
                let key = books.table.key_of(handler);
                let registration = books.table.describe(listener, target, key);
                match books.linked_place(listener, id, key) {
                    Some(known) if known == place => {}
                    Some(_) => return Err(BrokenBooks::Twice(registration)),
                    None => return Err(BrokenBooks::UnknownToListener(registration)),
                }
            }
        }
        Ok(())
    }
}

impl WorldSignalExt for World {}
impl WorldSignalExt for DeferredWorld<'_> {}

mod sealed {
    use super::{
        Component, DeferredWorld, Entity, OnDuplicate, Panicked, RegisterError, Registered,
        RetargetError, Signal, SignalHandler, Subject, World, catch, deferred_world, register,
        retarget,
    };

    /// What [`WorldSignalExt`](super::WorldSignalExt) needs of a world.
    #[expect(unnameable_types, reason = "seals the trait")]
    pub trait Worldly {
        fn reads(&self) -> &World;
        fn deferred(&mut self) -> DeferredWorld<'_>;
        fn apply_commands(&mut self) -> Result<(), Panicked>;
        fn after_handlers<S: Signal>(
            &mut self,
            signal: S,
            observers: fn(S, &mut World),
        ) -> Result<(), Panicked>;
        fn enter<Shape: 'static>(
            &mut self,
            listener: Entity,
            subject: Subject,
            handler: impl SignalHandler<Shape>,
            on_duplicate: OnDuplicate,
        ) -> Result<Registered, RegisterError>;
        fn enter_many<Shape: 'static>(
            &mut self,
            pairs: impl IntoIterator<Item = (Entity, Entity)>,
            handler: impl SignalHandler<Shape>,
        ) -> Vec<RegisterError>;
        fn move_registration<C: Component, S: 'static>(
            &mut self,
            listener: Entity,
            from: Entity,
            to: Entity,
        ) -> Result<Registered, RetargetError>;
    }

    impl Worldly for World {
        fn reads(&self) -> &World {
            self
        }

        fn deferred(&mut self) -> DeferredWorld<'_> {
            DeferredWorld::from(self)
        }

        fn apply_commands(&mut self) -> Result<(), Panicked> {
            catch(|| self.flush())
        }

        fn after_handlers<S: Signal>(
            &mut self,
            signal: S,
            observers: fn(S, &mut World),
        ) -> Result<(), Panicked> {
            catch(|| observers(signal, self))
        }

        fn enter<Shape: 'static>(
            &mut self,
            listener: Entity,
            subject: Subject,
            handler: impl SignalHandler<Shape>,
            on_duplicate: OnDuplicate,
        ) -> Result<Registered, RegisterError> {
            let entered = register::register(self, listener, subject, handler, on_duplicate)?;
            Ok(Registered::by(entered))
        }

        fn enter_many<Shape: 'static>(
            &mut self,
            pairs: impl IntoIterator<Item = (Entity, Entity)>,
            handler: impl SignalHandler<Shape>,
        ) -> Vec<RegisterError> {
            register::register_many(self, pairs, handler)
        }

        fn move_registration<C: Component, S: 'static>(
            &mut self,
            listener: Entity,
            from: Entity,
            to: Entity,
        ) -> Result<Registered, RetargetError> {
            retarget::retarget::<C, S>(self, listener, from, to)
        }
    }

    impl Worldly for DeferredWorld<'_> {
        fn reads(&self) -> &World {
            self
        }

        fn deferred(&mut self) -> DeferredWorld<'_> {
            self.reborrow()
        }

        fn apply_commands(&mut self) -> Result<(), Panicked> {
            Ok(())
        }

        fn after_handlers<S: Signal>(
            &mut self,
            signal: S,
            observers: fn(S, &mut World),
        ) -> Result<(), Panicked> {
            let trigger = move |world: &mut World| observers(signal, world);
            self.commands().queue(trigger);
            Ok(())
        }

        fn enter<Shape: 'static>(
            &mut self,
            listener: Entity,
            subject: Subject,
            handler: impl SignalHandler<Shape>,
            on_duplicate: OnDuplicate,
        ) -> Result<Registered, RegisterError> {
            deferred_world::register(self, listener, subject, handler, on_duplicate)
        }

        fn enter_many<Shape: 'static>(
            &mut self,
            pairs: impl IntoIterator<Item = (Entity, Entity)>,
            handler: impl SignalHandler<Shape>,
        ) -> Vec<RegisterError> {
            let pairs = pairs.into_iter();
            let refused = pairs.filter_map(|(listener, target)| {
                let subject = Subject::Entity(target);
                self.enter(listener, subject, handler, OnDuplicate::Add)
                    .err()
            });
            refused.collect()
        }

        fn move_registration<C: Component, S: 'static>(
            &mut self,
            listener: Entity,
            from: Entity,
            to: Entity,
        ) -> Result<Registered, RetargetError> {
            deferred_world::retarget::<C, S>(self, listener, from, to)
        }
    }
}
