//! Sweeps: when they happen, what they empty, and the test for everything that can be spawned.

mod create_and_destroy;
#[cfg(feature = "bevy_reflect")]
mod modes;
#[cfg(feature = "bevy_reflect")]
mod outcomes;
mod pass;
#[cfg(all(feature = "multi_threaded", feature = "bevy_reflect"))]
mod threads;
