//! Orderly deletion of entities in an ECS where others still refer to them.
//!
//! An `Entity` is an id, and when it is despawned, copies of the id stay where they are. With this
//! crate a field that is declared lets go of an entity that goes away, a component that listens is
//! told while the entity is still whole, and a deletion can be refused, waited for and accounted
//! for.
//!
//! # How
//!
//! Declare a field, or register a handler. Then delete by [`qdel`](QdelExt::qdel) in place of
//! `despawn`.
//!
//! ```
//! use bevy_ecs::prelude::*;
//! use qdel::prelude::*;
//!
//! // Declared: the field is cleared, and there is nothing else to do.
//! #[derive(Component, References)]
//! struct Archer {
//!     #[entities]
//!     target: Option<Entity>,
//! }
//!
//! // Registered: a handler reacts.
//! #[derive(Component, Default)]
//! struct Hunter {
//!     kills: u32,
//! }
//!
//! impl Hunter {
//!     fn count_kill(&mut self, _: Received<Qdeleting>) {
//!         self.kills += 1;
//!     }
//! }
//!
//! let mut world = World::new();
//! world.track_references::<Archer>();
//! let goblin = world.spawn_empty().id();
//! let archer = world.spawn(Archer { target: Some(goblin) }).id();
//! let hunter = world.spawn(Hunter::default()).id();
//! world.register_signal(hunter, goblin, Hunter::count_kill)?;
//!
//! world.qdel(goblin)?; // in a system: `commands.entity(goblin).qdel()`
//!
//! assert_eq!(world.get::<Archer>(archer).unwrap().target, None);
//! assert_eq!(world.get::<Hunter>(hunter).unwrap().kills, 1);
//! assert_eq!(world.liveness(goblin), Liveness::Deleting);
//! world.flush_qdel(); // `QdelPlugin` does this at the end of each frame
//! assert_eq!(world.liveness(goblin), Liveness::Gone);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which tool when
//!
//! | you have | use |
//! | --- | --- |
//! | an id for this frame only | a plain `Entity` |
//! | an id that you look up anyway | [`Weak`], or [`liveness`](LivenessExt::liveness) |
//! | fields, lists and maps that must not dangle | [declared references](docs::references): [`References`] |
//! | a reaction of your own, in order | a [signal](docs::signals): [`register_signal`](SignalExt::register_signal) |
//! | a reason to keep an entity | a veto: [`PreQdel`]; a field: [`Policy::Deny`] |
//! | something outside the ECS to let go of | [`Destroy`] |
//! | an entity that is to go later | [`qdel_in`](QdelTimerExt::qdel_in) |
//! | a structure that is queried from both sides | a Bevy relationship |
//! | a message to anyone | a Bevy event or message |
//! | fields that were forgotten | a [sweep](docs::sweeps): [`SweepExt`], [`assert_no_leftovers`] |
//! | the question who holds an entity | [`find_references`](FindReferencesExt::find_references) |
//!
//! # How the pieces fit
//!
//! ```text
//!  you call            qdel, qdel_batch, commands.entity(..).qdel(), qdel_in      despawn
//!                        |                                                          |
//!  ask                 `PreQdel` handlers, `deny` fields  --->  vetoed, denied      |
//!  mark                hidden from queries and from weak handles                    |
//!  tell                `Qdeleting` handlers, in order                             <-+
//!  destroy             `Destroy` of each component that has one                     |
//!  release             declared fields: clear, remove, qdel                       <-+
//!                        |                                                          v
//!  end of the frame    tear down: owned before owner, in a budget                 gone
//!                        |
//!  verify              sweeps: what names the gone is emptied and reported
//! ```
//!
//! An entity **owns** what Bevy despawns with it: the sources of all relationships with
//! `linked_spawn`, such as its `Children`. A deletion covers the entity and all it owns.
//!
//! # Chapters
//!
//! | chapter | |
//! | --- | --- |
//! | [`signals`](docs::signals) | handlers, order, answers, vetoes |
//! | [`references`](docs::references) | which fields, what becomes of them, when they are read |
//! | [`sweeps`](docs::sweeps) | finding what still names an entity |
//! | [`testing`](docs::testing) | no leftovers, one of everything, plans, clocks, statistics |
//! | [`frame`](docs::frame) | what happens when, beside a plain despawn |
//! | [`hiding`](docs::hiding) | who sees an entity while it is being deleted |
//! | [`limits`](docs::limits) | what this does not do |
//! | [`costs`](docs::costs) | figures, what is slow, when a scan is better |
//! | coming from | [Space Station 13](docs::space_station_13), [Godot or Qt](docs::godot_qt), [flecs or EnTT](docs::flecs_entt) |
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
//! # Features
//!
//! - `bevy_app` (default): `QdelPlugin`, and `register_listener`, `register_destroy` and so on on
//!   an `App`.
//! - `bevy_time` (default): with the plugin, timers follow Bevy's `Time`.
//! - `bevy_reflect` (default): `Reflect` for [`Weak`], [`Deleting`] and the resources;
//!   [`find_references`](FindReferencesExt::find_references) and [`sweep`](SweepExt::sweep) look
//!   into all types that are registered, not only into tracked ones.
//! - `bevy_diagnostic`: `QdelDiagnosticsPlugin`, which shows in Bevy's diagnostics what deletions
//!   do and cost, frame by frame.
//! - `hashbrown`: `References` for its maps and sets (version 0.16, that of Bevy).
//! - `serde`: `Serialize` and `Deserialize` for [`Weak`], and `Serialize` for [`QdelStatistics`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod books;
mod deleting;
mod deletion;
#[cfg(feature = "bevy_diagnostic")]
mod diagnostics;
mod error;
mod ext;
mod find;
mod hash;
mod hint;
mod inspect;
mod liveness;
mod panics;
#[cfg(feature = "bevy_app")]
mod plugin;
mod reference;
mod registration;
mod relationship;
mod signal;
mod statistics;
mod sweep;
mod testing;
mod text;
mod timers;
mod weak;

