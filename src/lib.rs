//! Orderly deletion of entities in an ECS where others still refer to them.
//!
//! An `Entity` is an id, and when it is despawned, copies of the id stay where they are. With this
//! crate a field that is declared lets go of an entity that goes away, a component that listens is
//! told while the entity is still whole, and a deletion can be refused, waited for and accounted
//! for.
//!
//! # How
//!
//! Declare a field, or register a handler. Then delete by [`qdel`](WorldQdelExt::qdel) in place of
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
//! | an id within one system | a plain `Entity` |
//! | an id that you look up anyway | [`WeakEntity`], or [`liveness`](LivenessExt::liveness) |
//! | fields, lists and maps that must not dangle | [declared references](docs::references) |
//! | a reaction of your own, in order | a [signal](docs::signals) |
//! | a reason to keep an entity | a veto: [`PreQdel`]; a field: [`OnLoss::Deny`](reference::OnLoss) |
//! | something outside the ECS to let go of | [`Destroy`] |
//! | an entity that is to go later | [`qdel_in`](WorldQdelExt::qdel_in) |
//! | a structure that is queried from both sides | a Bevy relationship |
//! | a message to anyone | a Bevy event or message |
//! | fields that were forgotten | a [sweep](docs::sweeps) |
//! | the question what holds an entity | [`find_references`](WorldReferencesExt::find_references) |
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
//! # Where to find it
//!
//! The verbs are methods of Bevy's own types, by one extension trait for each:
//!
//! | on | trait | verbs |
//! | --- | --- | --- |
//! | `World` | [`WorldQdelExt`] | delete, plan, delete later, tear down, count; `register_...` for types |
//! | | [`WorldSignalExt`] (also `DeferredWorld`) | register, send, ask |
//! | | [`WorldReferencesExt`] | declare fields, find what holds an entity, sweep |
//! | | [`LivenessExt`] (also `DeferredWorld`) | whether an entity is alive |
//! | `EntityWorldMut` | [`EntityWorldMutQdelExt`] | delete, register, send, ask |
//! | `EntityCommands` | [`EntityCommandsQdelExt`] | the same, when commands are applied |
//! | `Commands`, `DeferredWorld` | [`CommandsQdelExt`] | delete many, sync, sweep, cancel |
//! | a system parameter | [`SignalRegistrar`], [`EntityLiveness`] | register without a command; whether an entity is alive |
//! | any of these | [`QdelTakeExt`] | delete what a field names, and empty the field |
//! | `App` | `AppQdelExt` | `register_...`, `track_references` |
//!
//! The types of daily use are at the root, and the [`prelude`] has the most common of them. The
//! modules have the rest: [`signal`], [`mod@reference`], [`plan`], [`find`], [`sweep`],
//! [`statistics`], [`testing`], [`error`].
//!
//! # Features
//!
//! - `bevy_app` (default): `QdelPlugin`, and `register_listener`, `register_destroy` and so on on
//!   an `App`.
//! - `bevy_time` (default): with the plugin, timers follow Bevy's `Time`.
//! - `bevy_reflect` (default): `Reflect` for [`WeakEntity`], [`Deleting`] and the resources;
//!   [`find_references`](WorldReferencesExt::find_references) and
//!   [`sweep`](WorldReferencesExt::sweep) look into all types that are registered, not only into
//!   tracked ones; type data in `qdel::reflect`.
//! - `bevy_diagnostic`: `QdelDiagnosticsPlugin`, which shows in Bevy's diagnostics what deletions
//!   do and cost, frame by frame.
//! - `multi_threaded`: [sweeps](WorldReferencesExt::sweep) in one go and
//!   [`find_references`](WorldReferencesExt::find_references) look at large worlds on the threads
//!   of Bevy's compute pool, with the same result.
//! - `hashbrown`: `References` for its maps and sets (version 0.16, that of Bevy).
//! - `serde`: `Serialize` and `Deserialize` for [`WeakEntity`], and `Serialize` for
//!   [`Statistics`](statistics::Statistics).

