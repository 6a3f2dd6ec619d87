//! When sweeps are done, and how long they take at a time.

use core::{num::NonZeroU32, time::Duration};

/// When the world is swept for whoever names what is gone.
///
/// A sweep reads all components whose type can hold an entity, once, whatever the number of those
/// it looks for. Declared references never need one: they are released by then. It is the safety
/// net for the others, and it says which they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
#[non_exhaustive]
pub enum Mode {
    /// Never, but for calls of [`WorldReferencesExt::sweep`](crate::WorldReferencesExt::sweep) and its like: hints only
    /// say when the tear-down comes.
    Off,
    /// When somebody asks: by a [`DestroyHint`](crate::DestroyHint), or by
    /// [`queue_sweep`](crate::WorldReferencesExt::queue_sweep).
    #[default]
    OnDemand,
    /// Also in every so many flushes, of those with something torn down since the last, for what
    /// that was: a sample, for games in the hands of players.
    Sampled(NonZeroU32),
    /// Also in each flush with something torn down since the last, for all who are gone: for tests,
    /// and for the hunt.
    EachFlush,
}

/// How long a sweep may take at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
pub enum Pace {
    /// As long as it takes.
    #[default]
    AtOnce,
    /// So long in each flush; the next flush goes on. The time is looked at after each 128 indices
    /// of entities, and so many are seen to each time, so that every sweep ends.
    ///
    /// A sweep in slices goes from entity to entity and costs two to five times one that goes at
    /// once, in total. Whoever is deleted while it runs may be found by it here and there, and is
    /// looked for by the next one that looks for them. What is written behind its back is not seen:
    /// a value that is moved from an entity it has not seen to one that it has.
    Budget(Duration),
}
