//! A listener that is asked.

use bevy_ecs::component::Component;
use qdel::prelude::*;

/// Answers this when it is asked before a deletion.
#[derive(Component)]
pub(crate) struct Guard(pub(crate) QdelVerdict);

impl Guard {
    pub(crate) fn judge(&self, _: Received<PreQdel>) -> QdelVerdict {
        self.0
    }

    pub(crate) fn panic(&self, _: Received<PreQdel>) -> QdelVerdict {
        panic!("boom");
    }
}
