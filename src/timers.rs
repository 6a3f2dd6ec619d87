//! The timers of entities that are to be deleted later.
//!
//! # Invariants
//!
//! 1. The queue names a timer exactly when `dues` says when it is due.
//! 2. The entity of each timer is marked as timed.
//! 3. The timers of an entity go with it, so the queue does not grow with entities that went before
//!    their time.

use core::time::Duration;
use std::collections::BTreeMap;

use bevy_ecs::{
    component::Component, entity::Entity, lifecycle::HookContext, resource::Resource,
    world::DeferredWorld,
};

use crate::books::Reserved;

/// All timers, by the time when they are due and then by age.
#[derive(Resource, Default)]
#[require(Reserved)]
pub(crate) struct Timers {
    pub(crate) now: Duration,
    queue: BTreeMap<Due, Entity>,
    /// When the timers of each entity are due, by their numbers.
    dues: BTreeMap<(Entity, u64), Duration>,
    /// What the app's clock showed last, if it has one.
    pub(crate) shown: Option<Duration>,
}

/// When a timer is due, and its number.
type Due = (Duration, u64);

impl Timers {
    /// Adds a timer with a new number.
    pub(crate) fn insert(&mut self, entity: Entity, id: u64, due: Duration) {
        self.queue.insert((due, id), entity);
        self.dues.insert((entity, id), due);
    }

    /// Takes a timer out, and returns `true` if it was there.
    pub(crate) fn remove(&mut self, entity: Entity, id: u64) -> bool {
        let due = self.dues.remove(&(entity, id));
        due.is_some_and(|due| self.queue.remove(&(due, id)).is_some())
    }

    /// Takes the first timer out whose time is up: its entity and its number.
    pub(crate) fn pop_due(&mut self) -> Option<(Entity, u64)> {
        let first = self.queue.first_entry()?;
        if first.key().0 > self.now {
            return None;
        }
        let ((_, id), entity) = first.remove_entry();
        self.dues.remove(&(entity, id));
        Some((entity, id))
    }

    /// Returns all timers in order of time: when each is due, its entity and its number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Duration, Entity, u64)> {
        let queue = self.queue.iter();
        queue.map(|(&(due, id), &entity)| (due, entity, id))
    }

    /// Returns `true` if there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes all timers of an entity out.
    fn remove_all(&mut self, entity: Entity) {
        while let Some((&(_, id), _)) = self.dues.range((entity, 0)..=(entity, u64::MAX)).next() {
            self.remove(entity, id);
        }
    }

    /// Returns `true` if time needs to pass.
    #[cfg(feature = "bevy_time")]
    pub(crate) fn is_running(&self) -> bool {
        !self.queue.is_empty()
    }
}

/// Marks an entity that has timers, or had some.
#[derive(Component)]
#[component(storage = "SparseSet", clone_behavior = Ignore, on_remove = cancel_all)]
pub(crate) struct Timed;

/// Cancels the timers of an entity that goes away, or that was cleared.
fn cancel_all(mut world: DeferredWorld, context: HookContext) {
    if let Some(mut timers) = world.get_resource_mut::<Timers>() {
        timers.remove_all(context.entity);
    }
}
