//! What can go wrong, one enum an operation.

use bevy_ecs::{
    entity::Entity,
    error::{BevyError, Severity},
};
use disqualified::ShortName;
use thiserror::Error;

use crate::registration::Registration;

/// Why a registration was refused.
///
/// The world is unchanged whenever one of these is returned, but for
/// [`MarkRemoved`](Self::MarkRemoved).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The same component of the same listener already listens for this signal on this target.
    #[error(
        "`{}` of {} already listens for `{}` on {}; unregister it first or replace it",
        ShortName(.0.component), .0.listener, ShortName(.0.signal), .0.target
    )]
    AlreadyRegistered(Registration),
    /// The listener is not in the world.
    #[error(
        "listener {} is not spawned, so its `{}` cannot listen for `{}` on {}; \
         register while it lives",
        .0.listener, ShortName(.0.component), ShortName(.0.signal), .0.target
    )]
    ListenerNotSpawned(Registration),
    /// The target is not in the world.
    #[error(
        "target {} is not spawned, so `{}` of {} cannot listen for `{}` on it; \
         check `liveness` first, or register by command and be told at once",
        .0.target, ShortName(.0.component), .0.listener, ShortName(.0.signal)
    )]
    TargetNotSpawned(Registration),
    /// The listener is being deleted.
    #[error(
        "listener {} is being deleted, so its `{}` cannot listen for `{}` on {} any more; \
         skip entities that are not `Liveness::Alive`",
        .0.listener, ShortName(.0.component), ShortName(.0.signal), .0.target
    )]
    ListenerDeleting(Registration),
    /// The target is being deleted.
    #[error(
        "target {} is being deleted, so `{}` of {} cannot listen for `{}` on it any more; \
         pick another target, or register by command and be told at once",
        .0.target, ShortName(.0.component), .0.listener, ShortName(.0.signal)
    )]
    TargetDeleting(Registration),
    /// The listener does not have the component whose handler was to be called.
    #[error(
        "listener {} has no `{}` that could listen for `{}` on {}; insert the component first",
        .0.listener, ShortName(.0.component), ShortName(.0.signal), .0.target
    )]
    MissingComponent(Registration),
    /// The target is a resource of this crate.
    #[error(
        "{} is a resource of this crate, so `{}` of {} cannot listen for `{}` on it; \
         use `register_global_signal` for signals about no entity",
        .0.target, ShortName(.0.component), .0.listener, ShortName(.0.signal)
    )]
    ReservedTarget(Registration),
    /// The mark of targets, [`SignalTarget`](crate::SignalTarget), was removed as soon as it was
    /// inserted. All other registrations on the target have ended.
    #[error(
        "`SignalTarget` was removed from {} as soon as it was inserted, \
         so `{}` of {} cannot listen for `{}` on it; \
         do not remove `SignalTarget`, and end registrations by `unregister_all`",
        .0.target, ShortName(.0.component), .0.listener, ShortName(.0.signal)
    )]
    MarkRemoved(Registration),
}

impl RegisterError {
    /// Returns the registration that was asked for.
    pub fn registration(&self) -> Registration {
        match self {
            Self::AlreadyRegistered(registration)
            | Self::ListenerNotSpawned(registration)
            | Self::TargetNotSpawned(registration)
            | Self::ListenerDeleting(registration)
            | Self::TargetDeleting(registration)
            | Self::MissingComponent(registration)
            | Self::ReservedTarget(registration)
            | Self::MarkRemoved(registration) => *registration,
        }
    }
}

/// Why a registration could not go from one target to another.
///
/// The registration is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RetargetError {
    /// There is no such registration.
    #[error(
        "`{}` of {} does not listen for `{}` on {}, so that cannot go to {to}; register it there",
        ShortName(.registration.component), .registration.listener,
        ShortName(.registration.signal), .registration.target
    )]
    NotRegistered {
        /// The registration that was to be moved.
        registration: Registration,
        /// The target that it was to go to.
        to: Entity,
    },
    /// It cannot be registered on the new target.
    #[error(transparent)]
    Refused(#[from] RegisterError),
}

