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
//! # Map
//!
//! | to | see |
//! | --- | --- |
//! | register, send, ask | [`SignalExt`] on a `World` or `DeferredWorld`, [`EntityWorldMutSignalExt`], [`EntityCommandsSignalExt`] |
//! | write a handler | [`SignalHandler`], [`Received`] |
//! | make a signal of your own | [`Signal`], [`Answer`], [`Question`] |
//! | delete | [`QdelExt`], [`EntityCommandsQdelExt`], [`DeferredWorldQdelExt`], [`EntityWorldMutQdelExt`] |
//! | hear of a deletion | [`Qdeleting`], [`Cause`] |
//! | prevent one | [`PreQdel`], [`Verdict`] |
//! | know whether an entity is alive | [`LivenessExt`], [`EntityLiveness`], [`Weak`] |
//! | use it as a plugin | `QdelPlugin` (feature `bevy_app`, on by default) |
//! | set it up | [`QdelSettings`], [`WorldListenerExt`], [`Signals`] |
//! | look inside | [`Footprint`], [`QdelCounts`] |
//!
//! # Features
//!
//! - `bevy_app` (default): `QdelPlugin`, and `register_listener` on an `App`.
//! - `bevy_reflect`: `Reflect` for [`Weak`] and the resources.
//! - `serde`: `Serialize` and `Deserialize` for [`Weak`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod deleting;
mod deletion;
mod error;
mod liveness;
#[cfg(feature = "bevy_app")]
mod plugin;
mod registration;
mod signal;
mod weak;

pub use deleting::Deleting;
pub use deletion::{
    DeferredWorldQdelExt, EntityCommandsQdelExt, EntityWorldMutQdelExt, PreQdel, Qdel, QdelCounts,
    QdelExt, QdelSettings, Teardown, Verdict,
};
pub use error::{BrokenBooks, QdelError, RegisterError, UnregisterError};
pub use liveness::{EntityLiveness, Liveness, LivenessExt};
#[cfg(feature = "bevy_app")]
pub use plugin::{AppListenerExt, QdelPlugin, QdelSystems};
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
        Answer, Cause, DeferredWorldQdelExt, EntityCommandsQdelExt, EntityCommandsSignalExt,
        EntityLiveness, EntityWorldMutQdelExt, EntityWorldMutSignalExt, Liveness, LivenessExt,
        PreQdel, Qdel, QdelExt, QdelSettings, Qdeleting, Question, Received, Signal, SignalExt,
        Signals, Teardown, Verdict, Weak, WorldListenerExt,
    };
    #[cfg(feature = "bevy_app")]
    pub use crate::{AppListenerExt, QdelPlugin};
}

#[cfg(all(doctest, feature = "bevy_app"))]
#[doc = include_str!("../README.md")]
struct Readme;
