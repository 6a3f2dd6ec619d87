//! What happened, in order.

use bevy_ecs::{resource::Resource, world::World};

/// What happened, in order.
#[derive(Resource, Debug, PartialEq)]
pub(crate) struct Order<T: Send + Sync + 'static = &'static str>(pub(crate) Vec<T>);

impl<T: Send + Sync + 'static> Default for Order<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Send + Sync> Order<T> {
    pub(crate) fn note(&mut self, event: impl Into<T>) {
        self.0.push(event.into());
    }
}

/// Returns what happened so far.
pub(crate) fn order(world: &World) -> Vec<String> {
    world.resource::<Order<String>>().0.clone()
}
