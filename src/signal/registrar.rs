//! Registration from systems, without commands.

use bevy_ecs::{
    archetype::Archetypes,
    change_detection::{DetectChangesMut, ResMut},
    component::Components,
    entity::{Entities, Entity},
    system::{Commands, Deferred, SystemBuffer, SystemMeta, SystemParam},
    world::{DeferredWorld, World},
};

use crate::{
    books::{Books, enter::OnDuplicate, ids::Entry},
    error::RegisterError,
    signal::{
        Signal,
        deferred_world::{Later, Phase, enter},
        handler::SignalHandler,
        outcome::Registered,
        register::{Subject, register_late},
        world_parts::WorldParts,
    },
};

/// A system parameter that registers components for signals.
///
/// [`EntityCommands`](crate::EntityCommandsQdelExt::register_signal) register when commands are
/// applied. This registers at once and returns errors, with one look-up for all registrations of a
/// run: it is the fastest way from a system. It writes what this crate keeps about registrations
/// and nothing else. So it keeps no system from running, but those with another `SignalRegistrar`
/// or an [`EntityLiveness`](crate::EntityLiveness).
///
/// # What waits for commands
///
/// A command completes the first registration on a target, unless its kind was made known by
/// [`register_target`](crate::WorldQdelExt::register_target) or it has a
/// [`SignalTarget`](crate::SignalTarget) already, and the first of a handler. Then the answer is
/// [`Registered::Queued`], and nothing else is to be done. If the target is deleting or gone by
/// then, the listener is told at once, as with `EntityCommands`.
///
/// An entity that waits to be spawned by [`Commands`] is registered by a command as well. Name the
/// registrar after the `Commands` in the parameters of the system, so that its commands follow
/// theirs.
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
/// #[derive(Component)]
/// struct Goblin;
///
/// fn aim(
///     mut mobs: Query<(Entity, &mut Mob)>,
///     goblin: Single<Entity, With<Goblin>>,
///     mut registrar: SignalRegistrar,
/// ) -> Result {
///     for (archer, mut mob) in mobs.iter_mut().filter(|(_, mob)| mob.target.is_none()) {
///         mob.target = Some(*goblin);
///         registrar.register(archer, *goblin, Mob::clear_target)?;
///     }
///     Ok(())
/// }
///
/// let mut world = World::new();
/// let goblin = world.spawn(Goblin).id();
/// let archer = world.spawn(Mob { target: None }).id();
///
/// let mut schedule = Schedule::default();
/// schedule.add_systems(aim);
/// schedule.run(&mut world);
/// assert_eq!(world.get::<Mob>(archer).unwrap().target, Some(goblin));
///
/// world.despawn(goblin);
/// assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
/// ```
#[doc(alias("RegisterSignal", "connect", "subscribe"))]
#[derive(SystemParam)]
pub struct SignalRegistrar<'w, 's> {
    entities: &'w Entities,
    archetypes: &'w Archetypes,
    components: &'w Components,
    books: Option<ResMut<'w, Books>>,
    entered: Deferred<'s, Unconfirmed>,
    commands: Commands<'w, 's>,
}

