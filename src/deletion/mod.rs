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
//! 2. There is one worklist. A deletion that begins inside another one is asked and marked at once, and
//!    told and destroyed when the worklist gets there. Nothing here recurses, however long the chain of handlers or of
//!    owners. (What an observer of the mark itself queues is Bevy's: it applies commands that a command queued
//!    one inside the other.)
//! 3. Whatever user code panics, all that was marked is told and destroyed and stays queued for its tear-down;
//!    then the first panic goes on.
//! 4. Nothing is torn down before everybody was told about it, and before what it owns: so at every pause of a
//!    tear-down, whoever listened has let go of what is gone.
//!
//! Only this module calls Bevy's `despawn`.

mod answer;
mod ask;
mod batch;
mod budget;
mod claims;
mod copies;
mod corpses;
mod create_and_destroy;
mod descent;
mod destroy;
mod entity_ext;
mod failures;
mod fate;
mod field;
mod findings;
mod groups;
mod hiding;
mod judgement;
mod kind_counts;
mod kinds;
mod late;
mod look;
mod mark;
mod never_flushed;
mod owned;
mod plan;
mod prepare;
mod profiles;
mod queue;
mod references_ext;
#[cfg(feature = "bevy_reflect")]
mod reflected;
mod release;
mod settings;
mod statistics;
mod storage;
mod sweep_ext;
mod sweeping;
mod sweeps;
#[cfg(feature = "bevy_app")]
mod sync_point;
mod table;
mod tear_down;
mod timer;
mod unnoticed;
mod wave;
mod worklist;
mod world_ext;

pub use answer::{Qdel, QdelCounts};
pub use ask::{PreQdel, Verdict};
pub use batch::QdelBatch;
pub use create_and_destroy::CreateAndDestroy;
pub use destroy::{Destroy, Destroying, WorldDestroyExt};
pub use entity_ext::{EntityCommandsQdelExt, EntityWorldMutQdelExt};
pub use failures::{CreateAndDestroyError, CreateAndDestroyFailure, CreateAndDestroyStep};
pub use field::QdelFieldExt;
pub use kind_counts::KindCounts;
pub use kinds::WorldKindExt;
pub use plan::{PlannedDeletion, PlannedRefusal, QdelPlan};
pub use references_ext::WorldReferencesExt;
#[cfg(feature = "bevy_reflect")]
pub use reflected::{ReflectDestroy, ReflectReferences};
pub use settings::{
    Costs, Hiding, QdelSettings, SweepMode, SweepPace, SyncMode, TEARDOWN_BATCH, Teardown,
    WorkClock,
};
pub use statistics::{KindStatistics, QdelStatistics};
pub use sweep_ext::{ReferencesFound, SweepExt, SweepFinished, assert_no_leftovers};
pub use sweeps::LeftoverField;
pub use timer::{QdelTimer, QdelTimerExt};
pub use world_ext::{CommandsQdelExt, DeferredWorldQdelExt, QdelExt};

#[cfg(feature = "bevy_diagnostic")]
pub(crate) use kinds::Kinds;
#[cfg(feature = "bevy_app")]
pub(crate) use never_flushed::note_flusher;
#[cfg(all(feature = "bevy_app", feature = "bevy_reflect"))]
pub(crate) use reflected::{await_wishes, fulfil_wishes};
#[cfg(feature = "bevy_diagnostic")]
pub(crate) use statistics::{count_waiting, short_names};
#[cfg(feature = "bevy_app")]
pub(crate) use sync_point::{SyncPoint, sync_where_needed};
#[cfg(feature = "bevy_time")]
pub(crate) use timer::{AppClock, follow_clock, qdel_due};
