//! Deletion notifications for `bevy_ecs`.

mod deleting;
mod deletion;
mod error;
mod liveness;
#[cfg(feature = "bevy_app")]
mod plugin;
mod signal;
mod weak;

pub use deleting::Deleting;
pub use deletion::{
    DeferredWorldQdelExt, EntityCommandsQdelExt, EntityWorldMutQdelExt, PreQdel, Qdel, QdelCounts,
    QdelExt, QdelSettings, Teardown, Verdict,
};
pub use error::{QdelError, RegisterError, UnregisterError};
pub use liveness::{EntityLiveness, Liveness, LivenessExt};
#[cfg(feature = "bevy_app")]
pub use plugin::{AppListenerExt, QdelPlugin, QdelSystems};
pub use signal::{
    Answer, BrokenBooks, Cause, EntityCommandsSignalExt, EntityWorldMutSignalExt, Footprint,
    Qdeleting, Question, Received, Registered, Registration, Replaced, Signal, SignalExt,
    SignalHandler, Signals, WorldListenerExt,
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