#![cfg_attr(docsrs, feature(doc_cfg))]

mod books;
mod deleting;
mod deletion;
#[cfg(feature = "bevy_diagnostic")]
mod diagnostics;
pub mod error;
mod ext;
pub mod find;
mod hash;
mod hint;
mod inspect;
mod liveness;
mod panics;
mod parallel;
#[cfg(feature = "bevy_app")]
mod plugin;
pub mod reference;
mod registration;
mod relationship;
pub mod signal;
pub mod statistics;
pub mod sweep;
pub mod testing;
mod text;
mod timers;
mod weak;

#[doc(inline)]
pub use crate::{
    deleting::{AllowDeleting, Deleting, OnlyDeleting},
    deletion::{
        ask::{PreQdel, QdelVerdict},
        batch_outcome::QdelBatchOutcome,
        destroy::{Destroy, DestroyContext},
        outcome::QdelOutcome,
        settings::{Hiding, QdelSettings, SyncMode, Teardown},
        timer::QdelTimer,
    },
    error::{QdelError, RegisterError},
    ext::{
        commands::CommandsQdelExt, entity_commands::EntityCommandsQdelExt,
        entity_world_mut::EntityWorldMutQdelExt, take::QdelTakeExt, world_qdel::WorldQdelExt,
        world_references::WorldReferencesExt, world_signal::WorldSignalExt,
    },
    find::chain::ReferenceRoot,
    hint::DestroyHint,
    liveness::{EntityLiveness, Liveness, LivenessExt},
    reference::references::References,
    signal::{
        Question, Signal,
        answer::Answer,
        handler::SignalHandler,
        outcome::Registered,
        qdeleting::{QdelCause, Qdeleting},
        received::Received,
        registrar::SignalRegistrar,
        target::SignalTarget,
    },
    weak::WeakEntity,
};
#[cfg(feature = "bevy_app")]
#[doc(inline)]
pub use crate::{
    ext::app::AppQdelExt,
    plugin::{QdelPlugin, QdelSystems},
};
#[cfg(feature = "bevy_diagnostic")]
pub use diagnostics::QdelDiagnosticsPlugin;
pub use qdel_macros::References;

/// What a deletion would do: the answer to [`plan_qdel`](WorldQdelExt::plan_qdel).
pub mod plan {
    pub use crate::{
        deletion::plan::{Deletion, QdelPlan, Refusal},
        reference::planned_release::Release,
    };
}

/// Type data for `#[reflect(References)]` and `#[reflect(Destroy)]`.
#[cfg(feature = "bevy_reflect")]
pub mod reflect {
    pub use crate::deletion::wishes::{ReflectDestroy, ReflectReferences};
}

/// What a game module writes daily.
pub mod prelude {
    #[cfg(feature = "bevy_reflect")]
    pub use crate::reflect::{ReflectDestroy, ReflectReferences};
    #[cfg(feature = "bevy_app")]
    pub use crate::{AppQdelExt, QdelPlugin};
    pub use crate::{
        CommandsQdelExt, Destroy, DestroyContext, DestroyHint, EntityCommandsQdelExt,
        EntityLiveness, EntityWorldMutQdelExt, Liveness, LivenessExt, PreQdel, QdelOutcome,
        QdelSettings, QdelTakeExt, QdelVerdict, Qdeleting, Received, References, Signal,
        SignalRegistrar, Teardown, WeakEntity, WorldQdelExt, WorldReferencesExt, WorldSignalExt,
        reference::Lost,
    };
}

/// What the derive of [`References`] writes. No part of the interface: it may change at any time.
#[doc(hidden)]
pub mod __macro {
    pub use crate::reference::{
        AfterRelease, KeyReferences, Lost, OnLoss, PathStep, ReferenceVisitor, References,
        Releasable, ValueReferences, mapped::Mappable,
    };
    pub use bevy_ecs::entity::Entity;
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