/// Why a registration could not be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnregisterError {
    /// There is no such registration.
    #[error(
        "`{}` of {} does not listen for `{}` on {}; `registrations_of` lists what it listens to",
        ShortName(.0.component), .0.listener, ShortName(.0.signal), .0.target
    )]
    NotRegistered(Registration),
    /// There is no such registration for a global signal.
    #[error(
        "`{}` of {listener} does not listen for the global `{}`; \
         `registrations_of` lists what it listens to",
        ShortName(.component), ShortName(.signal)
    )]
    NotRegisteredGlobally {
        /// The entity whose component was to stop listening.
        listener: Entity,
        /// The type name of that component.
        component: &'static str,
        /// The type name of the signal.
        signal: &'static str,
    },
}

/// Why an entity could not be deleted.
///
/// Nothing has happened when one of these is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QdelError {
    /// The entity is not in the world.
    #[error(
        "{entity} is not spawned, so there is nothing to delete; \
         it was despawned before, or never spawned in this world"
    )]
    NotSpawned {
        /// The entity that was to be deleted.
        entity: Entity,
    },
    /// The entity holds a resource, and Bevy does not allow those to be despawned.
    #[error(
        "{resource} holds a resource, so deleting {entity} was refused; \
         use `remove_resource` to get rid of a resource"
    )]
    Resource {
        /// The entity that was to be deleted.
        entity: Entity,
        /// The resource's entity: the same, or one that would go with it.
        resource: Entity,
    },
    /// A declared reference with the policy `deny` names the entity, or one that would go with it.
    #[error(
        "`{}.{field}` of {holder} names {target} and refuses to lose it, \
         so deleting {entity} was refused; \
         empty that field or delete {holder} first",
        ShortName(.component)
    )]
    Denied {
        /// The entity that was to be deleted.
        entity: Entity,
        /// The entity that must stay: the same, or one that would go with it.
        target: Entity,
        /// The entity whose component refuses.
        holder: Entity,
        /// The type name of that component.
        component: &'static str,
        /// The field of the component that names the target.
        field: &'static str,
    },
}

/// Why the `Destroy` of a component was not called.
///
/// It goes to Bevy's error handler, and the deletion goes on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{}` of {entity} was not destroyed, because its `Destroy::Param`, `{}`, is not available ({}); \
     insert what it asks for, or ask for an `Option` of it",
    ShortName(.component), ShortName(.parameters), .reason.trim_end_matches('.')
)]
#[non_exhaustive]
pub struct DestroyError {
    /// The entity that is deleted.
    pub entity: Entity,
    /// The type name of the component.
    pub component: &'static str,
    /// The type name of its parameters.
    pub parameters: &'static str,
    /// What Bevy says about its parameters.
    pub reason: String,
}

/// Why a timer could not be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CancelError {
    /// Its time was up, it was cancelled before, or its entity is gone.
    #[error(
        "the timer on {entity} is not running any more; \
         its time was up, it was cancelled before, or the entity is gone"
    )]
    NotRunning {
        /// The entity that was to be deleted.
        entity: Entity,
    },
}

/// A place where the books of listeners and targets disagree.
///
/// It is a bug of this crate, never of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BrokenBooks {
    /// A target lists a registration that the books of its listener lack.
    #[error("{0}, but the books of the listener do not say so")]
    UnknownToListener(Registration),
    /// A target lists the same key twice.
    #[error("{0}, twice")]
    Twice(Registration),
    /// The count of a target differs from its list.
    #[error("{target} counts {counted} registrations and lists {listed}")]
    Miscounted {
        /// The target.
        target: Entity,
        /// What its counter says.
        counted: usize,
        /// What its list holds.
        listed: usize,
    },
}

/// Returns an error in the form in which a command reports it.
pub(crate) fn warning(error: QdelError) -> BevyError {
    BevyError::from(error).with_severity(Severity::Warning)
}
