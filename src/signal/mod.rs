//! Signals: what is sent about a target, and which handlers are called.
//!
//! A [`Signal`] is sent about a target. The components that registered for it receive it by their
//! handlers, in the order of their registrations.
//!
//! Nothing here deletes anything. All that signals know of deletion is that a target which is
//! despawned is told about first ([`Qdeleting`](crate::Qdeleting)).
//!
//! # Invariants
//!
//! 1. A key (listener, component, signal) occurs at most once in the lists of a target.
//! 2. What a target says of its registrations, its listeners say as well, and the reverse.
//! 3. The order of a list is the order of registration.
//! 4. Between two calls of handlers that can reach the world all books are whole.
//!
//! [`check_registrations`](crate::WorldSignalExt::check_registrations) compares the two sides.

// Which listener is linked to which target is kept in `books`, and the verbs are in `ext`.
//
// The files, in reading order:
//
// - this file: the traits `Signal` and `Question`
// - `answer`, `received`: what a handler returns and is given
// - `qdeleting`: the signal of the end of its target
// - `handler`, `column`, `batch`: handlers, and how many of them are called in one go
// - `listener`, `removal_observer`: handlers become known, and the end of a listener is noticed
// - `inserts`: inserts of components are noticed, by a hook or an observer
// - `dispatch`, `stopwatch`: handlers are called, and timed where costs are measured
// - `target`, `target_kind`: the marks of targets
// - `missed`, `late_registrations`: registrations that come too late
// - `world_parts`, `register`, `retarget`, `outcome`: registrations begin, move and end
// - `deferred_world`, `registrar`: the same from a `DeferredWorld`, and from systems
// - `revival`: a target survives and gets its registrations back

pub use self::{
    answer::Answer,
    handler::SignalHandler,
    outcome::{Footprint, Registered},
    received::Received,
    registrar::SignalRegistrar,
    target::SignalTarget,
};
pub use crate::registration::Registration;

pub(crate) mod answer;
pub(crate) mod batch;
pub(crate) mod column;
pub(crate) mod deferred_world;
pub(crate) mod dispatch;
pub(crate) mod handler;
pub(crate) mod inserts;
pub(crate) mod late_registrations;
pub(crate) mod listener;
pub(crate) mod missed;
pub(crate) mod outcome;
pub(crate) mod qdeleting;
pub(crate) mod received;
pub(crate) mod register;
pub(crate) mod registrar;
pub(crate) mod removal_observer;
pub(crate) mod retarget;
pub(crate) mod revival;
pub(crate) mod stopwatch;
pub(crate) mod target;
pub(crate) mod target_kind;
pub(crate) mod world_parts;

use bevy_ecs::{entity::Entity, world::World};

/// A typed message about a target.
///
/// Implement it for your own type to use registrations for other messages than deletions. Handlers
/// are called at once, in order of registration, and their answers come back merged.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// struct Hit { damage: u32 }
///
/// impl Signal for Hit {
///     type Answer = u32; // bits: see `Answer`
/// }
///
/// #[derive(Component, Default)]
/// struct Shield { absorbed: u32 }
///
/// const BLOCKED: u32 = 1;
///
/// impl Shield {
///     fn on_hit(&mut self, hit: Received<Hit>) -> u32 {
///         self.absorbed += hit.damage;
///         BLOCKED
///     }
/// }
///
/// let mut world = World::new();
/// let knight = world.spawn(Shield::default()).id();
/// world.register_signal(knight, knight, Shield::on_hit)?;
///
/// let answer = world.send_signal(knight, Hit { damage: 7 });
///
/// assert_eq!(answer, BLOCKED);
/// assert_eq!(world.get::<Shield>(knight).unwrap().absorbed, 7);
/// # Ok::<(), qdel::RegisterError>(())
/// ```
pub trait Signal: Sized + Send + Sync + 'static {
    /// What a handler answers, and how answers merge. `()` for a signal that only informs.
    type Answer: Answer;

    /// Triggers Bevy's observers after the handlers; `None` for a signal that is no Bevy event.
    ///
    /// A signal that is also an `EntityEvent` opts in with
    /// `const OBSERVERS: Option<fn(Self, &mut World)> = Some(|hit, world| world.trigger(hit));`.
    /// Where the sender holds a `DeferredWorld`, the trigger is queued as a command.
    const OBSERVERS: Option<fn(Self, &mut World)> = None;

    /// Returns the signal for a listener whose queued registration came too late for `target`.
    ///
    /// With `None`, the default, the listener is told nothing and the registration is an error.
    /// [`Qdeleting`](crate::Qdeleting) returns a signal with
    /// [`QdelCause::AlreadyGone`](crate::QdelCause::AlreadyGone).
    fn missed(_target: Entity) -> Option<Self> {
        None
    }
}

/// A signal whose handlers can only read.
///
/// Its handlers are `fn(&C, Received<Q>) -> Q::Answer` and `fn(&World, Received<Q, C>) ->
/// Q::Answer`: nothing can change while it is asked. [`PreQdel`](crate::PreQdel) is the one this
/// crate asks.
///
/// An entity whose deletion has begun is only asked about itself.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{Question, prelude::*};
///
/// struct MayPass;
///
/// impl Question for MayPass {
///     type Answer = bool; // true if any handler says so
/// }
///
/// #[derive(Component)]
/// struct Guard { bribed: bool }
///
/// let mut world = World::new();
/// let gate = world.spawn_empty().id();
/// let guard = world.spawn(Guard { bribed: true }).id();
/// world.register_signal(guard, gate, |guard: &Guard, _: Received<MayPass>| guard.bribed)?;
///
/// assert!(world.ask_signal(gate, &MayPass));
/// # Ok::<(), qdel::RegisterError>(())
/// ```
pub trait Question: Sized + Send + Sync + 'static {
    /// What a handler answers, and how answers merge.
    type Answer: Answer;
}
