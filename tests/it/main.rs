//! What the crate promises, a module for each subject.
//!
//! The numbers in comments are those of the rules in `docs/design.md`. What several modules use is
//! in `stage`.

mod deletion;
mod errors;
mod find;
mod model;
#[cfg(feature = "bevy_app")]
mod plugin;
mod reference;
mod signal;
mod stage;
mod statistics;
mod sweep;
mod words;
