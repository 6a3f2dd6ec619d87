//! What happens in an ECS when an entity that others refer to goes away.
//!
//! A component **registers** for a [`Signal`] on a target. For [`Qdeleting`], its **handler** runs while the target
//! is still whole, whoever despawns it and however. [`qdel`](QdelExt::qdel) is an orderly deletion:
//! it asks, marks, tells, and tears down at the end of the frame.
//!
//! ```
//! use bevy_ecs::prelude::*;
//! use qdel::prelude::*;
//!
//! #[derive(Component, Default)]
//! struct Mob {
//!     target: Option<Entity>,
//! }
//!
//! impl Mob {
//!     fn clear_target(&mut self, _: Received<Qdeleting>) {
//!         self.target = None;
//!     }
//! }
//!
//! let mut world = World::new();
//! let goblin = world.spawn_empty().id();
//! let archer = world.spawn(Mob { target: Some(goblin) }).id();
//!
//! world.register_signal(archer, goblin, Mob::clear_target)?;
//! world.qdel(goblin)?;
//!
//! assert_eq!(world.get::<Mob>(archer).unwrap().target, None);
//! assert_eq!(world.liveness(goblin), Liveness::Deleting);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where there is nothing to do but to empty a field, declare it: the derive of [`References`], and
//! [`track_references`](WorldReferencesExt::track_references).
//!
//! # Map
//!
//! | to | see |
//! | --- | --- |
//! | register, send, ask | [`SignalExt`] on a `World` or `DeferredWorld`, [`EntityWorldMutSignalExt`], [`EntityCommandsSignalExt`] |
//! | write a handler | [`SignalHandler`], [`Received`] |
//! | make a signal of your own | [`Signal`], [`Answer`], [`Question`] |
//! | delete | [`QdelExt`], [`EntityCommandsQdelExt`], [`CommandsQdelExt`], [`DeferredWorldQdelExt`], [`EntityWorldMutQdelExt`] |
//! | delete later | [`QdelTimerExt`], [`QdelTimer`] |
//! | delete what a field names | [`QdelFieldExt`] |
//! | know what a deletion would do | [`QdelPlan`] |
//! | hear of a deletion | [`Qdeleting`], [`Cause`] |
//! | have fields cleared without a handler | [`References`], [`Policy`], [`WorldReferencesExt`] |
//! | know who still holds an entity | [`FindReferencesExt`], [`ReferenceReport`], [`ReferenceRoot`] |
//! | find and empty what names the gone | [`SweepExt`], [`SweepReport`], [`SweepMode`], [`assert_no_leftovers`] |
//! | test everything that a game can spawn | [`CreateAndDestroy`] |
//! | prevent one | [`PreQdel`], [`Verdict`], [`Hint::LetMeLive`] |
//! | let go of what a component holds outside the ECS | [`Destroy`], [`Destroying`], [`Hint`], [`WorldDestroyExt`] |
//! | know whether an entity is alive | [`LivenessExt`], [`EntityLiveness`], [`Weak`] |
//! | use it as a plugin | `QdelPlugin` (feature `bevy_app`, on by default) |
//! | see those that are being deleted, or not | [`AllowDeleting`], [`OnlyDeleting`], [`Hiding`], [`Deleting`] |
//! | set it up | [`QdelSettings`], [`Teardown`], [`WorkClock`], [`WorldListenerExt`], [`Signals`] |
//! | look inside | [`Footprint`], [`QdelCounts`], [`DeletionCosts`] |
//! | count by kinds of entities | [`WorldKindExt`], [`KindCounts`], [`QdelStatistics`], `QdelDiagnosticsPlugin` (feature `bevy_diagnostic`) |
//!
//! What it costs, what makes it slow, and when a scan is better: [`costs`](docs::costs). Who sees an entity while it is being deleted:
//! [`hiding`](docs::hiding).
//!
//! # Features
//!
//! - `bevy_app` (default): `QdelPlugin`, and `register_listener`, `register_destroy` and so on on an `App`.
//! - `bevy_time` (default): with the plugin, timers follow Bevy's `Time`.
//! - `bevy_reflect` (default): `Reflect` for [`Weak`], [`Deleting`] and the resources; [`find_references`](FindReferencesExt::find_references)
//!   and [`sweep`](SweepExt::sweep) look into all types that are registered, not only into tracked ones.
//! - `bevy_diagnostic`: `QdelDiagnosticsPlugin`, which shows in Bevy's diagnostics what deletions do and cost, frame by frame.
//! - `hashbrown`: `References` for its maps and sets (version 0.16, that of Bevy).
//! - `serde`: `Serialize` and `Deserialize` for [`Weak`], and `Serialize` for [`QdelStatistics`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod deleting;
mod deletion;
#[cfg(feature = "bevy_diagnostic")]
mod diagnostics;
mod error;
mod garbage;
mod hint;
mod liveness;
mod panics;
#[cfg(feature = "bevy_app")]
mod plugin;
mod reference;
mod registration;
mod relationship;
mod signal;
mod text;
mod timers;
mod weak;

