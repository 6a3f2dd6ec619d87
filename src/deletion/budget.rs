//! How long a tear-down may take in a frame.

use core::time::Duration;

use bevy_ecs::world::World;

use crate::{
    deletion::settings::{QdelSettings, TEARDOWN_BATCH, Teardown, WorkClock},
    panics::Panicked,
};

/// What is left of the time for a frame.
pub(crate) struct Budget {
    clock: WorkClock,
    begun: Duration,
    time: Duration,
    steps: usize,
}

impl Budget {
    /// Returns the budget that the settings give to a frame, or with what the clock panicked.
    pub(crate) fn of(world: &World) -> Result<Option<Self>, Panicked> {
        let Teardown::Budget(time) = QdelSettings::of(world).teardown else {
            return Ok(None);
        };
        let clock = WorkClock::of(world);
        Ok(Some(Self {
            begun: clock.now()?,
            clock,
            time,
            steps: 0,
        }))
    }

    /// Returns `true` if there is time for a step, which is taken then, or with what the clock
    /// panicked.
    pub(crate) fn allows_a_step(&mut self) -> Result<bool, Panicked> {
        let is_batch = self.steps > 0 && self.steps.is_multiple_of(TEARDOWN_BATCH);
        if is_batch && self.clock.now()?.saturating_sub(self.begun) >= self.time {
            return Ok(false);
        }
        self.steps += 1;
        Ok(true)
    }
}
