//! Events of sweeps and searches.

use core::time::Duration;

use bevy_ecs::event::Event;

use crate::{find::report::ReferenceReport, sweep::report::SweepReport};

/// A sweep is done that was requested by the settings, by a hint, or by
/// [`queue_sweep`](crate::WorldReferencesExt::queue_sweep).
///
/// It is triggered once for each sweep, also if nothing was found.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{prelude::*, sweep::SweepFinished};
///
/// let mut world = World::new();
/// world.add_observer(|finished: On<SweepFinished>| {
///     if !finished.report.is_clean() {
///         eprintln!("{}", finished.report);
///     }
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[non_exhaustive]
pub struct SweepFinished {
    /// The result of the sweep.
    pub report: SweepReport,
    /// The time that it took, in all its slices.
    pub time: Duration,
}

/// A search is done that was requested by
/// [`DestroyHint::FindReferences`](crate::DestroyHint::FindReferences) or
/// [`DestroyHint::FindReferencesOnFail`](crate::DestroyHint::FindReferencesOnFail).
///
/// With the first, the target is about to be torn down. With the second, it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[non_exhaustive]
pub struct ReferencesFound {
    /// The result of the search.
    pub report: ReferenceReport,
}
