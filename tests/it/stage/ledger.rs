//! A list that handlers of any shape can write.

use std::sync::{Arc, Mutex};

use bevy_ecs::entity::Entity;

/// Entities that were called, in order.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Vec<Entity>>>);

impl Ledger {
    pub(crate) fn note(&self, entity: Entity) {
        self.0.lock().unwrap().push(entity);
    }

    /// Returns what was noted since the last call.
    pub(crate) fn take(&self) -> Vec<Entity> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}
