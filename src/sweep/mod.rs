//! Sweeps: which places name an entity that is gone, and how they are emptied.
//!
//! A sweep looks through the world in one go or in slices ([`Pace`]). [`Mode`] says when sweeps are
//! done.
//!
//! # Invariants
//!
//! 1. A place is listed once, even if it can be read in several ways.
//! 2. A component counts as changed by a sweep only if something was removed from it.

// How a component is read and emptied is in `inspect`. When sweeps run, and what is done with their
// reports, is in `deletion/sweep_in_flush.rs` and `deletion/sweep_results.rs`.
//
// The files, in reading order:
//
// - `settings`: when sweeps are done, and how long a slice takes
// - `targets`: the entities that a sweep looks for
// - `report`, `events`: the results of a sweep
// - `pass`: a pass over all components of a world
// - `schedule`: the sweeps that wait, and the one that runs

pub use self::{
    events::SweepFinished,
    report::{Leftover, LeftoverState, SweepReport},
    schedule::LeftoverField,
    settings::{Mode, Pace},
};

pub(crate) mod events;
pub(crate) mod pass;
pub(crate) mod report;
pub(crate) mod schedule;
pub(crate) mod settings;
pub(crate) mod targets;