#[doc(hidden)]
pub use bevy_ecs::entity::Entity;
pub use deleting::{AllowDeleting, Deleting, DeletionCosts, OnlyDeleting, SlowestHandler};
#[cfg(feature = "bevy_reflect")]
pub use deletion::reflected::{ReflectDestroy, ReflectReferences};
pub use deletion::{
    ask::{PreQdel, Verdict},
    batch_outcome::QdelBatch,
    destroy::{Destroy, Destroying, WorldDestroyExt},
    outcome::{Qdel, QdelCounts},
    plan::{PlannedDeletion, PlannedRefusal, QdelPlan},
    settings::{Costs, Hiding, QdelSettings, SyncMode, TEARDOWN_BATCH, Teardown, WorkClock},
    timer::{QdelTimer, QdelTimerExt},
};
#[cfg(feature = "bevy_diagnostic")]
pub use diagnostics::QdelDiagnosticsPlugin;
pub use error::{
    BrokenBooks, CancelError, DestroyError, QdelError, RegisterError, RetargetError,
    UnregisterError,
};
pub use ext::{
    field::QdelFieldExt,
    find::FindReferencesExt,
    qdel::{CommandsQdelExt, DeferredWorldQdelExt, QdelExt},
    qdel_entity::{EntityCommandsQdelExt, EntityWorldMutQdelExt},
    references::WorldReferencesExt,
    signal::{SignalExt, WorldListenerExt},
    signal_entity::{EntityCommandsSignalExt, EntityWorldMutSignalExt},
    sweep::{SweepExt, assert_no_leftovers},
};
pub use find::{chain::ReferenceRoot, report::ReferenceReport};
pub use hint::Hint;
pub use inspect::SEARCH_DEPTH;
pub use inspect::holder::ChainLink;
pub use inspect::{
    blind_spot::{BlindSpot, Blindness},
    holder::{ReferenceHolder, ReferenceKind, ReferencePlace},
    label::EntityLabel,
};
pub use liveness::{EntityLiveness, Liveness, LivenessExt};
#[cfg(feature = "bevy_app")]
pub use plugin::{
    AppDestroyExt, AppKindExt, AppListenerExt, AppReferencesExt, AppSweepExt, QdelPlugin,
    QdelSystems,
};
pub use qdel_macros::References;
#[doc(hidden)]
pub use reference::mapped::Mappable;
pub use reference::{
    parts::{KeyReferences, ValueReferences},
    path::Step,
    planned_release::PlannedRelease,
    policy::{Lost, Policy},
    references::{ReferenceVisitor, References, Releasable, Remains},
    tracked::Change,
};
pub use registration::Registration;
pub use signal::{
    Question, Signal,
    answer::Answer,
    handler::SignalHandler,
    outcome::{Footprint, Registered, Replaced},
    qdeleting::{Cause, Qdeleting},
    received::Received,
    target::Signals,
};
pub use statistics::{
    counts::KindCounts,
    kinds::WorldKindExt,
    report::{KindStatistics, QdelStatistics},
};
pub use sweep::events::ReferencesFound;
pub use sweep::events::SweepFinished;
pub use sweep::settings::SweepMode;
pub use sweep::settings::SweepPace;
pub use sweep::{
    report::{Leftover, LeftoverState, SHOWN_LEFTOVERS, SweepReport},
    schedule::LeftoverField,
};
pub use testing::{
    create_and_destroy::CreateAndDestroy,
    failures::{CreateAndDestroyError, CreateAndDestroyFailure, CreateAndDestroyStep},
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
    #[doc = include_str!("docs/signals.md")]
    pub mod signals {}
    #[doc = include_str!("docs/references.md")]
    pub mod references {}
    #[doc = include_str!("docs/sweeps.md")]
    pub mod sweeps {}
    #[doc = include_str!("docs/testing.md")]
    pub mod testing {}
    #[doc = include_str!("docs/frame.md")]
    pub mod frame {}
    #[doc = include_str!("docs/hiding.md")]
    pub mod hiding {}
    #[doc = include_str!("docs/limits.md")]
    pub mod limits {}
    #[doc = include_str!("docs/costs.md")]
    pub mod costs {}
    #[doc = include_str!("docs/space_station_13.md")]
    pub mod space_station_13 {}
    #[doc = include_str!("docs/godot_qt.md")]
    pub mod godot_qt {}
    #[doc = include_str!("docs/flecs_entt.md")]
    pub mod flecs_entt {}
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
