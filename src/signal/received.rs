//! The argument of a handler.

use core::{marker::PhantomData, ops::Deref};

use bevy_ecs::entity::Entity;

/// A signal as its handler receives it.
///
/// It dereferences to the signal, and knows both ends of the registration. A handler that takes the
/// world names the listening component as `C`, as in `fn(DeferredWorld, Received<Qdeleting, Mob>)`.
/// A handler of the component's own fields need not name it.
pub struct Received<'a, S, C = ()> {
    signal: &'a S,
    listener: Entity,
    target: Entity,
    component: PhantomData<fn() -> C>,
}

impl<'a, S, C> Received<'a, S, C> {
    pub(crate) fn new(signal: &'a S, listener: Entity, target: Entity) -> Self {
        Self {
            signal,
            listener,
            target,
            component: PhantomData,
        }
    }

    /// Returns the signal, for as long as the dispatch lasts.
    pub fn signal(&self) -> &'a S {
        self.signal
    }

    /// Returns the entity whose component listens.
    pub fn listener(&self) -> Entity {
        self.listener
    }

    /// Returns the entity that the signal is about.
    pub fn target(&self) -> Entity {
        self.target
    }
}

impl<S, C> Clone for Received<'_, S, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, C> Copy for Received<'_, S, C> {}

impl<S, C> Deref for Received<'_, S, C> {
    type Target = S;

    fn deref(&self) -> &S {
        self.signal
    }
}

impl<S: core::fmt::Debug, C> core::fmt::Debug for Received<'_, S, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Received")
            .field("signal", self.signal)
            .field("listener", &self.listener)
            .field("target", &self.target)
            .finish()
    }
}
