//! Who names what is gone, and how the place is emptied.
//!
//! A `Pass` looks through the world in slices. The schedule knows which
//! sweeps wait and which one runs. When they run, and what is told of them, is the business of
//! `deletion`.
//!
//! # Invariants
//!
//! 1. A place is listed once, however many ways there are to read it.
//! 2. A component counts as changed by a pass only if something was taken out of it.

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
