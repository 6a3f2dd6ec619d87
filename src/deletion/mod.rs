//! The life of a deletion.
//!
//! ```text
//! qdel
//!   ask       PreQdel is sent for the entity and all it owns: handlers can only look, and may veto
//!   mark      all of them become `deleting`: hidden from queries, weak handles answer None
//!   tell      Qdeleting is sent for each, owner before owned: handlers, then Bevy's observers
//!             then the commands that handlers queued are applied
//!   ...                                                  <- end of the frame, or `flush_qdel`
//!   tear down owned before owner, oldest deletion first
//! ```
//!
//! # Invariants
//!
//! 1. Each entity is marked at most once, told at most once, and despawned at most once.
//! 2. There is one worklist. A deletion that begins inside another one is asked and marked at once, and
//!    told when the worklist gets there. Nothing here recurses, however long the chain of handlers or of
//!    owners. (What an observer of the mark itself queues is Bevy's: it applies commands that a command queued
//!    one inside the other.)
//! 3. Whatever user code panics, all that was marked is told and stays queued for its tear-down; then
//!    the first panic goes on.
//!
//! Only this module calls Bevy's `despawn`.

mod ask;
mod entity_ext;
mod owned;
mod queue;
mod settings;
mod worklist;
mod world_ext;

pub use ask::{PreQdel, Verdict};
pub use entity_ext::{EntityCommandsQdelExt, EntityWorldMutQdelExt};
pub use queue::{Qdel, QdelCounts};
pub use settings::{QdelSettings, Teardown};
pub use world_ext::{DeferredWorldQdelExt, QdelExt};
