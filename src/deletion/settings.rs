//! How deletions are carried out.

use core::{fmt, time::Duration};
use std::sync::Arc;

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::ReflectResource;
use bevy_ecs::{resource::Resource, world::World};
use bevy_platform::time::Instant;

use crate::{
    books::Reserved,
    panics::{Panicked, catch},
    sweep::settings::{Mode, Pace},
};

/// How deletions are carried out: a resource, which may be changed at any time.
///
/// A deletion or flush goes by what they were when it began; only sweeps can be turned off in the
/// middle of one. It is optional; without it the defaults hold.
///
/// ```
/// use core::time::Duration;
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// let mut world = World::new();
/// let two_milliseconds = Teardown::Budget(Duration::from_millis(2));
/// world.insert_resource(QdelSettings::default().with_teardown(two_milliseconds));
/// ```
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[require(Reserved)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Resource)
)]
#[non_exhaustive]
pub struct QdelSettings {
    /// When what was deleted is torn down.
    pub teardown: Teardown,
    /// What queries see of an entity while it is being deleted.
    pub hiding: Hiding,
    /// Whether it is measured what each deletion costs, entity by entity. Not unless told.
    ///
    /// It can be read from [`Deleting::costs`](crate::Deleting::costs) until the tear-down, and by
    /// kinds from the [statistics](crate::statistics::Statistics). Handlers are then called one by
    /// one, and not in batches.
    pub measure_costs: bool,
    /// When the world is swept for what names the gone.
    pub sweep: Mode,
    /// How long a sweep may take at a time.
    pub sweep_pace: Pace,
    /// In which frames the plugin reads declared references.
    pub sync: SyncMode,
}

impl QdelSettings {
    /// Returns the settings with another `teardown`.
    #[must_use]
    pub const fn with_teardown(mut self, teardown: Teardown) -> Self {
        self.teardown = teardown;
        self
    }

    /// Returns the settings with another `hiding`.
    #[must_use]
    pub const fn with_hiding(mut self, hiding: Hiding) -> Self {
        self.hiding = hiding;
        self
    }

    /// Returns the settings with or without measuring what deletions cost.
    #[must_use]
    pub const fn with_measure_costs(mut self, measure_costs: bool) -> Self {
        self.measure_costs = measure_costs;
        self
    }

    /// Returns the settings with another mode of the `sweep`.
    #[must_use]
    pub const fn with_sweep(mut self, sweep: Mode) -> Self {
        self.sweep = sweep;
        self
    }

    /// Returns the settings with another `pace` of sweeps.
    #[must_use]
    pub const fn with_sweep_pace(mut self, pace: Pace) -> Self {
        self.sweep_pace = pace;
        self
    }

    /// Returns the settings with another mode of the `sync` of declared references.
    #[must_use]
    pub const fn with_sync(mut self, sync: SyncMode) -> Self {
        self.sync = sync;
        self
    }

    /// Returns the settings of a world, or else the defaults.
    pub(crate) fn of(world: &World) -> Self {
        world.get_resource().copied().unwrap_or_default()
    }
}

/// When what was deleted is torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
pub enum Teardown {
    /// At the end of the frame (`Last`, with the plugin), or when
    /// [`flush_qdel`](crate::WorldQdelExt::flush_qdel) is called.
    #[default]
    EndOfFrame,
    /// At the end of frames, and only until that much time is spent: the rest waits for the next
    /// one.
    ///
    /// The clock is checked after each 32 entities, and at least that many are torn down in a
    /// frame, so that nothing waits for ever. (An owner that still owns something counts once
    /// more.) What is done before the first is torn down, such as reading declared references, does
    /// not count.
    Budget(Duration),
    /// Before the outermost [`qdel`](crate::WorldQdelExt::qdel) returns. Each of them looks through
    /// all tracked components for fields that were written, where any are tracked.
    Immediate,
}

/// How many entities are torn down between two checks of the clock.
pub(crate) const TEARDOWN_BATCH: usize = 32;

/// What queries see of an entity while it is being deleted.
///
/// The chapter [`hiding`](crate::docs::hiding) says what each means for queries, observers and
/// replication. What is changed holds from the next deletion or flush on, also for what waits by
/// then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
pub enum Hiding {
    /// Nothing: it is [`Disabled`](bevy_ecs::entity_disabling::Disabled) until its tear-down.
    /// Queries with [`AllowDeleting`](crate::AllowDeleting) or
    /// [`OnlyDeleting`](crate::OnlyDeleting) see it.
    #[default]
    Hide,
    /// What they saw before: it has its mark, [`Deleting`](crate::Deleting), and nothing else.
    /// `Without<Deleting>` leaves it out.
    LeaveVisible,
}

/// In which frames the plugin reads declared references before `PostUpdate` and before the flush
/// (`QdelSystems::Sync`).
///
/// A sync costs a look at the change tick of each tracked component, some two instructions, and
/// more for each that was written: see [`costs`](crate::docs::costs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
#[non_exhaustive]
pub enum SyncMode {
    /// In those in which something waits for its tear-down, or in which an entity was despawned
    /// plainly that carries [`SignalTarget`](crate::SignalTarget). Other frames cost nothing.
    ///
    /// A field that was written and never read since, and names an entity without `SignalTarget`
    /// that is despawned plainly, names it until the next sync.
    #[default]
    WhenNeeded,
    /// In each, so that no declared field names an entity that is gone from `PostUpdate` on,
    /// however it came and they went.
    EachFrame,
}

/// The clock by which the budget and the costs are measured: a resource.
///
/// It is optional; without it that of the machine is used. Tests insert one that they turn by hand.
///
/// ```
/// use core::time::Duration;
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use bevy_ecs::prelude::*;
/// use qdel::testing::WorkClock;
///
/// let hand = Arc::new(AtomicU64::new(0));
/// let mut world = World::new();
/// let reads = Arc::clone(&hand);
/// let now = move || Duration::from_micros(reads.load(Ordering::Relaxed));
/// world.insert_resource(WorkClock::new(now));
///
/// hand.fetch_add(500, Ordering::Relaxed); // half a millisecond later
/// ```
#[derive(Resource, Clone)]
#[require(Reserved)]
pub struct WorkClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl WorkClock {
    /// Returns a clock that tells the time since some moment that does not change.
    pub fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the clock of a world, or else that of the machine.
    pub(crate) fn of(world: &World) -> Self {
        world.get_resource().cloned().unwrap_or_default()
    }

    /// Returns the time, or with what the clock panicked.
    pub(crate) fn now(&self) -> Result<Duration, Panicked> {
        catch(|| (self.0)())
    }

    /// Returns the time for a measurement, which a clock that panics makes worthless and nothing
    /// else.
    pub(crate) fn measured_now(&self) -> Duration {
        self.now().unwrap_or_default()
    }
}

impl Default for WorkClock {
    fn default() -> Self {
        let begun = Instant::now();
        Self::new(move || begun.elapsed())
    }
}

impl fmt::Debug for WorkClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkClock")
            .field(&self.measured_now())
            .finish()
    }
}
