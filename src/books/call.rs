//! Handlers with their types erased.
//!
//! No signal is named here. The types that implement these traits know how a handler is called.

use core::{any::Any, cell::Cell};

use bevy_ecs::{
    component::ComponentId,
    entity::Entity,
    world::{DeferredWorld, World},
};

/// A handler with its types erased.
///
/// The references point to zero-sized values, so nothing is allocated for them.
#[derive(Clone, Copy)]
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub enum Call {
    /// Reaches only the listening component, so it is called for a batch of listeners.
    Fields(&'static dyn CallFields),
    /// Reaches the world, so it is called for one listener at a time.
    World(&'static dyn CallWorld),
    /// Can only look.
    Look(&'static dyn CallLook),
    /// Is never called: it is the link of a declared reference, with the number of its type.
    Reference(u32),
}

impl Call {
    /// Tells a listener about a target that it registered on too late, if the signal has a message
    /// for that.
    pub(crate) fn tell_missed(
        self,
        world: &mut DeferredWorld,
        listener: Entity,
        target: Entity,
    ) -> bool {
        match self {
            Self::Fields(handler) => handler.tell_missed(world, listener, target),
            Self::World(handler) => handler.tell_missed(world, listener, target),
            Self::Look(_) | Self::Reference(_) => false,
        }
    }

    /// Returns `true` if its signal has a message for listeners that register on `target` too late.
    pub(crate) fn has_words(self, target: Entity) -> bool {
        match self {
            Self::Fields(handler) => handler.has_words(target),
            Self::World(handler) => handler.has_words(target),
            Self::Look(_) | Self::Reference(_) => false,
        }
    }
}

/// The part of a dispatch that does not change from listener to listener.
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub struct Round<'a> {
    pub(crate) target: Entity,
    pub(crate) signal: &'a dyn Any,
    pub(crate) answer: &'a mut dyn Any,
}

impl Round<'_> {
    /// Returns the signal and the answer with their types.
    pub(crate) fn typed<S: 'static, A: 'static>(&mut self) -> (&S, &mut A) {
        let signal = self.signal.downcast_ref();
        let answer = self.answer.downcast_mut();
        signal
            .zip(answer)
            .expect("a handler should be called with its own signal only")
    }
}

#[expect(unnameable_types, reason = "part of a sealed trait")]
pub trait CallFields: Send + Sync {
    /// Calls the handler for each of `listeners` from `done` on. Its component has the number
    /// `component`.
    ///
    /// `done` counts a listener before its handler is called, so that a panic can be passed over.
    /// Listeners that are gone or lack the component are skipped.
    fn call(
        &self,
        world: &mut DeferredWorld,
        component: ComponentId,
        round: &mut Round,
        listeners: &[Option<Entity>],
        done: &Cell<usize>,
    );

    /// Tells a listener about a target that it registered on too late, if the signal has a message
    /// for that.
    fn tell_missed(&self, world: &mut DeferredWorld, listener: Entity, target: Entity) -> bool;

    /// Returns `true` if the signal has a message for listeners that register on `target` too late.
    fn has_words(&self, target: Entity) -> bool;
}

#[expect(unnameable_types, reason = "part of a sealed trait")]
pub trait CallWorld: Send + Sync {
    /// Calls the handler for `listener`, which has the component.
    fn call(&self, world: &mut DeferredWorld, round: &mut Round, listener: Entity);

    /// Tells a listener about a target that it registered on too late, if the signal has a message
    /// for that.
    fn tell_missed(&self, world: &mut DeferredWorld, listener: Entity, target: Entity) -> bool;

    /// Returns `true` if the signal has a message for listeners that register on `target` too late.
    fn has_words(&self, target: Entity) -> bool;
}

#[expect(unnameable_types, reason = "part of a sealed trait")]
pub trait CallLook: Send + Sync {
    /// Calls the handler for `listener`, if it has the component.
    fn call(&self, world: &World, round: &mut Round, listener: Entity);
}
