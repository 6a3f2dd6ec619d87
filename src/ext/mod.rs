//! What users call: the extension traits of worlds, entities, commands and apps.
//!
//! A file for each host, and one trait in it: [`world_signal`], [`world_qdel`] and
//! [`world_references`] for a `World`, [`commands`] for `Commands` and a `DeferredWorld`,
//! [`entity_world_mut`] and [`entity_commands`] for the entity at hand, [`app`] for an `App`;
//! [`take`] empties fields of all of them. The verbs say what they do and what they cost, and call
//! the rooms below, which do it. Nothing is kept here.

#[cfg(feature = "bevy_app")]
pub(crate) mod app;
pub(crate) mod commands;
pub(crate) mod entity_commands;
pub(crate) mod entity_world_mut;
pub(crate) mod take;
pub(crate) mod world_qdel;
pub(crate) mod world_references;
pub(crate) mod world_signal;
