//! The verbs.

#[cfg(feature = "bevy_app")]
pub(crate) mod app;
pub(crate) mod commands;
pub(crate) mod world;
