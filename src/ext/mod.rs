//! What users call: the extension traits of worlds, entities and commands.
//!
//! A file a subject and what is extended. The verbs say what they do and what they cost, and call
//! the rooms below, which do it. Nothing is kept here.

pub(crate) mod field;
pub(crate) mod find;
pub(crate) mod qdel;
pub(crate) mod qdel_entity;
pub(crate) mod references;
pub(crate) mod signal;
pub(crate) mod signal_entity;
pub(crate) mod sweep;
