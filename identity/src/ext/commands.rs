//! The verbs of commands.

use bevy_ecs::{system::Commands, world::World};

use crate::{StableId, load::request};

/// Requests to the store from systems.
pub trait CommandsIdentityExt {
    /// Requests an object. It is read on another thread, and comes in a later frame:
    /// [`Loaded`](crate::event::Loaded) or [`LoadFailed`](crate::event::LoadFailed) says so.
    ///
    /// If it is resident when the command is applied, nothing happens.
    fn load(&mut self, id: StableId);

    /// Requests several objects, in one read.
    fn load_batch(&mut self, ids: impl IntoIterator<Item = StableId>);
}

impl CommandsIdentityExt for Commands<'_, '_> {
    fn load(&mut self, id: StableId) {
        self.queue(move |world: &mut World| request::request(world, &[id]));
    }

    fn load_batch(&mut self, ids: impl IntoIterator<Item = StableId>) {
        let ids: Vec<_> = ids.into_iter().collect();
        self.queue(move |world: &mut World| request::request(world, &ids));
    }
}
