//! What is told of sweeps and searches.

use core::time::Duration;

use bevy_ecs::event::Event;

use crate::{find::report::ReferenceReport, sweep::report::SweepReport};

/// A sweep is done that was asked for by the settings, a hint, or
/// [`queue_sweep`](crate::WorldReferencesExt::queue_sweep).
///
/// It is triggered once for each, also if nothing was found.
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
    /// What it found.
    pub report: SweepReport,
    /// How long it took, in all its slices.
    pub time: Duration,
}

/// A search is done that was asked for by [`DestroyHint::FindReferences`](crate::DestroyHint::FindReferences) or
/// [`DestroyHint::FindReferencesOnFail`](crate::DestroyHint::FindReferencesOnFail).
///
/// For the first the target is about to be torn down, and for the second it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
#[non_exhaustive]
pub struct ReferencesFound {
    /// Who names it.
    pub report: ReferenceReport,
}
