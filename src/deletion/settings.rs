//! How deletions are carried out.

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::ReflectResource;
use bevy_ecs::resource::Resource;

use crate::signal::Reserved;

/// How deletions are carried out: a resource, which may be changed at any time.
///
/// It is optional; without it the defaults hold.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[require(Reserved)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Resource)
)]
pub struct QdelSettings {
    /// When what was deleted is torn down.
    pub teardown: Teardown,
}

/// When what was deleted is torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "bevy_reflect", derive(bevy_reflect::Reflect))]
pub enum Teardown {
    /// At the end of the frame (`Last`, with the plugin), or when
    /// [`flush_qdel`](crate::QdelExt::flush_qdel) is called.
    #[default]
    EndOfFrame,
    /// Before the outermost [`qdel`](crate::QdelExt::qdel) returns.
    Immediate,
}
