//! When sweeps are done, and how long a slice takes.

use core::{num::NonZeroU32, time::Duration};

/// When the world is swept for places that name entities which are gone.
///
/// A sweep reads all components whose type can hold an entity, once, for any number of targets.
/// Declared references never need one, because they are released by then. It is a safety net for
/// all other fields, and it reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
#[non_exhaustive]
pub enum Mode {
    /// Only by calls of [`WorldReferencesExt::sweep`](crate::WorldReferencesExt::sweep) and the
    /// like. Hints only set the time of the tear-down.
    Off,
    /// On request: by a [`DestroyHint`](crate::DestroyHint), or by
    /// [`queue_sweep`](crate::WorldReferencesExt::queue_sweep).
    #[default]
    OnDemand,
    /// Also in every n-th flush that counts, for what was torn down since the last one that
    /// counted. A flush counts if something was torn down. This is a sample, for released games.
    Sampled(NonZeroU32),
    /// Also in each flush with a tear-down since the last, for all entities that are gone. This is
    /// for tests and leak hunts.
    EachFlush,
}

/// How long a slice of a sweep may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
pub enum Pace {
    /// A sweep is done in one go.
    #[default]
    AtOnce,
    /// This long in each flush. The next flush goes on. The time is checked after each 128 indices
    /// of entities. At least that many are done each time, so that every sweep ends.
    ///
    /// A sweep in slices goes from entity to entity. In total, it costs two to five times as much
    /// as one in one go. An entity that is deleted while it runs may be found in some places only.
    /// The next sweep that looks for that entity finds the others. The sweep misses a value that is
    /// moved from an entity that was not looked at to one that was.
    Budget(Duration),
}
