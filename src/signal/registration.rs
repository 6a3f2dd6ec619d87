//! What can be said about registrations from outside.

use core::fmt;

use bevy_ecs::entity::Entity;
use thiserror::Error;

/// Who listens for what on whom: the key of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registration {
    /// The entity whose component listens.
    pub listener: Entity,
    /// The type name of the component that listens.
    pub component: &'static str,
    /// The entity that is listened to.
    pub target: Entity,
    /// The type name of the signal.
    pub signal: &'static str,
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` of {} listens for `{}` on {}",
            self.component, self.listener, self.signal, self.target
        )
    }
}

/// When a registration takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is in the books.
    Now,
    /// It waits in the command queue: the world was a `DeferredWorld`, and the target or the handler
    /// needs its first structural change. If the target is deleting or gone by then, the listener
    /// is told at once.
    Queued,
}

/// What a [`replace_signal`](crate::SignalExt::replace_signal) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// There was a registration; its handler is the new one now, and its place in the order is kept.
    Handler,
    /// There was none; the new one stands at the end of the order.
    Nothing,
    /// It waits in the command queue, as [`Registered::Queued`].
    Queued,
}

/// How large the books are, counted by walking them.
///
/// For tests and for leak hunts: after any churn the numbers are what they were before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Registrations that are in force.
    pub registrations: usize,
    /// Places in the lists of targets, taken or not.
    pub places: usize,
    /// Listeners with more than one registration, which need books of their own.
    pub crowded_listeners: usize,
    /// Bytes that the lists of targets and the books of listeners hold on the heap.
    pub heap_bytes: usize,
}

/// A place where the books of listeners and targets disagree.
///
/// It is a bug of this crate, never of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BrokenBooks {
    /// A target lists a listener whose books do not know of it.
    #[error("{0}, but the books of the listener do not say so")]
    UnknownToListener(Registration),
    /// A target lists the same key twice.
    #[error("{0}, twice")]
    Twice(Registration),
    /// A target counts another number of registrations than it lists.
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