impl SignalRegistrar<'_, '_> {
    /// Registers `handler` of its component on `listener` for its signal about `target`.
    ///
    /// See [`WorldSignalExt::register_signal`](crate::WorldSignalExt::register_signal).
    ///
    /// # Errors
    ///
    /// As there. A target that is deleting or gone is an error, and the listener is not told.
    pub fn register<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        self.enter(listener, target, handler, OnDuplicate::Add)
    }

    /// Registers `handler` for one call: the registration ends before it.
    ///
    /// See [`WorldSignalExt::register_signal_once`](crate::WorldSignalExt::register_signal_once).
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub fn register_once<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape, Signal: Signal>,
    ) -> Result<Registered, RegisterError> {
        self.enter(listener, target, handler, OnDuplicate::AddOnce)
    }

    /// Makes sure that a component of `listener` listens for a signal about `target`.
    ///
    /// See [`WorldSignalExt::ensure_signal`](crate::WorldSignalExt::ensure_signal).
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register), but never [`RegisterError::AlreadyRegistered`].
    pub fn ensure<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        self.enter(listener, target, handler, OnDuplicate::Ensure)
    }

    /// Registers `handler` in place of the one that its component has for its signal about
    /// `target`.
    ///
    /// See [`WorldSignalExt::replace_signal`](crate::WorldSignalExt::replace_signal).
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register), but never [`RegisterError::AlreadyRegistered`].
    pub fn replace<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
    ) -> Result<Registered, RegisterError> {
        self.enter(listener, target, handler, OnDuplicate::Replace)
    }

    /// Registers `handler` for pairs of a listener and a target, in order. Returns the errors of
    /// those that were refused.
    ///
    /// See [`register`](Self::register), which this does for each.
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
    /// fn listen(mobs: Query<(Entity, &Mob), Added<Mob>>, mut registrar: SignalRegistrar) {
    ///     let pairs = mobs.iter().filter_map(|(mob, aims)| Some((mob, aims.target?)));
    ///     let refused = registrar.register_many(pairs, Mob::clear_target);
    ///     assert_eq!(refused, []);
    /// }
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty().id();
    /// world.spawn_batch([(); 3].map(|()| Mob { target: Some(goblin) }));
    ///
    /// world.run_system_cached(listen).unwrap();
    ///
    /// assert_eq!(world.registrations_on(goblin).len(), 3);
    /// ```
    #[must_use = "a registration that was refused is seen nowhere else"]
    pub fn register_many<Shape: 'static>(
        &mut self,
        pairs: impl IntoIterator<Item = (Entity, Entity)>,
        handler: impl SignalHandler<Shape>,
    ) -> Vec<RegisterError> {
        let pairs = pairs.into_iter();
        let refused = pairs.filter_map(|(listener, target)| {
            let entered = self.enter(listener, target, handler, OnDuplicate::Add);
            entered.err()
        });
        refused.collect()
    }

    #[inline]
    fn enter<Shape: 'static>(
        &mut self,
        listener: Entity,
        target: Entity,
        handler: impl SignalHandler<Shape>,
        on_duplicate: OnDuplicate,
    ) -> Result<Registered, RegisterError> {
        let mut parts = WorldParts {
            entities: self.entities,
            archetypes: self.archetypes,
            components: self.components,
            books: self
                .books
                .as_mut()
                .map(DetectChangesMut::bypass_change_detection),
        };
        let subject = Subject::Entity(target);
        match enter(&mut parts, listener, target, subject, handler, on_duplicate) {
            Ok(Some((registered, later))) => {
                match later {
                    Later::SeeTo(entry, Phase::Entered) => self.entered.push(entry),
                    later => later.queue(&mut self.commands),
                }
                return Ok(registered);
            }
            Ok(None) => {}
            Err(error) => {
                if !self.may_be_spawned(&error) {
                    return Err(error);
                }
            }
        }
        self.commands.queue(move |world: &mut World| {
            register_late(world, listener, subject, handler, on_duplicate)
        });
        Ok(Registered::Queued)
    }

    /// Returns `true` if a registration was refused because an entity is not spawned yet.
    #[cold]
    fn may_be_spawned(&self, error: &RegisterError) -> bool {
        let entity = match error {
            RegisterError::ListenerNotSpawned(registration) => registration.listener,
            RegisterError::TargetNotSpawned(registration) => registration.target,
            _ => return false,
        };
        self.entities.contains(entity)
    }
}

/// The registrations that an observer has made. They may have been made in the last moments of
/// their listener or their target.
///
/// A system that is no observer runs while no entity is in its last moments.
#[derive(Default)]
struct Unconfirmed {
    entries: Vec<Entry>,
    /// Whether the system is known to be no observer.
    is_needless: bool,
}

impl Unconfirmed {
    #[inline]
    fn push(&mut self, entry: Entry) {
        if !self.is_needless {
            self.entries.push(entry);
        }
    }
}

impl SystemBuffer for Unconfirmed {
    fn apply(&mut self, _system: &SystemMeta, _world: &mut World) {
        self.is_needless = true;
        self.entries = Vec::new();
    }

    fn queue(&mut self, _system: &SystemMeta, mut world: DeferredWorld) {
        for entry in self.entries.drain(..) {
            Later::SeeTo(entry, Phase::Entered).queue(&mut world.commands());
        }
    }
}
