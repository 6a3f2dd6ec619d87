//! The mark of an entity whose deletion has begun.

use bevy_ecs::{component::Component, entity_disabling::Disabled};

/// Marks an entity whose deletion has begun and that is not torn down yet.
///
/// The crate inserts it together with Bevy's [`Disabled`], so ordinary queries do not see the entity;
/// `Query<Entity, (With<Deleting>, Allow<Disabled>)>` lists what waits for its tear-down.
/// Ask with [`LivenessExt::liveness`](crate::LivenessExt::liveness) where you only want to know.
///
/// It cannot be built outside this crate. Do not remove it: the entity would count as alive until it is
/// torn down all the same.
#[derive(Component, Debug)]
#[component(clone_behavior = Ignore)]
pub struct Deleting {
    /// Keeps the struct from being built elsewhere.
    _sealed: (),
}

impl Deleting {
    /// Returns the components that mark an entity.
    pub(crate) fn mark() -> (Self, Disabled) {
        (Self { _sealed: () }, Disabled)
    }
}
