//! Who is to be deleted later.
//!
//! # Invariants
//!
//! 1. The queue names a timer exactly when the entity of the timer says that it has it.
//! 2. Whoever goes away takes its timers with it, so that the queue does not grow with those who
//!    did not live to see their time.

use core::time::Duration;
use std::collections::BTreeMap;

use bevy_ecs::{
    component::Component, entity::Entity, lifecycle::HookContext, resource::Resource,
    world::DeferredWorld,
};
use smallvec::SmallVec;

use crate::signal::Reserved;

/// All timers, by the time when they are due and then by age.
#[derive(Resource, Default)]
#[require(Reserved)]
pub(crate) struct Timers {
    pub(crate) now: Duration,
    pub(crate) queue: BTreeMap<Due, Entity>,
    /// What the app's clock showed last, if it has one.
    pub(crate) shown: Option<Duration>,
}

/// When a timer is due, and its number.
pub(crate) type Due = (Duration, u64);

impl Timers {
    /// Tells whether time needs to pass.
    #[cfg(feature = "bevy_time")]
    pub(crate) fn is_running(&self) -> bool {
        !self.queue.is_empty()
    }
}

/// The timers of one entity.
#[derive(Component, Default)]
#[component(storage = "SparseSet", clone_behavior = Ignore, on_remove = cancel_all)]
pub(crate) struct Timed(pub(crate) SmallVec<[Due; 1]>);

/// Cancels the timers of an entity that goes away, or that was cleared.
fn cancel_all(mut world: DeferredWorld, context: HookContext) {
    let Some(mut timed) = world.get_mut::<Timed>(context.entity) else {
        return;
    };
    let timed = core::mem::take(&mut timed.0);
    if let Some(mut timers) = world.get_resource_mut::<Timers>() {
        for due in timed {
            timers.queue.remove(&due);
        }
    }
}