#[doc(hidden)]
pub use bevy_ecs::entity::Entity;
pub use deleting::{AllowDeleting, Deleting, DeletionCosts, OnlyDeleting, SlowestHandler};
pub use deletion::{
    CommandsQdelExt, Costs, CreateAndDestroy, CreateAndDestroyError, CreateAndDestroyFailure,
    CreateAndDestroyStep, DeferredWorldQdelExt, Destroy, Destroying, EntityCommandsQdelExt,
    EntityWorldMutQdelExt, Hiding, KindCounts, KindStatistics, LeftoverField, PlannedDeletion,
    PlannedRefusal, PreQdel, Qdel, QdelBatch, QdelCounts, QdelExt, QdelFieldExt, QdelPlan,
    QdelSettings, QdelStatistics, QdelTimer, QdelTimerExt, ReferencesFound, SweepExt,
    SweepFinished, SweepMode, SweepPace, SyncMode, TEARDOWN_BATCH, Teardown, Verdict, WorkClock,
    WorldDestroyExt, WorldKindExt, WorldReferencesExt, assert_no_leftovers,
};
#[cfg(feature = "bevy_reflect")]
pub use deletion::{ReflectDestroy, ReflectReferences};
#[cfg(feature = "bevy_diagnostic")]
pub use diagnostics::QdelDiagnosticsPlugin;
pub use error::{
    BrokenBooks, CancelError, DestroyError, QdelError, RegisterError, RetargetError,
    UnregisterError,
};
pub use garbage::{
    BlindSpot, Blindness, ChainLink, EntityLabel, FindReferencesExt, Leftover, LeftoverState,
    ReferenceHolder, ReferenceKind, ReferencePlace, ReferenceReport, ReferenceRoot, SEARCH_DEPTH,
    SHOWN_LEFTOVERS, SweepReport,
};
pub use hint::Hint;
pub use liveness::{EntityLiveness, Liveness, LivenessExt};
#[cfg(feature = "bevy_app")]
pub use plugin::{
    AppDestroyExt, AppKindExt, AppListenerExt, AppReferencesExt, AppSweepExt, QdelPlugin,
    QdelSystems,
};
pub use qdel_macros::References;
#[doc(hidden)]
pub use reference::Mappable;
pub use reference::{
    Change, KeyReferences, Lost, PlannedRelease, Policy, ReferenceVisitor, References, Releasable,
    Remains, Step, ValueReferences,
};
pub use registration::Registration;
pub use signal::{
    Answer, Cause, EntityCommandsSignalExt, EntityWorldMutSignalExt, Footprint, Qdeleting,
    Question, Received, Registered, Replaced, Signal, SignalExt, SignalHandler, Signals,
    WorldListenerExt,
};
pub use weak::Weak;

/// What a game module writes daily.
pub mod prelude {
    pub use crate::{
        AllowDeleting, Answer, Cause, CommandsQdelExt, DeferredWorldQdelExt, Destroy, Destroying,
        EntityCommandsQdelExt, EntityCommandsSignalExt, EntityLiveness, EntityWorldMutQdelExt,
        EntityWorldMutSignalExt, FindReferencesExt, Hiding, Hint, Liveness, LivenessExt, Lost,
        OnlyDeleting, PreQdel, Qdel, QdelExt, QdelFieldExt, QdelSettings, QdelTimer, QdelTimerExt,
        Qdeleting, Question, Received, References, Signal, SignalExt, Signals, SweepExt, SweepMode,
        SweepPace, SyncMode, Teardown, Verdict, Weak, WorldDestroyExt, WorldKindExt,
        WorldListenerExt, WorldReferencesExt,
    };
    #[cfg(feature = "bevy_app")]
    pub use crate::{
        AppDestroyExt, AppKindExt, AppListenerExt, AppReferencesExt, AppSweepExt, QdelPlugin,
    };
    #[cfg(feature = "bevy_reflect")]
    pub use crate::{ReflectDestroy, ReflectReferences};
}

/// Chapters: what does not fit at a single item. There is nothing but text in it.
pub mod docs {
    #[doc = include_str!("docs/costs.md")]
    pub mod costs {}
    #[doc = include_str!("docs/hiding.md")]
    pub mod hiding {}
}

#[cfg(all(doctest, feature = "bevy_app", feature = "bevy_reflect"))]
#[doc = include_str!("../README.md")]
struct Readme;
