//! A clock that a test sets, and what takes time by it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bevy_ecs::{component::Component, resource::Resource};
use qdel::{Destroy, DestroyContext, DestroyHint, testing::WorkClock};

/// A clock that stands still until it is put forward.
#[derive(Resource, Clone, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn put_forward(&self, microseconds: u64) {
        self.0.fetch_add(microseconds, Ordering::Relaxed);
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// Returns the clock by which a world then works.
    pub(crate) fn work_clock(&self) -> WorkClock {
        let clock = self.clone();
        WorkClock::new(move || clock.time())
    }
}

/// Takes some microseconds by a clock.
pub(crate) struct Slow(HandClock, u64);

/// Returns what takes this many microseconds.
pub(crate) fn slow(clock: &HandClock, microseconds: u64) -> Slow {
    Slow(clock.clone(), microseconds)
}

impl Slow {
    pub(crate) fn work(&self) {
        self.0.put_forward(self.1);
    }
}

/// Takes its time when it is destroyed.
#[derive(Component)]
pub(crate) struct Ballast(pub(crate) Slow);

impl Destroy for Ballast {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0.work();
        DestroyHint::Queue
    }
}
