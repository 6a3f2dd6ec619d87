//! What users call: the extension traits of worlds, entities, commands and apps.
//!
//! | host | file |
//! | --- | --- |
//! | `World` | [`world_signal`], [`world_qdel`], [`world_references`] |
//! | `DeferredWorld` | [`world_signal`], [`commands`] |
//! | `Commands` | [`commands`] |
//! | the entity at hand | [`entity_world_mut`], [`entity_commands`] |
//! | `App` | [`app`] |
//! | a field of a component | [`take`] |
//!
//! Each file has one trait. Its verbs say what they do and what they cost, and call the rooms
//! below. Nothing is kept here.

#[cfg(feature = "bevy_app")]
pub(crate) mod app;
pub(crate) mod commands;
pub(crate) mod entity_commands;
pub(crate) mod entity_world_mut;
pub(crate) mod take;
pub(crate) mod world_qdel;
pub(crate) mod world_references;
pub(crate) mod world_signal;
