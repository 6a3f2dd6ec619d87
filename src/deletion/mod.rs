//! The life of a deletion.
//!
//! ```text
//! qdel
//!   ask       PreQdel is sent for the entity and all it owns: handlers can only look, and may veto
//!   mark      all of them become `deleting`: hidden from queries, weak handles answer None
//!   tell      Qdeleting is sent for each, owner before owned: handlers, then Bevy's observers
//!             then the commands that handlers queued are applied
//!   destroy   Destroy of each component that has one, owner before owned: their hints decide what follows
//!             then the commands that they queued are applied
//!   release   declared references let go of those that do not live on
//!   ...                                                  <- end of the frame, or `flush_qdel`
//!   tear down owned before owner, oldest deletion first, until the frame's budget is spent
//! ```
//!
//! # Invariants
//!
//! 1. In one deletion, each entity is marked once, told once, destroyed once, and despawned once.
//! 2. There is one worklist. A deletion that begins inside another one is asked and marked at once,
//!    and told and destroyed when the worklist gets there. Nothing here recurses, however long the
//!    chain of handlers or of owners. (What an observer of the mark itself queues is Bevy's: it
//!    applies commands that a command queued one inside the other.)
//! 3. Whatever user code panics, all that was marked is told and destroyed and stays queued for its
//!    tear-down; then the first panic goes on.
//! 4. Nothing is torn down before everybody was told about it, and before what it owns: so at every
//!    pause of a tear-down, whoever listened has let go of what is gone.
//!
//! Only this module calls Bevy's `despawn`.

pub(crate) mod archetype_flags;
pub(crate) mod ask;
pub(crate) mod batch_claims;
pub(crate) mod batch_groups;
pub(crate) mod batch_objections;
pub(crate) mod batch_outcome;
pub(crate) mod begin;
pub(crate) mod budget;
pub(crate) mod copies;
pub(crate) mod counting;
pub(crate) mod decide;
pub(crate) mod despawn;
pub(crate) mod destroy;
pub(crate) mod destroy_late;
pub(crate) mod destroyers;
pub(crate) mod end_of_target;
pub(crate) mod fast_path;
pub(crate) mod goal;
pub(crate) mod hiding;
pub(crate) mod late_components;
pub(crate) mod look_before_asking;
pub(crate) mod looked;
pub(crate) mod mark;
pub(crate) mod never_flushed;
pub(crate) mod notice;
pub(crate) mod notify;
pub(crate) mod outcome;
pub(crate) mod owned;
pub(crate) mod owner_stack;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod queue;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod reflected;
pub(crate) mod remembered;
pub(crate) mod settings;
pub(crate) mod settle;
pub(crate) mod shut_down;
pub(crate) mod storage;
pub(crate) mod sweep_in_flush;
pub(crate) mod sweep_on_demand;
pub(crate) mod sweep_results;
#[cfg(feature = "bevy_app")]
pub(crate) mod sync_point;
pub(crate) mod sync_references;
pub(crate) mod tear_down;
pub(crate) mod tear_down_owner;
pub(crate) mod tear_down_queue;
pub(crate) mod timer;
pub(crate) mod track;
pub(crate) mod watch_late;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod wishes;
pub(crate) mod worklist;
